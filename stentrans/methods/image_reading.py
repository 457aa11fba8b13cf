"""Where a position lies on a doubled image: sparse weights of its fine cells."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.spatial import cKDTree

from stentrans.lattice import Lattice
from stentrans.methods.weights import LinearWeights

_TOLERANCE: Final = 1e-6
_REACH: Final = 1.0
"""In pitches: farther from all spots, and outside their hull, an image shows nothing learned."""


class ImageReader:
    """Weights of fine cells at any position.

    Fine cell (2i, 2j) lies on cell (i, j) of the section's raster, the others half a step beyond.
    Positions of factor 2 read one fine cell, others lie between up to four: in a square cell by
    bilinear weights, on a hexagonal lattice by those of the triangle that holds them. Outside the
    hull of all spots, and more than one pitch away from each, the nearest spot's cell is read.

    Parameters
    ----------
    lattice
        Where the spots lie.
    linear
        Linear interpolation on it, which knows the hull.
    shape
        Rows and columns of the image before it is doubled.
    """

    def __init__(self, lattice: Lattice, linear: LinearWeights, shape: tuple[int, int]) -> None:
        self.lattice, self.linear, self.shape = lattice, linear, shape
        self.tree = cKDTree(lattice.plane(lattice.array))

    def __call__(self, array: NDArray[np.float64]) -> csr_matrix:
        """Weights, float32, shape ``(n_sites, 4 * n_rows * n_cols)``; rows sum to 1."""
        fine = 2 * self.lattice.to_raster(self._on_image(array))
        # A single line has nothing to its side.
        last = [2 * size - (1 if size > 1 else 2) for size in self.shape]
        fine = np.clip(fine, 0, last)
        whole = np.rint(fine)
        fine = np.where(np.abs(fine - whole) < _TOLERANCE, whole, fine)
        below = np.minimum(np.floor(fine), np.maximum(np.array(last) - 1, 0)).astype(np.int64)
        weights = _corner_weights(fine - below, is_hexagonal=self.lattice.kind == "hexagonal")
        corners = below[:, None] + np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
        n_cols = 2 * self.shape[1]
        columns = (corners @ np.array([n_cols, 1])).ravel()
        used = weights.ravel() != 0
        rows = np.repeat(np.arange(len(array)), 4)[used]
        shape = (len(array), 2 * self.shape[0] * n_cols)
        entries = weights.ravel()[used].astype(np.float32)
        return csr_matrix((entries, (rows, columns[used])), shape=shape)

    def _on_image(self, array: NDArray[np.float64]) -> NDArray[np.float64]:
        """Positions as asked for, but far outside the tissue those of the nearest spots."""
        _, inside = self.linear.within_hull(array)
        asked = range(1, min(6, self.lattice.n_spots) + 1)
        distance, near = map(np.asarray, self.tree.query(self.lattice.plane(array), asked))
        tied = distance <= distance[:, :1] + _TOLERANCE
        nearest = np.where(tied, near, self.lattice.n_spots).min(axis=1)
        far = ~inside & (distance[:, 0] > _REACH + _TOLERANCE)
        return np.where(far[:, None], self.lattice.array[nearest], array)


def _corner_weights(share: NDArray[np.float64], *, is_hexagonal: bool) -> NDArray[np.float64]:
    """Weights of corners (0, 0), (1, 0), (0, 1), (1, 1), shape ``(n_sites, 4)``."""
    a, b = share.T
    if not is_hexagonal:
        return np.column_stack([(1 - a) * (1 - b), a * (1 - b), (1 - a) * b, a * b])
    # Corners (1, 0) and (0, 1) are neighbours and part the cell into two triangles.
    beyond = np.maximum(a + b - 1, 0)
    return np.column_stack([np.maximum(1 - a - b, 0), a - beyond, b - beyond, beyond])
