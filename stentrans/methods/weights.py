"""Interpolation as sparse weights: each site is a weighted sum of measured spots."""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack
from scipy.spatial import Delaunay, cKDTree

from stentrans.lattice import Lattice

TOLERANCE: Final = 1e-8
"""In pitches; closer positions are the same, and a site this far off the hull is inside."""
SHEARS: Final = (1e-5, -1e-5)
"""Tiny opposite shears make a triangulation cut square cells along one and the other diagonal."""
KEYS_A: Final = -0.5
"""Keys 1981: the only value for which cubic convolution is exact to third order."""


class Weights(Protocol):
    """Weights from chosen spots to any positions; made by ``Weights(lattice, spots)``."""

    def __call__(self, array: NDArray[np.float64]) -> csr_matrix:
        """Weights, shape ``(n_sites, n_spots)``, float64; columns of other spots are empty."""
        ...


class NearestWeights:
    """All weight on the nearest spot; of equally near ones, the first in the section."""

    def __init__(self, lattice: Lattice, spots: NDArray[np.int64]) -> None:
        self.lattice = lattice
        self.spots = np.sort(spots)
        self.tree = cKDTree(lattice.plane(lattice.array[self.spots]))

    def __call__(self, array: NDArray[np.float64]) -> csr_matrix:
        """Weights of the nearest spot, shape ``(n_sites, n_spots)``."""
        n_asked = min(8, len(self.spots))
        ranks = range(1, n_asked + 1)
        distance, index = map(np.asarray, self.tree.query(self.lattice.plane(array), ranks))
        is_tied = distance <= distance[:, :1] + TOLERANCE
        nearest = np.where(is_tied, index, len(self.spots)).min(axis=1)
        rows = np.arange(len(array))
        return _assemble(rows, self.spots[nearest], np.ones(len(rows)), len(array), self.lattice)


