"""Square cells: the square lattice, and the staggered one, which is square by its diagonals."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

RASTER_TO_ARRAY: Final = ((1, 0), (0, 1))
"""Rows: one raster step along each axis, as (array_row, array_col)."""
OFFSETS: Final = ((1, 0), (0, 1), (-1, 0), (0, -1))
"""Neighbours in raster steps; the first half reaches every pair once."""
STAGGERED_RASTER_TO_ARRAY: Final = ((1, 1), (-1, 1))

Mask = NDArray[np.bool_]


def has_fine_site(corners: tuple[Mask, Mask, Mask, Mask], a: int, b: int, factor: int) -> Mask:
    """Mark the cells that hold the fine position ``(a, b) / factor``.

    Parameters
    ----------
    corners
        Which cells have their corner (0, 0), (1, 0), (0, 1), (1, 1) occupied.
    a, b
        Fine steps from corner (0, 0), each in ``[0, factor)``, not both 0.
    factor
        Fine steps per cell.

    Returns
    -------
    held
        Shape of each corner mask: True between two occupied neighbours, or inside the hull of
        at least three occupied corners.
    """
    o00, o10, o01, o11 = corners
    if a == 0:
        return o00 & o01
    if b == 0:
        return o00 & o10
    held = np.zeros_like(o00)
    if a + b <= factor:
        held |= o00 & o10 & o01
    if a + b >= factor:
        held |= o10 & o01 & o11
    if a <= b:
        held |= o00 & o01 & o11
    if a >= b:
        held |= o00 & o10 & o11
    return held
