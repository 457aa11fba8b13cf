"""Kriging as sparse weights of nearby spots, several settings beside each other."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix
from scipy.spatial import cKDTree

from stentrans.methods.pattern_kriging import neighbourhoods, pattern_weights, patterns_of

SETTINGS: Final = ((1.0, 1.0), (1.0, 5.0), (2.0, 3.0), (3.0, 10.0), (10.0, 1.0), (10.0, 10.0))
"""Length in pitches and noise over signal variance; few, as a site has weights for each."""
N_NEAREST: Final = 30
SITES_AT_ONCE: Final = 4_096

Floats = NDArray[np.float64]


class KrigingWeights:
    """Simple kriging from the 30 nearest spots with counts, in all settings beside each other.

    Parameters
    ----------
    plane
        Positions of all spots, shape ``(n_spots, 2)``, in pitches.
    spots
        Those that carry information, indices.

    Notes
    -----
    A matrix of weights has one block of ``n_spots`` columns per setting, then one column per
    setting with the weight that is left for the mean.
    """

    def __init__(self, plane: Floats, spots: NDArray[np.int64]) -> None:
        self.plane, self.spots = plane, spots
        self.tree = cKDTree(plane[spots])

    def at(self, plane: Floats) -> csr_matrix:
        """Weights at positions in the plane, float32; a spot there counts, with its noise."""
        return self._weights(plane, skip=0)

    def left_out(self, spots: NDArray[np.int64]) -> csr_matrix:
        """Weights at spots with counts, each from all others."""
        return self._weights(self.plane[spots], skip=1)

    def _weights(self, at: Floats, *, skip: int) -> csr_matrix:
        n_spots, n_blocks = len(self.plane), len(SETTINGS)
        n_near = max(min(N_NEAREST, len(self.spots) - skip), 0)
        shape = (len(at), n_blocks * (n_near + 1))
        data, columns = np.empty(shape, np.float32), np.empty(shape, np.int32)
        columns[:, n_blocks * n_near :] = n_blocks * n_spots + np.arange(n_blocks)
        for start in range(0, len(at), SITES_AT_ONCE):
            rows = slice(start, start + SITES_AT_ONCE)
            near, offset = neighbourhoods(self.tree, at[rows], N_NEAREST, skip=skip)
            patterns, which = patterns_of(offset)
            for block, (length, nugget) in enumerate(SETTINGS):
                weights, _ = pattern_weights(patterns, length, nugget)
                part = slice(block * n_near, (block + 1) * n_near)
                data[rows, part] = weights[which]
                data[rows, n_blocks * n_near + block] = 1 - weights.sum(axis=1)[which]
                columns[rows, part] = self.spots[near] + block * n_spots
        stored = np.arange(len(at) + 1) * shape[1]
        width = n_blocks * (n_spots + 1)
        return csr_matrix((data.ravel(), columns.ravel(), stored), shape=(len(at), width))


def in_blocks(values: csc_matrix, mean: Floats, setting: NDArray[np.int64]) -> csc_matrix:
    """Lay out values for `KrigingWeights`: each gene's in the block of its setting.

    Parameters
    ----------
    values
        Shape ``(n_spots, n_genes)``; left as it was.
    mean
        What a gene is drawn to far from all spots, shape ``(n_genes,)``.
    setting
        Index in `SETTINGS`, shape ``(n_genes,)``.

    Returns
    -------
    loadings
        ``weights @ loadings`` are the kriged values; float32, one more stored value per gene.
    """
    n_spots, n_genes = values.shape
    n_blocks, ends = len(SETTINGS), values.indptr[1:]
    rows = values.indices + n_spots * np.repeat(setting, np.diff(values.indptr))
    rows = np.insert(rows, ends, n_blocks * n_spots + setting)
    data = np.insert(values.data.astype(np.float32), ends, mean.astype(np.float32))
    starts = values.indptr + np.arange(n_genes + 1)
    return csc_matrix((data, rows, starts), shape=(n_blocks * (n_spots + 1), n_genes))
