"""Round lengths for scale bars and short numbers for ticks, the same in every kind of figure."""

from __future__ import annotations

import numpy as np


def tick_text(value: float) -> str:
    """Return two digits of a small value, all of a large one."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2g}"


def round_length(about: float) -> float:
    """Return the largest of 1, 2, 5, 10, 20, 50, … that is not above ``about``, at least 1."""
    power = 10.0 ** np.floor(np.log10(max(about, 1.0)))
    return float(max(step * power for step in (1, 2, 5) if step * power <= max(about, 1.0)))


def length_text(length_um: float) -> str:
    """Return a length in µm, from 1 mm on in mm."""
    return f"{length_um / 1000:g} mm" if length_um >= 1000 else f"{length_um:g} µm"
