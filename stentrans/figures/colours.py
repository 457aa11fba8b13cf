"""What the colours of a map mean: limits, palettes, and the bar that tells them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Literal

import numpy as np
import plotly.colors
from numpy.typing import NDArray

from stentrans.figures.scale import tick_text
from stentrans.figures.theme import CLEAR, Theme

Clip = Literal["percentiles", "extremes"]
Palette = Literal[
    "auto", "viridis", "cividis", "magma", "purples", "difference", "doubt", "domains"
]

NO_SITE: Final = 0
FAINT: Final = 1
"""Code of a site whose value is not shown because it says nothing."""
LOWEST: Final = 2
TOP_CODE: Final = 255

_STEPS: Final = 17
# Colours that would vanish on the page are left out: magma's ends, on dark and on light.
_PART_ON_LIGHT: Final = {"magma": (0.0, 0.93)}
_PART_ON_DARK: Final = {"magma": (0.15, 1.0), "viridis": (0.06, 1.0), "cividis": (0.06, 1.0)}
# From below to above; colour-blind safe, the middle close to the page.
_DIVERGING_ON_LIGHT: Final = ("#2166ac", "#92c5de", "#f4f4f4", "#f4a582", "#b2182b")
_DIVERGING_ON_DARK: Final = ("#7cc0f2", "#3a76a8", "#262d36", "#b4533c", "#ff9d7a")
_PURPLE_LOW, _PURPLE_HIGH = (129, 90, 190), (63, 0, 125)


@dataclass(frozen=True)
class Scale:
    """One colour scale, shared by all panels that name it.

    Parameters
    ----------
    limits
        Values of the first and last colour; what lies beyond has the colour of the end.
    unit
        What the values are, shown at the bar.
    palette
        Name of the colours; ``"auto"``: those of the theme; ``"pair"``: see `figures.pair`.
    is_open
        Values beyond the limits exist: the ends of the bar say "≤" and "≥".
    is_own
        Every panel has limits of its own, told above it; the bar shows no numbers.
    n_classes
        Values are the numbers from 1 of so many kinds, one colour each; 0: they are quantities.
    """

    limits: tuple[float, float]
    unit: str
    palette: Palette | Literal["pair"] = "auto"
    is_open: bool = True
    is_own: bool = False
    n_classes: int = 0


def colour_limits(values: NDArray[np.floating], clip: Clip = "percentiles") -> tuple[float, float]:
    """Return percentiles 1 and 99 of the values, or their extremes.

    The one colour scale of all panels comes from what was measured, so that no other panel can
    look better by rescaling. Where both percentiles coincide (a rare gene) the scale runs from 0
    to the largest value; a gene that is zero everywhere gets (0, 1).
    """
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return 0.0, 1.0
    low, high = (
        float(p) for p in np.percentile(finite, (1, 99) if clip != "extremes" else (0, 100))
    )
    if high > low:
        return low, high
    largest = float(finite.max())
    return (0.0, largest) if largest > 0 else (0.0, 1.0)


def symmetric_limits(values: NDArray[np.floating], *, least: float = 0.0) -> tuple[float, float]:
    """Return limits around 0 that hold 99 % of the values, (-1, 1) where all are 0.

    Parameters
    ----------
    values
        Any shape; NaN play no part.
    least
        The limits reach at least so far, so that differences too small to matter stay pale.
    """
    finite = np.abs(values[np.isfinite(values)])
    reach = float(np.percentile(finite, 99)) if finite.size else 0.0
    reach = max(reach or (float(finite.max()) if finite.size else 0.0), least) or 1.0
    return -reach, reach


def colour_codes(
    values: NDArray[np.floating],
    limits: tuple[float, float],
    is_faint: NDArray[np.bool_] | None = None,
) -> NDArray[np.uint8]:
    """Turn values into codes 2 to 255 within ``limits``.

    NaN becomes `NO_SITE`, and a site with a value that is not to be shown `FAINT`.
    """
    low, high = limits
    share = np.clip((np.nan_to_num(values, nan=low) - low) / (high - low), 0.0, 1.0)
    codes: NDArray[np.uint8] = (LOWEST + np.rint(share * (TOP_CODE - LOWEST))).astype(np.uint8)
    if is_faint is not None:
        codes[is_faint] = FAINT
    codes[~np.isfinite(values)] = NO_SITE
    return codes


def code_of(value: float, limits: tuple[float, float]) -> float:
    """Return where ``value`` lies on the scale of codes, for the ticks of the colour bar."""
    return LOWEST + (TOP_CODE - LOWEST) * (value - limits[0]) / (limits[1] - limits[0])


def shades(palette: Palette | Literal["pair"], colours: Theme) -> list[str]:
    """Return the colours of a palette from low to high, suited to the page."""
    assert palette != "pair", "the colours of two genes are those of figures.pair"
    name = colours.sequential if palette == "auto" else palette
    if name == "difference":
        stops = _DIVERGING_ON_DARK if colours.is_dark else _DIVERGING_ON_LIGHT
        return _sampled(list(stops), (0.0, 1.0))
    if name == "domains":
        return [*plotly.colors.qualitative.Safe, *plotly.colors.qualitative.Dark24]
    if name == "purples":
        return [_purple(share) for share in np.linspace(0, 1, _STEPS)]
    if name == "doubt":
        # Much doubt looks like the page, little like ink.
        return _sampled([colours.ink, colours.faint, colours.veil], (0.0, 1.0))
    part = (_PART_ON_DARK if colours.is_dark else _PART_ON_LIGHT).get(name, (0.0, 1.0))
    return _sampled(name, part)


def _sampled(scale: str | list[str], part: tuple[float, float]) -> list[str]:
    """Colours at equal steps of a part of a scale."""
    found: list[str] = plotly.colors.sample_colorscale(scale, list(np.linspace(*part, _STEPS)))
    return found


def _purple(share: float) -> str:
    """Purple over a picture: nothing at the low end, so that the tissue shows."""
    mixed = [round(a + (b - a) * share) for a, b in zip(_PURPLE_LOW, _PURPLE_HIGH, strict=True)]
    return f"rgba({mixed[0]},{mixed[1]},{mixed[2]},{min(1.2 * share, 0.95):.3f})"


def range_text(limits: tuple[float, float]) -> str:
    """Tell limits in words, for a panel with a scale of its own."""
    return f"{tick_text(limits[0])} to {tick_text(limits[1])}"


def colour_axis(scale: Scale, colours: Theme) -> dict[str, Any]:
    """Colour axis over the codes, code 0 clear and code 1 veiled, whose bar shows real values."""
    faint, lowest = 0.5 / TOP_CODE, 1.5 / TOP_CODE
    steps: list[list[Any]] = [[0.0, CLEAR], [faint, CLEAR], [faint, colours.veil]]
    steps.append([lowest, colours.veil])
    chosen = shades(scale.palette, colours)
    first = LOWEST / TOP_CODE
    steps.append([lowest, chosen[0]])
    if scale.n_classes:
        edges = first + (1 - first) * np.arange(scale.n_classes + 1) / scale.n_classes
        for i, (start, end) in enumerate(pairwise(edges)):
            one = chosen[i % len(chosen)]
            steps += [[float(start), one], [float(end), one]]
    else:
        last = len(chosen) - 1
        steps += [[first + (1 - first) * i / last, one] for i, one in enumerate(chosen)]
    return {"cmin": 0, "cmax": TOP_CODE, "colorscale": steps, "colorbar": _bar(scale)}


def _bar(scale: Scale) -> dict[str, Any]:
    ticks = np.linspace(*scale.limits, 5)
    if scale.n_classes:
        ticks = np.arange(1.0, scale.n_classes + 1)
    words = [tick_text(tick) for tick in ticks]
    if scale.n_classes:
        pass
    elif scale.is_own:
        words = ["low", "", "", "", "high"]
    elif scale.is_open:
        words[0] = words[0] if scale.limits[0] == 0 else f"≤ {words[0]}"
        words[-1] = f"≥ {words[-1]}"
    return {
        "title": {"text": scale.unit, "side": "right"},
        "tickvals": [code_of(tick, scale.limits) for tick in ticks],
        "ticktext": words,
        "thickness": 12,
        "outlinewidth": 0,
        "y": 1.0,
        "yanchor": "top",
        "len": 0.85,
    }
