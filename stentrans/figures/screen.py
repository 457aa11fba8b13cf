"""Where an array position lies on the screen, so that a map looks like the tissue's picture."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

UNITS_PER_PITCH = 100.0
"""Screen units per lattice pitch where the pitch in µm is unknown."""


@dataclass(frozen=True)
class Screen:
    """Array rows and columns on the two screen axes.

    The lattice stays parallel to the axes; they are swapped and reversed as a whole.

    Parameters
    ----------
    row_step, col_step
        Screen units (µm where known) per array row and per array column.
    is_swapped
        Array rows run from left to right, columns from top to bottom.
    is_x_reversed, is_y_reversed
        The horizontal array index grows to the left; the vertical one grows upwards.
    is_um
        The units are micrometres; otherwise hundredths of the spot distance.
    """

    row_step: float
    col_step: float
    is_swapped: bool = False
    is_x_reversed: bool = False
    is_y_reversed: bool = False
    is_um: bool = True

    def place(self, array: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn (array_row, array_col), shape ``(n, 2)``, into screen (x, y), same shape."""
        rows, cols = array[:, 0] * self.row_step, array[:, 1] * self.col_step
        return np.column_stack((rows, cols) if self.is_swapped else (cols, rows))

    def to_array(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn screen (x, y), shape ``(n, 2)``, into (array_row, array_col); undoes `place`."""
        across, down = places.T
        rows, cols = (across, down) if self.is_swapped else (down, across)
        return np.column_stack((rows / self.row_step, cols / self.col_step))

    def turned(self) -> Screen:
        """Return the same a quarter turn clockwise."""
        return replace(
            self,
            is_swapped=not self.is_swapped,
            is_x_reversed=not self.is_y_reversed,
            is_y_reversed=self.is_x_reversed,
        )

    def flipped(self) -> Screen:
        """Return the same with left and right exchanged."""
        return replace(self, is_x_reversed=not self.is_x_reversed)


def screen_of(
    to_um: NDArray[np.float64],
    to_pixels: NDArray[np.float64] | None,
    *,
    pitch_um: float | None,
) -> Screen:
    """Choose the screen axes from the signs and dominant entries of the map to pixels.

    Parameters
    ----------
    to_um
        Shape ``(2, 3)``: (array_row, array_col, 1) to (x, y) in µm, or in pitches where
        ``pitch_um`` is None.
    to_pixels
        Shape ``(2, 3)``: the same to full-resolution pixels, y downwards; None where there
        are no pixels, then rows run downwards and columns to the right.
    pitch_um
        Distance between neighbouring spots, None where unknown.

    Returns
    -------
    screen
        Axes that show the section the way its picture does, mirrored ones included.
    """
    scale = UNITS_PER_PITCH if pitch_um is None else 1.0
    row_step, col_step = (scale * float(np.hypot(*to_um[:, axis])) for axis in (0, 1))
    if to_pixels is None:
        return Screen(row_step, col_step, is_um=pitch_um is not None)
    per_unit = to_pixels[:, :2] / np.array([row_step, col_step])
    is_swapped = bool(abs(per_unit[0, 0]) > abs(per_unit[0, 1]))
    across, down = (0, 1) if is_swapped else (1, 0)
    return Screen(
        row_step,
        col_step,
        is_swapped=is_swapped,
        is_x_reversed=bool(per_unit[0, across] < 0),
        is_y_reversed=bool(per_unit[1, down] < 0),
        is_um=pitch_um is not None,
    )
