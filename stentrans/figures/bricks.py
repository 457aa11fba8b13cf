"""Sites as tiles of a heatmap: a shifted row is drawn with two half-columns per site."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stentrans.figures.colours import NO_SITE

FINEST = 12
"""Array positions are multiples of 1/12 step: factors 2, 3 and 4 all divide it."""


@dataclass(frozen=True)
class Bricks:
    """A raster of colour codes with the array position of its first cell.

    Parameters
    ----------
    codes
        Shape ``(n_rows, n_cols)``, or with maps last, uint8; `NO_SITE` where there is no site.
    row0, col0
        Array position of the centre of the first cell.
    row_step, col_step
        Array steps between cells.
    """

    codes: NDArray[np.uint8]
    row0: float
    col0: float
    row_step: float
    col_step: float


def lay_bricks(array: NDArray[np.float64], codes: NDArray[np.uint8]) -> Bricks:
    """Lay sites out as a raster in array steps.

    Parameters
    ----------
    array
        Shape ``(n, 2)``: array_row, array_col, multiples of 1/12.
    codes
        Shape ``(n,)``, or ``(n, n_maps)`` for several maps of the same sites, uint8.

    Returns
    -------
    bricks
        Each site covers its share of a row: one cell on a square lattice, two half-columns on
        a hexagonal one. Any lattice, thinned ones included, is recognised by its spacings.
    """
    fine = _twelfths(array)
    units = _spacings(fine)
    rows, cols, cells = _cells(fine, units)
    shape = (rows.max() + 1, cols.max() + cells, *codes.shape[1:])
    raster = np.full(shape, NO_SITE, np.uint8)
    for cell in range(cells):
        raster[rows, cols + cell] = codes
    row_step, col_step, width = (unit / FINEST for unit in units)
    return Bricks(
        codes=raster,
        row0=float(array[:, 0].min()),
        col0=float(array[:, 1].min() - width / 2 + col_step / 2),
        row_step=row_step,
        col_step=col_step,
    )


def brick_cells(
    array: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Return the row and the first column of each site in the raster, and its number of columns.

    ``array`` as for `lay_bricks`.
    """
    fine = _twelfths(array)
    return _cells(fine, _spacings(fine))


def _cells(
    fine: NDArray[np.int64], units: tuple[int, int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """`brick_cells` of positions and spacings in twelfths."""
    row_unit, col_unit, width = units
    rows = (fine[:, 0] - fine[:, 0].min()) // row_unit
    cols = (fine[:, 1] - fine[:, 1].min()) // col_unit
    return rows, cols, width // col_unit


def outline(bricks: Bricks) -> NDArray[np.float64]:
    """Lines around the tiles that hold a site, in array positions.

    Parameters
    ----------
    bricks
        Laid with `NO_SITE` for every site that does not belong.

    Returns
    -------
    lines
        Shape ``(3 * n_lines, 2)``: start and end (array_row, array_col) of each line, then NaN.
    """
    inside = np.pad(bricks.codes != NO_SITE, 1)
    row, first, last = _runs(inside[1:] != inside[:-1])
    col, top, bottom = _runs((inside[:, 1:] != inside[:, :-1]).T)
    across = np.column_stack([row, first, row, last])
    down = np.column_stack([top, col, bottom, col])
    ends = np.concatenate([across, down]).reshape(-1, 2, 2)
    steps = np.array([bricks.row_step, bricks.col_step])
    lines = np.full((len(ends), 3, 2), np.nan)
    lines[:, :2] = np.array([bricks.row0, bricks.col0]) + steps * ends
    return lines.reshape(-1, 2)


def _runs(edges: NDArray[np.bool_]) -> tuple[NDArray[np.floating], ...]:
    """Runs of marked cells of a padded raster: where their line, their start and their end lie."""
    change = np.diff(np.pad(edges, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    line, start = np.nonzero(change == 1)
    _, end = np.nonzero(change == -1)
    # Cell i of the raster is cell i + 1 of the padded one, and tiles reach half a cell beyond.
    return line - 0.5, start - 1.5, end - 1.5


def site_spacings(array: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return array steps between rows, between columns over all rows, and within a row.

    The last is twice the second where every other row is shifted.
    """
    row_unit, col_unit, width = _spacings(_twelfths(array))
    return row_unit / FINEST, col_unit / FINEST, width / FINEST


def _twelfths(array: NDArray[np.float64]) -> NDArray[np.int64]:
    """Array positions in whole twelfths of a step."""
    return np.rint(array * FINEST).astype(np.int64)


def _spacings(fine: NDArray[np.int64]) -> tuple[int, int, int]:
    """Distance of rows, of columns over all rows, and of sites within a row, in twelfths."""
    row_unit = int(np.gcd.reduce(np.diff(np.unique(fine[:, 0]))))
    col_unit = int(np.gcd.reduce(np.diff(np.unique(fine[:, 1]))))
    ordered = fine[np.lexsort((fine[:, 1], fine[:, 0]))]
    same_row = np.diff(ordered[:, 0]) == 0
    width = int(np.gcd.reduce(np.diff(ordered[:, 1])[same_row]))
    # One row, one column or one site alone has no spacing of its own.
    row_unit, col_unit = row_unit or col_unit or FINEST, col_unit or row_unit or FINEST
    return row_unit, col_unit, width or col_unit
