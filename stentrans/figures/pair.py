"""Two genes in one map: each has a colour, and where both are high the two mix."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from plotly import graph_objects as go

from stentrans.figures.colours import LOWEST, NO_SITE, TOP_CODE
from stentrans.figures.scale import tick_text
from stentrans.figures.theme import CLEAR, Theme, template

LEVELS: Final = 15
"""Steps per gene: 15 x 15 colours fit into the codes of one map."""

# Neither, the first gene alone, the second alone, both; told apart by people who see no red or
# no green, too.
_ON_LIGHT: Final = ((232, 234, 236), (214, 64, 137), (24, 158, 140), (52, 40, 110))
_ON_DARK: Final = ((38, 45, 54), (228, 72, 150), (40, 184, 160), (250, 244, 255))
LEGEND_PX: Final = 230


def pair_codes(
    first: NDArray[np.floating],
    second: NDArray[np.floating],
    limits: tuple[tuple[float, float], tuple[float, float]],
) -> NDArray[np.uint8]:
    """Turn the values of two genes into one code per site.

    Parameters
    ----------
    first, second
        Shape ``(n,)``; NaN in either becomes `NO_SITE`.
    limits
        Of the first and of the second gene; what lies beyond has the level of the end.
    """
    levels = [
        np.clip((np.nan_to_num(values) - low) / (high - low), 0.0, 1.0) * (LEVELS - 1)
        for values, (low, high) in zip((first, second), limits, strict=True)
    ]
    one, other = (np.rint(level).astype(np.int64) for level in levels)
    codes: NDArray[np.uint8] = (LOWEST + LEVELS * one + other).astype(np.uint8)
    codes[~(np.isfinite(first) & np.isfinite(second))] = NO_SITE
    return codes


def pair_axis(colours: Theme) -> dict[str, Any]:
    """Colour axis over the codes of two genes, without a bar: `pair_legend` is its legend."""
    steps: list[list[Any]] = [[0.0, CLEAR], [(LOWEST - 0.5) / TOP_CODE, CLEAR]]
    for code, shade in enumerate(_shades(colours), LOWEST):
        steps += [[(code - 0.5) / TOP_CODE, shade], [(code + 0.5) / TOP_CODE, shade]]
    steps.append([1.0, steps[-1][1]])
    return {"cmin": 0, "cmax": TOP_CODE, "colorscale": steps, "showscale": False}


def pair_legend(
    genes: tuple[str, str],
    limits: tuple[tuple[float, float], tuple[float, float]],
    unit: str,
    colours: Theme,
) -> go.Figure:
    """Draw the square of all mixtures, the first gene to the right, the second upwards.

    Parameters
    ----------
    genes
        Names of both.
    limits
        As for `pair_codes`.
    unit
        What the values are.
    colours
        Colours of the page.
    """
    codes = LOWEST + np.arange(LEVELS**2, dtype=np.uint8).reshape(LEVELS, LEVELS).T
    figure = go.Figure(go.Heatmap(z=codes, coloraxis="coloraxis", hoverinfo="skip"))
    ends = [0, LEVELS - 1]
    axes = {}
    for name, gene, (low, high) in zip("xy", genes, limits, strict=True):
        axes[f"{name}axis"] = {
            "title": {"text": _text_only(gene), "standoff": 2},
            "tickvals": ends,
            "ticktext": [tick_text(low), f"≥ {tick_text(high)}"],
            "showgrid": False,
            "constrain": "domain",
        }
    axes["yaxis"] |= {"scaleanchor": "x", "tickangle": -90}
    figure.update_layout(
        template=template(colours),
        coloraxis=pair_axis(colours),
        height=LEGEND_PX,
        margin={"l": 8, "r": 28, "t": 22, "b": 8},
        annotations=[
            {
                "text": unit,
                "xref": "paper",
                "yref": "paper",
                "x": 0.5,
                "y": 1.0,
                "yanchor": "bottom",
                "showarrow": False,
                "font": {"size": 11, "color": colours.faint},
            }
        ],
        **axes,
    )
    return figure


def _shades(colours: Theme) -> list[str]:
    """Colours of all mixtures in the order of their codes."""
    corners = np.array(_ON_DARK if colours.is_dark else _ON_LIGHT, float)
    share = np.linspace(0, 1, LEVELS)
    one, other = share[:, None, None], share[None, :, None]
    neither, first, second, both = corners
    mixed = (1 - one) * ((1 - other) * neither + other * second)
    mixed = mixed + one * ((1 - other) * first + other * both)
    return [f"rgb({r},{g},{b})" for r, g, b in np.rint(mixed).astype(int).reshape(-1, 3)]


def _text_only(name: str) -> str:
    """Names come from files: nothing in them is markup."""
    return name.replace("&", "&amp;").replace("<", "&lt;")
