"""What every method is given, checked and normalised in one place."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csc_matrix, csr_matrix

from stentrans.errors import ParameterError, ShapeError
from stentrans.lattice import Lattice


def check_settings(method: str, settings: Mapping[str, Any], allowed: Collection[str]) -> None:
    """Raise ParameterError if ``settings`` holds a name that ``method`` does not know."""
    unknown = [name for name in settings if name not in allowed]
    if not unknown:
        return
    known = f"the settings {', '.join(sorted(allowed))}" if allowed else "no settings"
    given = ", ".join(repr(name) for name in unknown)
    raise ParameterError(f"The method {method} takes {known}; got {given}.")


def check_counts(counts: csr_matrix, lattice: Lattice) -> None:
    """Raise unless ``counts`` has one row per measured spot and finite, non-negative values.

    Raises
    ------
    ShapeError
        If the number of rows is not the number of measured spots.
    ParameterError
        If a count is negative or not finite.
    """
    if counts.shape[0] != lattice.n_spots:
        raise ShapeError(
            f"Counts must have one row per measured spot ({lattice.n_spots}); got shape "
            f"{counts.shape}."
        )
    if counts.nnz and not (np.isfinite(counts.data).all() and counts.data.min() >= 0):
        raise ParameterError("Counts must be finite and not negative; some are not.")


def check_positions(positions: ArrayLike) -> NDArray[np.float64]:
    """Return positions as float64, shape ``(n_sites, 2)``, or raise.

    Raises
    ------
    ShapeError
        If the shape is not ``(n_sites, 2)``.
    ParameterError
        If a position is not finite.
    """
    given = np.asarray(positions, dtype=np.float64)
    if given.ndim != 2 or given.shape[1] != 2:
        raise ShapeError(f"Positions must have shape (n_sites, 2); got {given.shape}.")
    if not np.isfinite(given).all():
        raise ParameterError("Positions must be finite; some are NaN or infinite.")
    return given


def library_size(counts: csr_matrix) -> NDArray[np.float64]:
    """Total counts per spot, shape ``(n_spots,)``; an empty spot counts as 1."""
    total = np.asarray(counts.sum(axis=1, dtype=np.float64), dtype=np.float64).ravel()
    return np.asarray(np.maximum(total, 1.0), dtype=np.float64)


def median_library(counts: csr_matrix) -> float:
    """Median of the total counts per spot, at least 1: the depth that values are scaled to."""
    return max(float(np.median(np.asarray(counts.sum(axis=1, dtype=np.float64)))), 1.0)


def log_normalise(counts: csr_matrix, target: float) -> csc_matrix:
    """Natural log1p of counts scaled to ``target`` per spot, CSC float32; the input is kept."""
    scale = np.repeat(target / library_size(counts), np.diff(counts.indptr))
    values = np.log1p(counts.data * scale).astype(np.float32)
    rows = csr_matrix((values, counts.indices, counts.indptr), shape=counts.shape)
    columns: csc_matrix = rows.tocsc()
    return columns
