"""Maps side by side: shared scales, linked axes, true proportions, the tissue underneath."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray
from plotly import graph_objects as go

from stentrans.figures.bricks import lay_bricks
from stentrans.figures.colours import Scale, colour_axis, colour_codes, range_text
from stentrans.figures.map_layout import (
    WIDTHS_PX,
    Grid,
    aspect,
    axis_name,
    extent_of,
    linked_axes,
    put_by_name,
    scale_bar,
)
from stentrans.figures.pair import pair_axis
from stentrans.figures.panel import Look, SitePanel, Underlay
from stentrans.figures.pointer import HOVER_SITES, pointer_traces
from stentrans.figures.screen import Screen
from stentrans.figures.theme import Theme, template


@dataclass(frozen=True)
class Maps:
    """Linked maps and the layouts they take at other widths.

    Parameters
    ----------
    figure
        Laid out for a usual width.
    layouts
        Width in pixels, rising, and what changes in the layout from there on, by dotted name.
    """

    figure: go.Figure
    layouts: list[dict[str, Any]]


def site_maps(
    panels: Sequence[SitePanel],
    screen: Screen,
    *,
    scales: Sequence[Scale],
    look: Look,
) -> Maps:
    """Draw linked maps.

    Parameters
    ----------
    panels
        At least one.
    screen
        Orientation and proportions.
    scales
        Colour scales that panels refer to by position.
    look
        How to draw them.

    Returns
    -------
    maps
        Per panel one heatmap of colour codes (0, no site, is clear), then one invisible point
        trace per origin with ``customdata`` (value[, sd][, array_row, array_col]).
    """
    traces: list[Any] = []
    for index, panel in enumerate(panels):
        axis = axis_name(index)
        if not panel.values.size:
            # Plotly draws the titles of a subplot only where it has a trace.
            traces.append(go.Scatter(x=[None], y=[None], xaxis=f"x{axis}", yaxis=f"y{axis}"))
            continue
        scale = scales[panel.scale]
        traces.append(_heatmap(panel, screen, scale, look).update(_on(axis)))
        marks = (look.colours.page, look.colours.ink) if look.marks_origin else None
        most = 3 * HOVER_SITES // max(len(panels), 3)
        for trace in pointer_traces(panel, screen, scale.unit, marks=marks, most=most):
            traces.append(trace.update(_on(axis)))
        if look.outline is not None and len(look.outline):
            traces += [line.update(_on(axis)) for line in _region(look, screen)]
    extent = extent_of([panel.array for panel in panels if panel.values.size], screen)
    grid = Grid(
        len(panels),
        aspect(extent),
        bars=tuple(scale.unit for scale in scales if scale.palette != "pair"),
        most=look.most,
        is_swipe=look.is_swipe,
    )
    layout = _layout(panels, screen, scales, look, extent)
    put_by_name(layout, grid.layout())
    grids = [replace(grid, width_px=width) for width in WIDTHS_PX]
    return Maps(
        go.Figure(traces, layout),
        [{"width": one.width_px, "layout": one.layout()} for one in grids],
    )


def _layout(
    panels: Sequence[SitePanel],
    screen: Screen,
    scales: Sequence[Scale],
    look: Look,
    extent: NDArray[np.float64],
) -> dict[str, Any]:
    """All of the layout that does not depend on the width; plain, for Plotly checks it slowly."""
    line, length = scale_bar(extent, screen, look.colours)
    return {
        "template": template(look.colours),
        "images": _images(look.underlay, screen, 1 if look.is_swipe else len(panels)),
        "annotations": [*_titles(panels, look), length],
        "shapes": [line],
        "dragmode": look.drag,
        **linked_axes(len(panels), extent, screen),
        **{
            f"coloraxis{axis_name(index)}": _colour_axis(scale, look.colours)
            for index, scale in enumerate(scales)
        },
    }


def _colour_axis(scale: Scale, colours: Theme) -> dict[str, Any]:
    return pair_axis(colours) if scale.palette == "pair" else colour_axis(scale, colours)


def _on(axis: str) -> dict[str, str]:
    return {"xaxis": f"x{axis}", "yaxis": f"y{axis}"}


def _heatmap(panel: SitePanel, screen: Screen, scale: Scale, look: Look) -> go.Heatmap:
    limits = panel.limits or scale.limits
    codes = panel.codes
    if codes is None:
        codes = colour_codes(panel.values, limits, panel.is_faint)
    bricks = lay_bricks(panel.array, codes)
    first = screen.place(np.array([[bricks.row0, bricks.col0]]))[0]
    step = screen.place(np.array([[bricks.row_step, bricks.col_step]]))[0]
    return go.Heatmap(
        z=bricks.codes.T if screen.is_swapped else bricks.codes,
        x0=first[0],
        dx=step[0],
        y0=first[1],
        dy=step[1],
        coloraxis=f"coloraxis{axis_name(panel.scale)}",
        zsmooth=False,
        opacity=look.opacity,
        hoverinfo="skip",
        name=panel.title,
    )


def _region(look: Look, screen: Screen) -> list[go.Scatter]:
    """Line around the tiles of a region, light on dark or dark on light: seen on any colour."""
    assert look.outline is not None
    x, y = screen.place(look.outline).astype(np.float32).T
    lines = ((look.colours.page, 5.0), (look.colours.ink, 2.0))
    return [
        go.Scatter(
            x=x,
            y=y,
            mode="lines",
            line={"color": colour, "width": width},
            hoverinfo="skip",
            name="region",
        )
        for colour, width in lines
    ]


def _images(underlay: Underlay | None, screen: Screen, n_panels: int) -> list[dict[str, Any]]:
    """Lay the picture below every map."""
    if underlay is None:
        return []
    (left, low), (right, high) = underlay.extent.tolist()
    place = {
        "source": underlay.source,
        "x": right if screen.is_x_reversed else left,
        "y": high if screen.is_y_reversed else low,
        "sizex": right - left,
        "sizey": high - low,
        "xanchor": "left",
        "yanchor": "top",
        "sizing": "stretch",
        "layer": "below",
    }
    names = map(axis_name, range(n_panels))
    return [{**place, "xref": f"x{name}", "yref": f"y{name}"} for name in names]


def _titles(panels: Sequence[SitePanel], look: Look) -> list[dict[str, Any]]:
    """Two lines above each map; a map still to come says so in its middle."""
    notes = []
    for index, panel in enumerate(panels):
        side = {"x": 0.5, "align": "center"}
        if look.is_swipe:
            side = {"x": 1.0 * index, "xanchor": ("left", "right")[index]}
        place = {
            "xref": f"x{axis_name(index)} domain",
            "yref": f"y{axis_name(index)} domain",
            "showarrow": False,
            **side,
        }
        words = panel.note if panel.limits is None else f"{panel.note} {range_text(panel.limits)}"
        faint = look.colours.faint
        note = f"<span style='font-size:12px;color:{faint}'>{escape(words)}</span>"
        is_drawn = bool(panel.values.size)
        title = f"<b>{escape(panel.title)}</b><br>{note if is_drawn else '&nbsp;'}"
        notes.append({**place, "text": title, "y": 1.0, "yanchor": "bottom", "font": {"size": 15}})
        if not is_drawn:
            notes.append({**place, "text": note, "y": 0.5, "yanchor": "middle"})
    return notes
