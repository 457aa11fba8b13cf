"""What every method is given, checked in one place."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix

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
