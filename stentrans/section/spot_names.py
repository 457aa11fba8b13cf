"""Legacy ST spots carry their array position in their name, such as ``10x13``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

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
