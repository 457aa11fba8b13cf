"""What the counts of a gene say beyond depth: standardised residuals, a few genes at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix

GENES_AT_ONCE: Final = 512
"""A chunk of so many genes stays in the processor's cache for a usual section."""
_LEAST = 1e-12


class CountResiduals:
    """Counts of each gene against those expected if every spot had the same composition.

    Parameters
    ----------
    counts
        CSR, shape ``(n_spots, n_genes)``; left as it was. A spot without counts says nothing: its
        residuals are those of the mean.

    Notes
    -----
    Expected is ``mu = library * pooled share``. The residual ``(x - mu) / sqrt(mu + a mu²)``,
    ``a`` the gene's overdispersion by moments, at least 0, has mean 0 and variance 1 at every
    spot whatever its depth, so that a depth that varies in space makes no pattern. It is cut at
    ``± sqrt(n_spots)``, as Lause et al. (Genome Biology 2021, 22:258) do, centred and scaled.
    """

    def __init__(self, counts: csr_matrix) -> None:
        self.counts = csc_matrix(counts, dtype=np.float32)
        self.library = np.asarray(counts.sum(1), np.float64).ravel()
        total = np.asarray(counts.sum(0), np.float64).ravel()
        self.share = total / total.sum()
        self.depth = float(np.median(self.library[self.library > 0]))
        self.seen = np.diff(self.counts.indptr)
        self.dispersion = self._dispersion()

    def of(self, genes: NDArray[np.int64]) -> NDArray[np.float32]:
        """Residuals of some genes, shape ``(n_spots, n_genes_asked)``; all 0 for a constant one."""
        values = np.asarray(self.counts[:, genes].toarray(), np.float32)
        expected = (self.library[:, None] * self.share[genes]).astype(np.float32)
        values -= expected
        values /= self._sd(expected, genes)
        most = np.float32(len(values) ** 0.5)
        np.clip(values, -most, most, out=values)
        values -= values.mean(0)
        size = np.sqrt(np.einsum("ij,ij->j", values, values) / len(values))
        values /= np.where(size > 1e-6, size, np.inf)
        return values

    def of_predicted(
        self, composition: NDArray[np.float32], genes: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Residuals that predictions stand for, at the section's median depth.

        Parameters
        ----------
        composition
            Log values at equal depth, as `Enhancement.expression` gives them, shape
            ``(n_sites, n_genes_asked)``.
        genes
            Which genes these are, indices.
        """
        expected = (self.depth * self.share[genes]).astype(np.float32)
        return np.asarray((np.expm1(composition) - expected) / self._sd(expected, genes))

    def chunks(self, genes: NDArray[np.int64]) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Residuals of many genes, part by part: where they stand in ``genes``, and `of` them."""
        for start in range(0, len(genes), GENES_AT_ONCE):
            part = slice(start, min(start + GENES_AT_ONCE, len(genes)))
            yield part, self.of(genes[part])

    def _sd(self, expected: NDArray[np.float32], genes: NDArray[np.int64]) -> NDArray[np.float32]:
        """Standard deviation of counts of which so many are expected."""
        dispersion = self.dispersion[genes].astype(np.float32)
        return np.asarray(np.sqrt(np.maximum(expected * (1 + dispersion * expected), _LEAST)))

    def _dispersion(self) -> NDArray[np.float64]:
        """Overdispersion per gene: what the squared errors hold beyond counting noise."""
        squared = self.counts.astype(np.float64)
        squared.data **= 2
        expected_squared = self.share**2 * (self.library**2).sum()
        crossed = self.share * (self.library @ self.counts)
        errors = np.asarray(squared.sum(0)).ravel() - 2 * crossed + expected_squared
        beyond = errors - self.share * self.library.sum()
        return np.asarray(np.maximum(beyond / np.maximum(expected_squared, _LEAST), 0))
