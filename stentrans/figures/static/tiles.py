"""The shape that each site owns: a hexagon, a rectangle or a diamond, exact for its lattice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stentrans.figures.bricks import site_spacings
from stentrans.figures.screen import Screen


def tile_of(array: NDArray[np.float64], screen: Screen) -> NDArray[np.float64]:
    """Return the tile of one site: all points that are nearer to it than to any other.

    Parameters
    ----------
    array
        Shape ``(n, 2)``: array_row, array_col, multiples of 1/12.
    screen
        Orientation and proportions.

    Returns
    -------
    corners
        Shape ``(4, 2)`` or ``(6, 2)``, in screen units around the site: a rectangle where rows
        stand above each other, else the hexagon of rows that are shifted by half a step (a
        diamond where these make a square lattice). Tiles of a full lattice leave no gap.
    """
    row_unit, col_unit, width = site_spacings(array)
    high, wide = row_unit * screen.row_step, width * screen.col_step
    is_shifted = width == 2 * col_unit
    corners = _hexagon(wide, high) if is_shifted else _rectangle(wide, high)
    return corners[:, ::-1] if screen.is_swapped else corners


def radius_of(array: NDArray[np.float64], screen: Screen, share: float) -> float:
    """Return the radius of a spot whose diameter is a ``share`` of the distance of sites."""
    row_unit, col_unit, width = site_spacings(array)
    high, wide = row_unit * screen.row_step, width * screen.col_step
    if width == 2 * col_unit:
        return share / 2 * min(wide, float(np.hypot(wide / 2, high)))
    return share / 2 * min(wide, high)


def _rectangle(wide: float, high: float) -> NDArray[np.float64]:
    corners = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    return np.asarray(corners * np.array([wide, high]) / 2)


def _hexagon(wide: float, high: float) -> NDArray[np.float64]:
    """Cell of rows ``high`` apart, shifted by half of ``wide``, the distance within a row."""
    if 2 * high < wide:  # then columns are the rows
        return _hexagon(2 * high, wide / 2)[:, ::-1]
    half = wide / 2  # corners are (along a row, across rows)
    top = (half**2 + high**2) / (2 * high)
    side = (high**2 - half**2) / (2 * high)
    right = np.array([[0.0, -top], [half, -side], [half, side]])
    return np.concatenate([right, -right])
