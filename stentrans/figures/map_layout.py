"""The frame around linked maps: axes, titles, colour bar and scale bar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.colors
from numpy.typing import NDArray
from plotly import graph_objects as go

from stentrans.figures.bricks import TOP_CODE, code_of
from stentrans.figures.scale import length_text, round_length, tick_text
from stentrans.figures.screen import UNITS_PER_PITCH, Screen
from stentrans.figures.theme import CLEAR, Theme

PANEL_WIDTH_PX = 300
GAP = 0.03


def axis_name(index: int) -> str:
    """Return Plotly's suffix of panel ``index``: nothing, 2, 3, …."""
    return "" if index == 0 else str(index + 1)


def colour_axis(
    limits: tuple[float, float], unit: str, colours: Theme, *, is_stacked: bool
) -> dict[str, Any]:
    """Colour axis over the codes, code 0 clear, whose bar shows real values."""
    shades = plotly.colors.sample_colorscale(
        colours.sequential, list(np.linspace(colours.darkest, 1.0, 17))
    )
    first = 0.5 / TOP_CODE
    scale: list[list[Any]] = [[0.0, CLEAR], [first, CLEAR]]
    scale += [[first + (1 - first) * i / 16, shade] for i, shade in enumerate(shades)]
    ticks = np.linspace(*limits, 5)
    bar = {
        "title": {"text": unit, "side": "top" if is_stacked else "right"},
        "tickvals": [code_of(tick, limits) for tick in ticks],
        "ticktext": [tick_text(tick) for tick in ticks[:-1]] + [f"≥ {tick_text(ticks[-1])}"],
        "thickness": 12,
        "outlinewidth": 0,
        "y": 1.0,
        "yanchor": "top",
        "len": 0.85,
    }
    if is_stacked:
        bar |= {"orientation": "h", "yref": "container", "len": 1.0}
    return {"cmin": 0, "cmax": TOP_CODE, "colorscale": scale, "colorbar": bar}


def extent_of(arrays: Sequence[NDArray[np.float64]], screen: Screen) -> NDArray[np.float64]:
    """Lowest and highest screen (x, y) of all sites with a margin, shape ``(2, 2)``."""
    places = screen.place(np.concatenate(arrays))
    margin = max(screen.row_step, screen.col_step)
    return np.stack((places.min(axis=0) - margin, places.max(axis=0) + margin))


def linked_axes(
    n_panels: int, extent: NDArray[np.float64], screen: Screen, *, is_stacked: bool
) -> dict[str, Any]:
    """Axes of all panels: the first sets the proportions, the others follow it."""
    (left, low), (right, high) = extent
    room = 0.1 * (high - low)  # for the scale bar
    # Screen y grows downwards, as in the picture, unless the rows run upwards.
    bottom_up = [low - room, high] if screen.is_y_reversed else [high + room, low]
    hidden = {"visible": False, "constrain": "domain"}
    top = {"constraintoward": "top"}
    axes: dict[str, Any] = {}
    share = (1 - GAP * (n_panels - 1)) / n_panels
    for index in range(n_panels):
        start = index * (share + GAP)
        span = [start, start + share]
        name = axis_name(index)
        x = {**hidden, "anchor": f"y{name}", "domain": [0, 1] if is_stacked else span}
        y = {**hidden, **top, "anchor": f"x{name}"}
        y["domain"] = [1 - span[1], 1 - span[0] - GAP] if is_stacked else [0, 1]
        if index == 0:
            x["range"] = [right, left] if screen.is_x_reversed else [left, right]
            y |= {"range": bottom_up, "scaleanchor": "x", "scaleratio": 1}
        else:
            x["matches"], y["matches"] = "x", "y"
        axes |= {f"xaxis{name}": x, f"yaxis{name}": y}
    return axes


def height_px(extent: NDArray[np.float64], n_panels: int, *, is_stacked: bool) -> int:
    """Height of the figure that suits the shape of the section."""
    width, height = extent[1] - extent[0]
    one = int(np.clip(PANEL_WIDTH_PX * 1.1 * height / width, 220, 620)) + 60
    return one * n_panels + 60 if is_stacked else one


def add_scale_bar(
    figure: go.Figure, extent: NDArray[np.float64], screen: Screen, colours: Theme
) -> None:
    """Draw a bar of a round length below the first map, in data units so that it zooms along."""
    (left, low), (right, high) = extent
    per_unit = 1.0 if screen.is_um else UNITS_PER_PITCH
    length = round_length((right - left) / 4 / per_unit)
    start = right if screen.is_x_reversed else left
    end = start + (-1 if screen.is_x_reversed else 1) * length * per_unit
    y = low - 0.04 * (high - low) if screen.is_y_reversed else high + 0.04 * (high - low)
    label = length_text(length) if screen.is_um else f"{length:g} spots"
    figure.add_shape(
        type="line", x0=start, x1=end, y0=y, y1=y, line={"color": colours.ink, "width": 3}
    )
    figure.add_annotation(
        x=end, y=y, text=label, showarrow=False, xanchor="left", xshift=4, font={"size": 12}
    )
