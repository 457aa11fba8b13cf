"""Factors of composition: what the spots differ in once depth is taken out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix

from stentrans.errors import ParameterError
from stentrans.lattice import Lattice
from stentrans.methods.log_moments import LogMoments
from stentrans.methods.progress import pulse

GENES_PER_CHUNK = 1024
_EXACT_UP_TO = 2000
_LEAST_SPOTS = 10


@dataclass(frozen=True)
class Observed:
    """What the spots with counts show.

    Parameters
    ----------
    counts
        CSC float32, shape ``(n_spots, n_genes)``.
    library
        Shape ``(n_spots,)``, all positive.
    target
        Median of ``library``.
    plane
        Positions in lattice pitches, shape ``(n_spots, 2)``.
    row
        Row of each spot of the lattice in ``counts``, -1 for a spot without counts.
    lines
        Lattice lines of the spots along both axes, shape ``(n_spots, 2)``, int64.
    basis
        Genes that find the factors, indices.
    """

    counts: csc_matrix
    library: NDArray[np.float64]
    target: float
    plane: NDArray[np.float64]
    row: NDArray[np.int64]
    lines: NDArray[np.int64]
    basis: NDArray[np.int64]

    @property
    def share(self) -> NDArray[np.float64]:
        """Pooled share of each gene, shape ``(n_genes,)``."""
        total = np.asarray(self.counts.sum(0), np.float64).ravel()
        return np.asarray(total / total.sum())

    def dense(self, genes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Counts of some genes, shape ``(n_spots, n_genes_asked)``."""
        return np.asarray(self.counts[:, genes].toarray(), np.float64)


def observe(counts: csr_matrix, lattice: Lattice, min_share: float) -> Observed:
    """Leave out spots without counts and choose the genes that find the factors.

    Raises
    ------
    ParameterError
        If fewer than 10 spots have counts, or fewer than 2 genes are seen in more than
        ``min_share`` of the spots.
    """
    library = np.asarray(counts.sum(1), np.float64).ravel()
    alive = library > 0
    if alive.sum() < _LEAST_SPOTS:
        raise ParameterError(
            f"At least {_LEAST_SPOTS} spots must have counts to find what is spatial; "
            f"{int(alive.sum())} do. Check that the counts belong to these spots."
        )
    kept = csc_matrix(counts[alive])
    seen = np.diff(kept.indptr) / max(int(alive.sum()), 1)
    basis = np.flatnonzero(seen > min_share)
    if len(basis) < 2:
        raise ParameterError(
            f"At least 2 genes must be seen in more than {min_share:.0%} of the spots to find "
            f"spatial factors; {len(basis)} are. Lower min_share or use a deeper section."
        )
    plane = lattice.plane(lattice.array[alive].astype(np.float64))
    lines = (lattice.axial[alive] - lattice.axial.min(0)) // np.array(lattice.step)
    return Observed(
        counts=kept,
        library=library[alive],
        target=float(np.median(library[alive])),
        plane=plane,
        row=np.where(alive, np.cumsum(alive) - 1, -1),
        lines=lines,
        basis=basis,
    )


def gene_chunks(genes: NDArray[np.int64], size: int = GENES_PER_CHUNK) -> list[NDArray[np.int64]]:
    """Split genes so that one dense chunk of spots x genes stays small."""
    return [genes[i : i + size] for i in range(0, len(genes), size)]


def find_factors(
    observed: Observed, rank: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Principal components of composition, with what depth alone explains taken out.

    Returns
    -------
    factors
        Unit variance, shape ``(n_spots, rank)``; fewer than ``rank`` columns in small sections.
    noise
        Mean counting variance of the log values per spot, shape ``(n_spots,)``.

    Notes
    -----
    A log-normalised value minus its expectation under the pooled shares at the spot's own
    library: spots differ in it by composition only. Rows are weighted by the root of the library.
    """
    scale = (observed.target / observed.library)[:, None]
    moments = LogMoments(float(scale.min()), float(scale.max()))
    residual = np.empty((len(observed.library), len(observed.basis)), np.float32)
    share, noise, start = observed.share, np.zeros(len(observed.library)), 0
    for genes in gene_chunks(observed.basis):
        pulse()
        part = slice(start, start + len(genes))
        expected = observed.library[:, None] * share[genes]
        residual[:, part] = np.log1p(observed.dense(genes) * scale)
        residual[:, part] -= moments.mean(expected, scale)
        noise += moments.variance(expected, scale).sum(1)
        start = part.stop
    residual -= np.average(residual, axis=0, weights=observed.library)
    root = np.sqrt(observed.library / observed.library.mean()).astype(np.float32)[:, None]
    rank = max(1, min(rank, len(observed.library) // 3, len(observed.basis) - 1))
    residual *= root
    pulse()
    loadings = _components(residual, rank, seed)
    factors = np.asarray(residual @ loadings / root, np.float64)
    return factors / np.maximum(factors.std(0), 1e-12), noise / len(observed.basis)


def _components(values: NDArray[np.float32], rank: int, seed: int) -> NDArray[np.float32]:
    """Leading right singular vectors, shape ``(n_genes, rank)``, signs fixed."""
    if min(values.shape) <= _EXACT_UP_TO:
        wide = values.shape[0] <= values.shape[1]
        gram = np.asarray(values @ values.T if wide else values.T @ values, np.float64)
        power, vectors = np.linalg.eigh(gram)
        top = np.argsort(power)[::-1][:rank]
        right = values.T @ vectors[:, top] if wide else vectors[:, top]
        right = right / np.maximum(np.linalg.norm(right, axis=0), 1e-12)
    else:
        from sklearn.utils.extmath import randomized_svd  # slow to import, and seldom needed

        right = randomized_svd(values, rank, n_iter=4, random_state=seed)[2].T
    # Signs are arbitrary; fixed, so that the same section gives the same factors everywhere.
    sign = np.sign(right[np.abs(right).argmax(0), np.arange(right.shape[1])])
    return np.asarray(right * np.where(sign == 0, 1, sign), np.float32)
