"""Cells and other spots that lie on no array: a place on a fine raster each, to be looked at."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from stentrans.errors import SectionFormatError

PLACES_PER_CELL: Final = 3.0
"""Raster positions per cell within the bounding box: few cells need to move far."""
REACH: Final = 12
"""Raster steps from its own position within which a cell looks for a free one."""


def raster_positions(pixels: NDArray[np.float64]) -> NDArray[np.int64]:
    """Give every cell the free raster position nearest to it.

    Parameters
    ----------
    pixels
        Shape ``(n_cells, 2)``: (x, y), float64, finite; left as it was.

    Returns
    -------
    array
        Shape ``(n_cells, 2)``: row (down, with y) and column (with x) from 0, int64, each once.

    Raises
    ------
    SectionFormatError
        R10 if far more cells lie on one place than there is room around it.
    """
    span = np.ptp(pixels, axis=0)
    room = float(span.max()) or 1.0
    area = float(max(span[0], room / 1000) * max(span[1], room / 1000))
    step = (area / (PLACES_PER_CELL * len(pixels))) ** 0.5
    wanted = np.rint((pixels - pixels.min(axis=0)) / step).astype(np.int64)[:, ::-1] + REACH
    array = np.full_like(wanted, -1)
    width = int(wanted[:, 1].max()) + REACH + 1
    is_free = np.ones((int(wanted[:, 0].max()) + REACH + 1) * width, dtype=bool)
    left = np.arange(len(pixels))
    for offset in _offsets():
        target = wanted[left] + offset
        key = target[:, 0] * width + target[:, 1]
        _, first = np.unique(key, return_index=True)
        lucky = first[is_free[key[first]]]
        array[left[lucky]] = target[lucky]
        is_free[key[lucky]] = False
        left = np.delete(left, lucky)
        if not len(left):
            placed: NDArray[np.int64] = array - array.min(axis=0)
            return placed
    raise SectionFormatError(
        f"Every spot must have a place of its own; {len(left)} spots lie where many others do. "
        "Give one section at a time.",
        code="R10",
    )


def _offsets() -> NDArray[np.int64]:
    """Raster steps within reach, the shortest first, shape ``(n, 2)``."""
    side = np.arange(-REACH, REACH + 1)
    steps = np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1).reshape(-1, 2)
    length = (steps**2).sum(axis=1)
    order = np.argsort(length, kind="stable")
    near: NDArray[np.int64] = steps[order][length[order] <= REACH**2]
    return near
