"""The section as an image: one cell per position of its lattice, along both lattice axes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from stentrans.lattice import Lattice
from stentrans.methods.weights import TOLERANCE, LinearWeights


@dataclass(frozen=True)
class Raster:
    """Cells of an image, and which spot each of them shows.

    Rows and columns follow the edges of the lattice's cells: on a hexagonal lattice the image is
    a parallelogram, and its corners lie off tissue.

    Parameters
    ----------
    shape
        Rows and columns of the image.
    cells
        Row and column of each spot that is shown, int64, shape ``(n_shown, 2)``.
    weights
        What each cell shows of all spots, CSR float32, shape ``(n_rows * n_cols, n_spots)``: its
        own spot where it was measured, elsewhere a linear mixture, outside the hull the nearest.
    """

    shape: tuple[int, int]
    cells: NDArray[np.int64]
    weights: csr_matrix

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Which cells were measured."""
        mask = np.zeros(self.shape, dtype=bool)
        mask[self.cells[:, 0], self.cells[:, 1]] = True
        return mask

    def images(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Images of genes, shape ``(n_genes, n_rows, n_cols)``, from ``(n_spots, n_genes)``.

        Cells that were not measured are interpolated; `mask` tells them apart.
        """
        shown = np.asarray(self.weights @ values, dtype=np.float32)
        return np.ascontiguousarray(shown.T).reshape(-1, *self.shape)


def full_raster(lattice: Lattice) -> Raster:
    """All measured spots as an image."""
    return _raster(lattice, np.arange(lattice.n_spots), 1)


def thinned_raster(lattice: Lattice) -> Raster:
    """The spots on every second lattice line of both axes, as an image half as fine.

    Cell (i, j) is cell (2i, 2j) of `full_raster`. An axis with a single line has nothing to be
    thinned and stays whole.
    """
    even = (_cells(lattice) % 2 == 0).all(axis=1)
    # Of a section in scattered pieces no spot may lie on two even lines; any is better than none.
    spots = np.flatnonzero(even) if even.any() else np.arange(1)
    return _raster(lattice, spots, 2)


def _cells(lattice: Lattice) -> NDArray[np.int64]:
    """Row and column of every spot."""
    return np.rint(lattice.to_raster(lattice.array.astype(float))).astype(np.int64)


def _raster(lattice: Lattice, spots: NDArray[np.int64], every: int) -> Raster:
    """Image of some spots; ``every`` lattice lines make one row."""
    whole = _cells(lattice)
    n_rows, n_cols = (whole.max(axis=0) // every + 1).tolist()
    cells = whole[spots] // every
    places = np.argwhere(np.ones((n_rows, n_cols), dtype=bool))
    array = lattice.from_raster(places * every)
    own = cells @ np.array([n_cols, 1])
    array[own] = lattice.array[spots]
    weights = LinearWeights(lattice, spots)(array)
    weights.data = np.where(np.abs(weights.data - 1) < TOLERANCE, 1.0, weights.data)
    return Raster((n_rows, n_cols), cells, weights.astype(np.float32))
