"""Array positions from pixels, for files that lost array_row and array_col."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from stentrans.section.positions import MAX_RESIDUAL

MIN_ORDER: Final = 0.8
"""Length of the mean direction of neighbours, 1 on a perfect lattice, near 0 for cells."""
SAME_LENGTH: Final = 0.2
"""Steps this close to the pitch, relative, count as steps between neighbours."""
START_RADIUS: Final = 4.0
"""Pitches around the middle in which counting steps is safe before the pitch is refined."""


@dataclass(frozen=True, eq=False)
class RebuiltArray:
    """Array positions found from pixels.

    Parameters
    ----------
    array
        Shape ``(n_spots, 2)``: array_row, array_col, int64, from 0; hexagonal ones with even sum.
    rms_px
        Root mean squared distance of the spots from their lattice positions, in pixels.
    """

    array: NDArray[np.int64]
    rms_px: float


def rebuild_array(pixels: NDArray[np.float64]) -> RebuiltArray | None:
    """Derive array positions from the spacing and angle of the spots.

    Parameters
    ----------
    pixels
        Shape ``(n_spots, 2)``: (x, y), float64, finite; left as it was. May be rotated.

    Returns
    -------
    rebuilt
        None if the spots do not lie on one regular square or hexagonal lattice, as cells do not.
    """
    if len(pixels) < 3:
        return None
    tree = cKDTree(pixels)
    found = tree.query(pixels, k=min(7, len(pixels)))
    distance, neighbour = np.asarray(found[0]), np.asarray(found[1])
    pitch = float(np.median(distance[:, 1]))
    if pitch <= 0 or not np.isfinite(pitch):
        return None
    near = np.abs(distance[:, 1:] / pitch - 1.0) < SAME_LENGTH
    steps = (pixels[neighbour[:, 1:]] - pixels[:, None])[near]
    angle = np.arctan2(steps[:, 1], steps[:, 0])
    folds: dict[Literal[4, 6], complex] = {
        4: complex(np.exp(4j * angle).mean()),
        6: complex(np.exp(6j * angle).mean()),
    }
    fold: Literal[4, 6] = 6 if abs(folds[6]) > abs(folds[4]) else 4
    if abs(folds[fold]) < MIN_ORDER:
        return None
    first = float(np.angle(folds[fold])) / fold
    turns = np.array([first, first + 2 * np.pi / fold])
    basis = float(np.linalg.norm(steps, axis=1).mean()) * np.array([np.cos(turns), np.sin(turns)])
    axial, rms = _count_steps(pixels, basis)
    if len(np.unique(axial, axis=0)) < len(axial) or rms > MAX_RESIDUAL * pitch:
        return None
    return RebuiltArray(_as_array(axial, fold), rms)


def _count_steps(
    pixels: NDArray[np.float64], basis: NDArray[np.float64]
) -> tuple[NDArray[np.int64], float]:
    """Whole steps along both basis vectors, refining these from the middle outwards."""
    middle = pixels[np.argmin(((pixels - np.median(pixels, axis=0)) ** 2).sum(axis=1))]
    away = np.linalg.norm(pixels - middle, axis=1)
    origin, reach = middle, START_RADIUS * float(np.linalg.norm(basis[:, 0]))
    while True:
        steps = np.rint((pixels - origin) @ np.linalg.inv(basis).T)
        inner = away <= reach
        design = np.column_stack([steps[inner], np.ones(int(inner.sum()))])
        solved, _, rank, _ = np.linalg.lstsq(design, pixels[inner], rcond=None)
        if rank == 3 and abs(np.linalg.det(solved[:2])) > 0:
            basis, origin = solved[:2].T, solved[2]
        if inner.all():
            break
        reach *= 1.5
    steps = np.rint((pixels - origin) @ np.linalg.inv(basis).T)
    miss = pixels - (steps @ basis.T + origin)
    return steps.astype(np.int64), float(np.sqrt((miss**2).sum(axis=1).mean()))


def _as_array(axial: NDArray[np.int64], fold: Literal[4, 6]) -> NDArray[np.int64]:
    """Array rows and columns from 0; two columns per step on a hexagonal lattice."""
    along, across = axial[:, 0], axial[:, 1]
    col = 2 * along + across if fold == 6 else along
    array = np.column_stack([across, col])
    array -= array.min(axis=0)
    if fold == 6 and array[0].sum() % 2:
        array[:, 1] += 1
    return array.astype(np.int64)
