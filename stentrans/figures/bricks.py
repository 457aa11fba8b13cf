"""Sites as tiles of a heatmap: a shifted row is drawn with two half-columns per site."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FINEST = 12
"""Array positions are multiples of 1/12 step: factors 2, 3 and 4 all divide it."""

NO_SITE = 0
TOP_CODE = 255


@dataclass(frozen=True)
class Bricks:
    """A raster of colour codes with the array position of its first cell.

    Parameters
    ----------
    codes
        Shape ``(n_rows, n_cols)``, uint8; `NO_SITE` where there is no site.
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


def colour_limits(measured: NDArray[np.floating]) -> tuple[float, float]:
    """Return percentiles 1 and 99 of the measured values, or 0 and their maximum.

    The one colour scale of all panels comes from what was measured, so that no other panel can
    look better by rescaling. Where both percentiles coincide (a rare gene) the largest value
    ends the scale; a gene that is zero everywhere gets (0, 1).
    """
    finite = measured[np.isfinite(measured)]
    if finite.size == 0:
        return 0.0, 1.0
    low, high = (float(p) for p in np.percentile(finite, (1, 99)))
    if high > low:
        return low, high
    largest = float(finite.max())
    return (0.0, largest) if largest > 0 else (0.0, 1.0)


def colour_codes(values: NDArray[np.floating], limits: tuple[float, float]) -> NDArray[np.uint8]:
    """Turn values into codes 1 to 255 within ``limits``; NaN becomes `NO_SITE`."""
    low, high = limits
    share = np.clip((np.nan_to_num(values, nan=low) - low) / (high - low), 0.0, 1.0)
    codes: NDArray[np.uint8] = (1 + np.rint(share * (TOP_CODE - 1))).astype(np.uint8)
    codes[~np.isfinite(values)] = NO_SITE
    return codes


def code_of(value: float, limits: tuple[float, float]) -> float:
    """Return where ``value`` lies on the scale of codes, for the ticks of the colour bar."""
    return 1 + (TOP_CODE - 1) * (value - limits[0]) / (limits[1] - limits[0])


def lay_bricks(array: NDArray[np.float64], codes: NDArray[np.uint8]) -> Bricks:
    """Lay sites out as a raster in array steps.

    Parameters
    ----------
    array
        Shape ``(n, 2)``: array_row, array_col, multiples of 1/12.
    codes
        Shape ``(n,)``, uint8.

    Returns
    -------
    bricks
        Each site covers its share of a row: one cell on a square lattice, two half-columns on
        a hexagonal one. Any lattice, thinned ones included, is recognised by its spacings.
    """
    fine = np.rint(array * FINEST).astype(np.int64)
    row_unit, col_unit, width = _spacings(fine)
    rows = (fine[:, 0] - fine[:, 0].min()) // row_unit
    cols = (fine[:, 1] - fine[:, 1].min()) // col_unit
    cells = width // col_unit
    raster = np.full((rows.max() + 1, cols.max() + cells), NO_SITE, np.uint8)
    for cell in range(cells):
        raster[rows, cols + cell] = codes
    first_col = fine[:, 1].min() - width / 2 + col_unit / 2
    return Bricks(
        codes=raster,
        row0=float(fine[:, 0].min() / FINEST),
        col0=float(first_col / FINEST),
        row_step=row_unit / FINEST,
        col_step=col_unit / FINEST,
    )


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
