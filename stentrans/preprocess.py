"""Library size, log-normalisation and the choice of genes; the same numbers sparse and dense."""

from __future__ import annotations

from typing import overload

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, issparse

from stentrans.validate import check_number

Counts = csr_matrix | NDArray[np.float32]


def library_size(counts: Counts) -> NDArray[np.float64]:
    """Return the total counts of each spot.

    Parameters
    ----------
    counts
        Shape ``(n_spots, n_genes)``, CSR or dense; left as it was.

    Returns
    -------
    library
        Shape ``(n_spots,)``, float64.
    """
    return np.asarray(counts.sum(axis=1, dtype=np.float64), dtype=np.float64).ravel()


def median_library(counts: Counts) -> float:
    """Return the median library size of the spots that have counts; 1.0 where none has any."""
    return median_seen(library_size(counts))


def median_seen(library: NDArray[np.float64]) -> float:
    """Return the median of library sizes above 0; 1.0 where there is none."""
    seen = library[library > 0]
    return float(np.median(seen)) if seen.size else 1.0


@overload
def log_normalise(counts: csr_matrix, target: float) -> csr_matrix: ...
@overload
def log_normalise(counts: NDArray[np.float32], target: float) -> NDArray[np.float32]: ...
def log_normalise(counts: Counts, target: float) -> Counts:
    """Return log1p of the counts scaled to ``target`` counts per spot.

    Parameters
    ----------
    counts
        Shape ``(n_spots, n_genes)``, non-negative, CSR or dense; left as it was.
    target
        Library size that every spot is scaled to, usually the section's median; above 0.

    Returns
    -------
    values
        Same shape and kind as ``counts``, float32, new. A spot without counts stays all zero.

    Raises
    ------
    ParameterError
        If ``target`` is not a positive number.
    """
    goal = check_number("target", target, low=1e-6, high=1e12)
    library = library_size(counts)
    # An empty spot has nothing to scale: a factor of 0 keeps it 0, dense and sparse alike.
    scale = np.divide(goal, library, out=np.zeros_like(library), where=library > 0)
    if issparse(counts):
        stored = np.diff(counts.indptr)
        values = np.log1p(counts.data * np.repeat(scale, stored)).astype(np.float32)
        pattern = (values, counts.indices.copy(), counts.indptr.copy())
        return csr_matrix(pattern, shape=counts.shape)
    return np.log1p(counts * scale[:, None]).astype(np.float32)


def detected_share(counts: Counts) -> NDArray[np.float64]:
    """Return the share of spots in which each gene has counts, shape ``(n_genes,)``, in [0, 1]."""
    n_spots, n_genes = counts.shape
    if issparse(counts):
        seen = np.bincount(counts.indices[counts.data > 0], minlength=n_genes)
    else:
        seen = (counts > 0).sum(axis=0)
    return np.asarray(seen / max(n_spots, 1), dtype=np.float64)


def keep_genes(counts: Counts, min_share: float = 0.1) -> NDArray[np.bool_]:
    """Mark the genes seen in more than ``min_share`` of the spots.

    Parameters
    ----------
    counts
        Shape ``(n_spots, n_genes)``, CSR or dense; left as it was.
    min_share
        Share of spots in [0, 1] that a gene must exceed; with 0, genes with any count are kept.

    Returns
    -------
    kept
        Shape ``(n_genes,)``, bool, new.

    Raises
    ------
    ParameterError
        If ``min_share`` is outside [0, 1].

    Notes
    -----
    The paper keeps genes seen in more than 10 % of the spots (arXiv 2407.08224).
    """
    share = check_number("min_share", min_share, low=0.0, high=1.0)
    return np.asarray(detected_share(counts) > share)
