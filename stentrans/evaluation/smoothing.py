"""Moran's I before and after enhancement, beside what chance and smoothing alone would give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags_array
from scipy.spatial import KDTree

from stentrans.errors import ShapeError
from stentrans.evaluation.metrics import pearson
from stentrans.evaluation.spatial import morans_i

REACHES: Final = (0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
"""Standard deviations of the smoothers, in spacings of the lattice."""
DRAWS: Final = 39
"""Permutations: the largest of so many is passed by chance once in 40 times."""
_WINDOW: Final = 2.5


@dataclass(frozen=True)
class MoranCheck:
    """How alike neighbours are, and how alike they would be without any pattern.

    Parameters
    ----------
    before, before_null
        Moran's I of the measured values, and the largest of their permutations.
    after, after_null
        Moran's I of the map shown, at the same spots, and the largest of permutations that were
        smoothed as much.
    """

    before: float
    before_null: float
    after: float
    after_null: float


def smoothers(plane: NDArray[np.float64]) -> list[csr_matrix]:
    """Gaussian means over the spots around each spot, from narrow to wide.

    Parameters
    ----------
    plane
        Isotropic positions in spacings of the lattice, shape ``(n_spots, 2)``.

    Returns
    -------
    smoothers
        One per reach, CSR, shape ``(n_spots, n_spots)``, rows sum to 1.
    """
    tree, found = KDTree(plane), []
    for reach in REACHES:
        near = tree.sparse_distance_matrix(tree, _WINDOW * reach + 1e-6, output_type="ndarray")
        weight = np.exp(-0.5 * (near["v"] / reach) ** 2)
        window = csr_matrix((weight, (near["i"], near["j"])), shape=(len(plane), len(plane)))
        total = np.asarray(window.sum(1)).ravel()
        found.append(csr_matrix(diags_array(1 / total) @ window, dtype=np.float32))
    return found


def moran_check(
    measured: NDArray[np.floating],
    shown: NDArray[np.floating],
    adjacent: csr_matrix,
    *,
    windows: Sequence[csr_matrix],
    seed: int = 0,
) -> MoranCheck:
    """Compare Moran's I of one gene before and after with what shuffled spots give.

    Any smoothing makes neighbours alike, pattern or not. So the measured values are shuffled
    among the spots, smoothed by the window that brings the true ones closest to the map shown,
    and scored.

    Parameters
    ----------
    measured, shown
        Values of the spots, shape ``(n_spots,)``.
    adjacent
        From `spatial.adjacency`.
    windows
        From `smoothers`.
    seed
        Draws the permutations.

    Raises
    ------
    ShapeError
        If the values belong to different spots.
    """
    if measured.shape != shown.shape or measured.shape != (adjacent.shape[0],):
        raise ShapeError(
            "Measured and shown values must belong to the spots of `adjacent`; got shapes "
            f"{measured.shape} and {shown.shape} for {adjacent.shape[0]} spots."
        )
    rng = np.random.default_rng(seed)
    shuffled = rng.permuted(np.repeat(measured[:, None], DRAWS, axis=1), axis=0)
    shuffled = shuffled.astype(np.float32)
    target = shown[:, None].astype(np.float32)
    likeness = [pearson(window @ measured[:, None], target)[0] for window in windows]
    nearest = windows[int(np.argmax(np.nan_to_num(likeness, nan=-1.0)))]
    both = morans_i(np.column_stack([measured, shown]).astype(np.float32), adjacent)
    return MoranCheck(
        before=float(both[0]),
        before_null=float(morans_i(shuffled, adjacent).max()),
        after=float(both[1]),
        after_null=float(morans_i(nearest @ shuffled, adjacent).max()),
    )
