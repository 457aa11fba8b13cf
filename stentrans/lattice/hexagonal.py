"""Triangular cells: the hexagonal lattice of Visium, axes q = (col - row) / 2 and r = row."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

RASTER_TO_ARRAY: Final = ((0, 2), (1, 1))
"""Rows: one raster step along q and along r, as (array_row, array_col)."""
OFFSETS: Final = ((1, 0), (0, 1), (1, -1), (-1, 0), (0, -1), (-1, 1))
"""Neighbours in raster steps; the first half reaches every pair once."""

Mask = NDArray[np.bool_]


def has_fine_site(corners: tuple[Mask, Mask, Mask, Mask], a: int, b: int, factor: int) -> Mask:
    """Mark the cells that hold the fine position ``(a, b) / factor``.

    As `square.has_fine_site`, but corners (1, 0) and (0, 1) are neighbours and part the cell
    into two triangles; a site lies on an edge between two occupied corners or inside a
    triangle of three.
    """
    o00, o10, o01, o11 = corners
    if a == 0:
        return o00 & o01
    if b == 0:
        return o00 & o10
    edge = o10 & o01
    if a + b == factor:
        return edge
    return edge & (o00 if a + b < factor else o11)
