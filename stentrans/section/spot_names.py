"""Legacy ST spots carry their array position in their name, such as ``10x13``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stentrans.section.notes import Note
from stentrans.section.options import FIRST_NUMBERS, FirstNumber

SPOT: Final = re.compile(
    r"^(?:X)?(?:(?P<section>\d+)x)?(?P<row>\d+(?:\.\d+)?)x(?P<col>\d+(?:\.\d+)?)$"
)
"""``10x13``, ``1x17x20`` with a section in front, ``X17x20`` from R, ``16.92x9.015`` adjusted."""


def share_of_spots(names: Sequence[str]) -> float:
    """Return the share of names that are spot names, in [0, 1]; 0 for no names."""
    return sum(bool(SPOT.match(name)) for name in names) / max(len(names), 1)


def positions_from_names(names: Sequence[str]) -> NDArray[np.float64]:
    """Return the two numbers of each name, shape ``(n_spots, 2)``, float64, NaN without."""
    matches = [SPOT.match(name) for name in names]
    found = [
        (float(match["row"]), float(match["col"])) if match else (np.nan, np.nan)
        for match in matches
    ]
    return np.array(found, dtype=np.float64).reshape(-1, 2)


def sections_from_names(names: Sequence[str]) -> list[str]:
    """Return the section prefix of each name, an empty string where there is none."""
    return [match["section"] or "" if (match := SPOT.match(name)) else "" for name in names]


def named_array(
    names: Sequence[str], pixels: NDArray[np.float64] | None, first_number: FirstNumber | None
) -> tuple[NDArray[np.float64], Note]:
    """Return array positions from spot names, and which number was taken as the row (T12).

    Labs disagree whether the row or the column comes first.

    Parameters
    ----------
    names
        Names of the spots.
    pixels
        (x, y) per spot, shape ``(n_spots, 2)``; NaN and None where unknown.
    first_number
        What the first number is, as the user says; None: decided by the pixels, else the row.

    Returns
    -------
    array
        Shape ``(n_spots, 2)``: array_row, array_col, float64, fractions kept; NaN without.
    note
        T12.
    """
    numbers = positions_from_names(names)
    if first_number is not None:
        first, sentence = first_number, f"The first number is the {first_number}, as asked."
    elif (seen := _by_pixels(numbers, pixels)) is not None:
        first, sentence = seen, f"The first number is the {seen}, as the pixels show."
    else:
        first = "row"
        sentence = "Is the first number row or column? It was taken as the row."
    array = numbers if first == "row" else numbers[:, ::-1].copy()
    return array, Note("T12", sentence, "first_number", first, FIRST_NUMBERS)


def _by_pixels(
    numbers: NDArray[np.float64], pixels: NDArray[np.float64] | None
) -> FirstNumber | None:
    """What the first number is: the column goes with x, the row with y; None if undecided."""
    if pixels is None:
        return None
    seen = np.isfinite(numbers).all(axis=1) & np.isfinite(pixels).all(axis=1)
    if seen.sum() < 3:
        return None
    flat, placed = (held[seen] - held[seen].mean(axis=0) for held in (numbers, pixels))
    steps, _, rank, _ = np.linalg.lstsq(flat, placed, rcond=1e-9)
    size = np.abs(steps)
    with_x, with_y = size[0, 0] + size[1, 1], size[0, 1] + size[1, 0]
    if rank < 2 or with_x == with_y:
        return None
    return "column" if with_x > with_y else "row"