class LinearWeights:
    """Barycentric weights in a triangle of spots; nearest outside the hull of all spots.

    Four spots on one circle, as in every square cell, have two Delaunay triangulations; both
    are averaged, so that neither the order of the spots nor a chosen diagonal shows in a map.
    """

    def __init__(self, lattice: Lattice, spots: NDArray[np.int64]) -> None:
        self.lattice = lattice
        self.nearest = NearestWeights(lattice, spots)
        self.spots = self.nearest.spots
        plane = lattice.plane(lattice.array[self.spots])
        self.centre = plane.mean(axis=0)
        _, spread, axes = np.linalg.svd(plane - self.centre, full_matrices=False)
        self.along = axes[0]
        self.triangles: list[tuple[NDArray[np.float64], Delaunay]] = []
        if len(spread) > 1 and spread[1] > TOLERANCE * max(spread[0], 1.0):
            shears = [np.array([[1.0, 0.0], [shear, 1.0]]) for shear in SHEARS]
            self.triangles = [(shear, Delaunay((plane - self.centre) @ shear)) for shear in shears]

    def __call__(self, array: NDArray[np.float64]) -> csr_matrix:
        """Barycentric weights, shape ``(n_sites, n_spots)``."""
        weights, inside = self.within_hull(array)
        return _merge(weights[inside], self.nearest(array[~inside]), inside)

    def within_hull(self, array: NDArray[np.float64]) -> tuple[csr_matrix, NDArray[np.bool_]]:
        """Weights, and which sites lie in the hull; the others' rows are empty."""
        plane = self.lattice.plane(array) - self.centre
        rows, corners, weights = (
            self._in_triangles(plane) if self.triangles else self._on_line(plane)
        )
        inside = np.zeros(len(array), dtype=bool)
        inside[rows] = True
        return (
            _assemble(
                np.repeat(rows, corners.shape[1]),
                self.spots[corners].ravel(),
                weights.ravel(),
                len(array),
                self.lattice,
            ),
            inside,
        )

    def _in_triangles(
        self, plane: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Sites in the hull, the corners of their triangles ``(n_inside, 6)`` and weights."""
        # The search walks on from the site before, so sites in any other order take long.
        order = np.lexsort((plane[:, 0], np.floor(plane[:, 1])))
        found = [np.empty(len(plane), dtype=np.int32) for _ in self.triangles]
        for simplex, (shear, triangles) in zip(found, self.triangles, strict=True):
            simplex[order] = triangles.find_simplex((plane @ shear)[order], tol=TOLERANCE)
        rows = np.flatnonzero(np.all([simplex >= 0 for simplex in found], axis=0))
        corners, weights = [], []
        for (shear, triangles), simplex in zip(self.triangles, found, strict=True):
            corners.append(triangles.simplices[simplex[rows]].astype(np.int64))
            weights.append(_barycentric(triangles, simplex[rows], (plane @ shear)[rows]))
        return rows, np.hstack(corners), np.hstack(weights) / len(weights)

    def _on_line(
        self, plane: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Sites between spots that lie on one line, their two ends and weights."""
        place = (self.lattice.plane(self.lattice.array[self.spots]) - self.centre) @ self.along
        order = np.argsort(place)
        place = place[order]
        asked = plane @ self.along
        beside = np.abs(plane @ np.array([-self.along[1], self.along[0]]))
        between = (asked >= place[0] - TOLERANCE) & (asked <= place[-1] + TOLERANCE)
        rows = np.flatnonzero(between & (beside <= TOLERANCE))
        if len(place) == 1:
            return rows, np.zeros((len(rows), 1), dtype=np.int64), np.ones((len(rows), 1))
        right = np.clip(np.searchsorted(place, asked[rows]), 1, len(place) - 1)
        share = (asked[rows] - place[right - 1]) / (place[right] - place[right - 1])
        whole = np.rint(share)
        share = np.clip(np.where(np.abs(share - whole) < TOLERANCE, whole, share), 0, 1)
        corners = np.column_stack([order[right - 1], order[right]])
        return rows, corners, np.column_stack([1 - share, share])


class CubicWeights:
    """Cubic convolution along the two lattice axes; nearest outside the hull of all spots.

    Lattice positions without a spot are first completed linearly (outside the hull by the
    nearest spot), so that the sixteen supports of a site always exist.
    """

    def __init__(self, lattice: Lattice, spots: NDArray[np.int64]) -> None:
        self.lattice = lattice
        self.linear = LinearWeights(lattice, spots)

    def __call__(self, array: NDArray[np.float64]) -> csr_matrix:
        """Convolution weights, shape ``(n_sites, n_spots)``, some negative."""
        _, inside = self.linear.within_hull(array)
        raster = self.lattice.to_raster(array)
        whole = np.rint(raster)
        raster = np.where(np.abs(raster - whole) < TOLERANCE, whole, raster)[inside]
        below = np.floor(raster).astype(np.int64)
        kernels = [_keys(raster[:, axis] - below[:, axis]) for axis in (0, 1)]
        weight = np.einsum("ni,nj->nij", *kernels).ravel()
        shift = np.argwhere(np.ones((4, 4))) - 1
        support = (below[:, None] + shift).reshape(-1, 2)
        rows = np.repeat(np.arange(len(below)), 16)
        used = weight != 0
        unique, column = np.unique(support[used], axis=0, return_inverse=True)
        convolve = csr_matrix(
            (weight[used], (rows[used], column.ravel())), shape=(len(below), len(unique))
        )
        within = convolve @ self.linear(self.lattice.from_raster(unique))
        return _merge(within, self.linear.nearest(array[~inside]), inside)


def _merge(within: csr_matrix, outside: csr_matrix, inside: NDArray[np.bool_]) -> csr_matrix:
    """Rows of both matrices in the order that ``inside`` tells."""
    order = np.argsort(np.argsort(~inside, kind="stable"), kind="stable")
    merged: csr_matrix = vstack([within, outside], format="csr")[order]
    return merged


def _barycentric(
    triangles: Delaunay, simplex: NDArray[np.int32], points: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Weights of the three corners for points in known triangles, ``(n_points, 3)``."""
    transform = triangles.transform[simplex]
    first = np.einsum("nij,nj->ni", transform[:, :2], points - transform[:, 2])
    weights = np.column_stack([first, 1 - first.sum(axis=1)])
    weights[weights < TOLERANCE] = 0.0
    normalised: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
    return normalised


def _keys(fraction: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cubic convolution weights of the four positions around each fraction, ``(n, 4)``."""
    distance = np.abs(fraction[:, None] - np.array([-1, 0, 1, 2]))
    near = (KEYS_A + 2) * distance**3 - (KEYS_A + 3) * distance**2 + 1
    far = KEYS_A * (distance**3 - 5 * distance**2 + 8 * distance - 4)
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0.0))


def _assemble(
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    weights: NDArray[np.float64],
    n_sites: int,
    lattice: Lattice,
) -> csr_matrix:
    """Sparse weights without stored zeros."""
    matrix = csr_matrix((weights, (rows, columns)), shape=(n_sites, lattice.n_spots))
    matrix.eliminate_zeros()
    return matrix
