"""Principal components of a sparse matrix that is centred but never made dense as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import LinearOperator, svds

from stentrans.methods.progress import pulse

GRAM_UP_TO: Final = 1_000
"""Spots or genes; the Gram matrix of more is slower than a few matrix-vector products."""
GENES_AT_ONCE: Final = 1_024
TOLERANCE: Final = 1e-5
"""Relative error of squared singular values at which the iteration stops."""
LEAST_SIZE: Final = 1e-6
"""Singular values below this share of the norm of the values are rounding noise."""


@dataclass(frozen=True)
class Components:
    """Leading principal components: ``values ≈ mean + scores @ loadings``.

    Parameters
    ----------
    mean
        Shape ``(n_genes,)``, float64.
    scores
        Shape ``(n_spots, rank)``, float64, columns of mean 0.
    loadings
        Shape ``(rank, n_genes)``, float64, orthonormal rows.
    """

    mean: NDArray[np.float64]
    scores: NDArray[np.float64]
    loadings: NDArray[np.float64]


def principal_components(values: csc_matrix, rank: int, *, seed: int = 0) -> Components:
    """Find the leading principal components of the columns.

    Parameters
    ----------
    values
        Shape ``(n_spots, n_genes)``; left as it was.
    rank
        How many to find; fewer come back where the values vary in fewer directions.
    seed
        Starts the iteration that large sections need; the result does not depend on it beyond
        rounding.

    Returns
    -------
    components
        Of decreasing variance; their signs are arbitrary.
    """
    mean = np.asarray(values.mean(axis=0, dtype=np.float64)).ravel()
    rank = min(rank, values.shape[0] - 2, values.shape[1])
    if values.shape[0] <= GRAM_UP_TO:
        basis, size = _by_gram(values, mean, rank)
    elif values.shape[1] <= GRAM_UP_TO:
        basis, size = _by_gram_of_genes(values, mean, rank)
    else:
        basis, size = _by_iteration(values, mean, rank, seed)
    used = size > LEAST_SIZE * np.linalg.norm(values.data)
    basis, size = basis[:, used], size[used]
    projected = np.asarray((values.T @ basis).T)
    loadings = (projected - np.outer(basis.sum(axis=0), mean)) / size[:, None]
    return Components(mean, basis * size, loadings)


def _by_gram(
    values: csc_matrix, mean: NDArray[np.float64], rank: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Left singular vectors and singular values through the products of spots."""
    gram = np.zeros((values.shape[0], values.shape[0]))
    for start in range(0, values.shape[1], GENES_AT_ONCE):
        pulse()
        genes = slice(start, start + GENES_AT_ONCE)
        part = values[:, genes].toarray().astype(np.float64) - mean[genes]
        gram += part @ part.T
    size, basis = np.linalg.eigh(gram)
    leading = slice(None, -rank - 1, -1)
    return basis[:, leading], np.sqrt(np.maximum(size[leading], 0.0))


def _by_gram_of_genes(
    values: csc_matrix, mean: NDArray[np.float64], rank: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same through the products of genes, for many spots and few genes."""
    rows = values.astype(np.float64)
    gram = (rows.T @ rows).toarray() - values.shape[0] * np.outer(mean, mean)
    power, vectors = np.linalg.eigh(gram)
    leading = slice(None, -rank - 1, -1)
    size = np.sqrt(np.maximum(power[leading], 0.0))
    projected = rows @ vectors[:, leading] - mean @ vectors[:, leading]
    return projected / np.maximum(size, np.finfo(np.float64).tiny), size


def _by_iteration(
    values: csc_matrix, mean: NDArray[np.float64], rank: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same by Lanczos iteration on the centred matrix, which is never written out."""
    rows = values.astype(np.float64)

    def forward(x: NDArray[np.float64]) -> NDArray[np.float64]:
        pulse()
        return np.asarray(rows @ x.ravel() - mean @ x.ravel())

    def backward(y: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(rows.T @ y.ravel() - mean * y.sum())

    centred = LinearOperator(values.shape, matvec=forward, rmatvec=backward, dtype=np.float64)
    start = np.random.default_rng(seed).normal(size=min(values.shape))
    n_basis = min(4 * rank + 10, *values.shape)
    basis, size, _ = svds(centred, k=rank, ncv=n_basis, v0=start, tol=TOLERANCE)
    order = np.argsort(-size)
    return basis[:, order], size[order].astype(np.float64)
