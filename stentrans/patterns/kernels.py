"""Which spots count as near each other: neighbours, and bumps of several widths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.spatial import KDTree

from stentrans.evaluation.spatial import adjacency
from stentrans.lattice import Lattice

REACH_SDS: Final = 2.5
"""Distance from the centre of a bump, in its standard deviations, beyond which it is 0."""
WIDEST_SHARE: Final = 0.25
"""Standard deviation of the widest bumps as a share of the section's longer side."""
DENSE_UP_TO: Final = 512
"""Bumps; a matrix of fewer is dense, which is faster, and centred."""
ROWS_SUMMED: Final = 2_000
"""Spots from which the sum of cubes is estimated in larger sections."""


@dataclass(frozen=True, eq=False)
class Kernel:
    """Weights of pairs of spots, 0 on the diagonal, and the sums that their moments need.

    Parameters
    ----------
    range_spots
        How far the weights reach, in spacings of the lattice.
    features
        Weights are ``features @ features.T`` off the diagonal, shape ``(n_spots, n_features)``;
        or, for neighbours, the weights themselves.
    diagonal
        What is on that product's diagonal, shape ``(n_spots,)``; None where the weights are given.
    sums
        Of the weights ``w``: see `Sums`.
    """

    range_spots: float
    features: csr_array | NDArray[np.float32]
    diagonal: NDArray[np.float32] | None
    sums: Sums

    def statistic(
        self, values: NDArray[np.float32], squares: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Sum over pairs of spots of weight times both values, per column.

        Parameters
        ----------
        values
            Shape ``(n_spots, n_columns)``, columns of mean 0.
        squares
            Their squares.
        """
        if self.diagonal is None:
            near = np.asarray(self.features @ values)
            return np.asarray(np.einsum("ij,ij->j", values, near), np.float64)
        inside = np.asarray(self.features.T @ values)
        whole = np.einsum("ij,ij->j", inside, inside)
        return np.asarray(whole - self.diagonal @ squares, np.float64)


@dataclass(frozen=True)
class Sums:
    """Sums over ordered pairs and triples of different spots.

    Parameters
    ----------
    n
        Spots.
    total, squares, cubes
        Of the weights.
    row_squares
        Of the squared sums of each row.
    triangles
        Of ``w_ij w_jk w_ki``.
    """

    n: int
    total: float
    squares: float
    cubes: float
    row_squares: float
    triangles: float


def neighbour_kernel(lattice: Lattice, spots: NDArray[np.int64]) -> Kernel:
    """Weight 1 for adjacent spots among those that take part, indices: Moran's I."""
    weights = csr_array(adjacency(lattice, spots))
    rows = np.asarray(weights.sum(1), np.float64).ravel()
    return Kernel(
        1.0,
        weights,
        None,
        Sums(
            n=len(spots),
            total=float(rows.sum()),
            squares=float(rows.sum()),
            cubes=float(rows.sum()),
            row_squares=float((rows**2).sum()),
            triangles=float((weights @ weights * weights).sum()),
        ),
    )


def bump_kernels(
    lattice: Lattice, spots: NDArray[np.int64], rng: np.random.Generator
) -> list[Kernel]:
    """Kernels of doubling range: spots are near as far as they lie under the same bumps.

    Parameters
    ----------
    lattice
        Of the whole section.
    spots
        Those that take part, indices.
    rng
        Draws the rows from which large sections' sums of cubes are estimated.

    Notes
    -----
    The section is covered with Gaussian bumps as far apart as they are wide (standard deviation
    1, 2, 4, ... spacings of the lattice, up to a quarter of the longer side), so that cost grows
    with the number of spots and not with its square.
    """
    plane = lattice.plane(lattice.array[spots])
    widest = max(1.0, WIDEST_SHARE * float(np.ptp(plane, axis=0).max()))
    widths = 2.0 ** np.arange(int(np.log2(widest)) + 1)
    return [_bump_kernel(plane, width, rng) for width in widths]


def _bump_kernel(plane: NDArray[np.float64], width: float, rng: np.random.Generator) -> Kernel:
    sparse = bumps(plane, width)
    features: csr_array | NDArray[np.float64] = sparse
    if sparse.shape[1] <= DENSE_UP_TO:
        # Values that are tested have mean 0, so centring changes no statistic, but it makes the
        # moments of wide bumps those of values of mean 0.
        features = sparse.toarray() - np.asarray(sparse.mean(0))
    diagonal = np.asarray((features * features) @ np.ones(features.shape[1]))
    return Kernel(
        2 * width,
        features.astype(np.float32),
        diagonal.astype(np.float32),
        _sums(features, diagonal, rng),
    )


def bumps(plane: NDArray[np.float64], width: float) -> csr_array:
    """Height of every bump at every spot, shape ``(n_spots, n_bumps)``."""
    low, high = plane.min(0), plane.max(0)
    size = np.ceil((high - low) / width).astype(np.int64) + 1
    steps = np.stack(np.meshgrid(*map(np.arange, size), indexing="ij"), axis=-1).reshape(-1, 2)
    centres = (low + high) / 2 + (steps - (size - 1) / 2) * width
    near = KDTree(plane).sparse_distance_matrix(
        KDTree(centres), REACH_SDS * width, output_type="ndarray"
    )
    height = np.exp(-0.5 * (near["v"] / width) ** 2)
    found = csr_array((height, (near["i"], near["j"])), shape=(len(plane), len(centres)))
    return csr_array(found[:, np.flatnonzero(np.asarray(found.sum(0)) > 0)])


def _sums(
    features: csr_array | NDArray[np.float64],
    diagonal: NDArray[np.float64],
    rng: np.random.Generator,
) -> Sums:
    """Sums of the off-diagonal part of ``features @ features.T``, which is never written out."""
    n = len(diagonal)
    gram = features.T @ features
    rows = np.asarray(features @ features.sum(0)).ravel() - diagonal
    # The diagonal of the squared product, and its third trace.
    second = np.asarray(((features @ gram) * features) @ np.ones(features.shape[1]))
    third = float(((gram @ gram) * gram).sum())
    return Sums(
        n=n,
        total=float(rows.sum()),
        squares=float((gram * gram).sum() - (diagonal**2).sum()),
        cubes=_cubes(features, diagonal, rng),
        row_squares=float((rows**2).sum()),
        triangles=third - 3 * float(diagonal @ second) + 2 * float((diagonal**3).sum()),
    )


def _cubes(
    features: csr_array | NDArray[np.float64],
    diagonal: NDArray[np.float64],
    rng: np.random.Generator,
) -> float:
    """Sum of cubed weights, in large sections from some of the rows."""
    n = len(diagonal)
    chosen = np.arange(n) if n <= ROWS_SUMMED else rng.choice(n, ROWS_SUMMED, replace=False)
    total = 0.0
    for start in range(0, len(chosen), 256):
        product = features[chosen[start : start + 256]] @ features.T
        total += float((product * product * product).sum())
    return n / len(chosen) * (total - float((diagonal[chosen] ** 3).sum()))
