"""Maps of one gene side by side: one colour scale, linked axes, true proportions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray
from plotly import graph_objects as go

from stentrans.figures.bricks import colour_codes, colour_limits, lay_bricks
from stentrans.figures.map_layout import (
    add_scale_bar,
    axis_name,
    colour_axis,
    extent_of,
    height_px,
    linked_axes,
)
from stentrans.figures.screen import Screen
from stentrans.figures.theme import Theme, template
from stentrans.keys import INSERTED, MEASURED, ORIGINS

HOVER_SITES = 20_000
"""Most sites of one panel that answer to the pointer; beyond, inserted sites do not."""
DETAILED_HOVER_SITES = 8_000
"""Most sites whose hover text names the array position too; keeps a panel below 300 kB."""


@dataclass(frozen=True)
class SitePanel:
    """One map.

    Parameters
    ----------
    title, note
        First and second line above the map.
    array
        Shape ``(n, 2)``, float64: array_row, array_col.
    values
        Shape ``(n,)``, float32; NaN for a site without a value. Empty for a map still to come.
    origin
        Shape ``(n,)``: one of `ORIGINS` per site.
    spot_words
        What the pointer calls a measured spot of this map.
    """

    title: str
    note: str
    array: NDArray[np.float64]
    values: NDArray[np.float32]
    origin: NDArray[np.str_]
    spot_words: str = "measured spot"


def site_maps(
    panels: Sequence[SitePanel],
    screen: Screen,
    *,
    gene: str,
    unit: str,
    colours: Theme,
    revision: str,
    is_stacked: bool = False,
) -> go.Figure:
    """Draw linked maps of one gene.

    Parameters
    ----------
    panels
        The first one holds the measured values, which set the colour scale of all.
    screen
        Orientation and proportions.
    gene, unit
        What the values are; shown at the colour bar and under the pointer.
    colours
        Colours of the page.
    revision
        Zoom and pan stay as they are while this stays the same: the section's id.
    is_stacked
        Maps below each other, for narrow screens.

    Returns
    -------
    figure
        Per panel one heatmap of colour codes (0, no site, is clear), then one invisible point
        trace per origin with ``customdata`` (value[, array_row, array_col]).
    """
    limits = colour_limits(panels[0].values)
    figure = go.Figure()
    for index, panel in enumerate(panels):
        if panel.values.size:
            figure.add_trace(_heatmap(panel, screen, limits, axis_name(index)))
            figure.add_traces(_pointer_traces(panel, screen, gene, unit, axis_name(index)))
        else:
            # Plotly draws the titles of a subplot only where it has a trace.
            axis = axis_name(index)
            figure.add_trace(go.Scatter(x=[None], y=[None], xaxis=f"x{axis}", yaxis=f"y{axis}"))
    extent = extent_of([panel.array for panel in panels if panel.values.size], screen)
    figure.update_layout(
        template=template(colours),
        coloraxis=colour_axis(limits, unit, colours, is_stacked=is_stacked),
        annotations=_titles(panels, colours),
        uirevision=revision,
        margin={"t": 120 if is_stacked else 48},
        # On a phone a finger scrolls the page, it does not drag the map.
        dragmode=False if is_stacked else "pan",
        height=height_px(extent, len(panels), is_stacked=is_stacked),
        hoverlabel={"align": "left"},
        **linked_axes(len(panels), extent, screen, is_stacked=is_stacked),
    )
    add_scale_bar(figure, extent, screen, colours)
    return figure


def _heatmap(
    panel: SitePanel, screen: Screen, limits: tuple[float, float], axis: str
) -> go.Heatmap:
    bricks = lay_bricks(panel.array, colour_codes(panel.values, limits))
    first = screen.place(np.array([[bricks.row0, bricks.col0]]))[0]
    step = screen.place(np.array([[bricks.row_step, bricks.col_step]]))[0]
    return go.Heatmap(
        z=bricks.codes.T if screen.is_swapped else bricks.codes,
        x0=first[0],
        dx=step[0],
        y0=first[1],
        dy=step[1],
        xaxis=f"x{axis}",
        yaxis=f"y{axis}",
        coloraxis="coloraxis",
        zsmooth=False,
        hoverinfo="skip",
        name=panel.title,
    )


def _pointer_traces(
    panel: SitePanel, screen: Screen, gene: str, unit: str, axis: str
) -> list[go.Scattergl]:
    shown = np.isfinite(panel.values)
    if np.count_nonzero(shown) > HOVER_SITES:
        shown &= panel.origin != INSERTED
    is_detailed = panel.values.size <= DETAILED_HOVER_SITES
    traces = []
    for origin in ORIGINS:
        chosen = shown & (panel.origin == origin)
        if chosen.any():
            traces.append(
                _pointer_trace(panel, chosen, screen, axis, is_detailed=is_detailed).update(
                    name=origin,
                    hovertemplate=_hover_text(
                        gene,
                        unit,
                        panel.spot_words if origin == MEASURED else f"{origin} site",
                        is_detailed=is_detailed,
                    ),
                )
            )
    return traces


def _pointer_trace(
    panel: SitePanel, chosen: NDArray[np.bool_], screen: Screen, axis: str, *, is_detailed: bool
) -> go.Scattergl:
    x, y = _whole_units(screen.place(panel.array[chosen])).T
    columns = [panel.values[chosen].astype(np.float32)]
    if is_detailed:
        columns += list(panel.array[chosen].astype(np.float32).T)
    return go.Scattergl(
        x=x,
        y=y,
        customdata=np.column_stack(columns),
        xaxis=f"x{axis}",
        yaxis=f"y{axis}",
        mode="markers",
        marker={"opacity": 0, "size": 9},
    )


def _whole_units(places: NDArray[np.float64]) -> NDArray[Any]:
    """Whole µm in the smallest type: half the payload, and finer than any tile."""
    rounded = np.rint(places)
    return rounded.astype(np.int16 if np.abs(rounded).max() < 2**15 else np.int32)


def _hover_text(gene: str, unit: str, words: str, *, is_detailed: bool) -> str:
    lines = [f"<b>{escape(gene)}</b> %{{customdata[0]:.3g}} {unit}"]
    if is_detailed:
        lines.append("row %{customdata[1]:.4~g}, column %{customdata[2]:.4~g}")
    return "<br>".join([*lines, words]) + "<extra></extra>"


def _titles(panels: Sequence[SitePanel], colours: Theme) -> list[dict[str, Any]]:
    """Two lines above each map; a map still to come says so in its middle."""
    notes = []
    for index, panel in enumerate(panels):
        place = {
            "xref": f"x{axis_name(index)} domain",
            "yref": f"y{axis_name(index)} domain",
            "x": 0.5,
            "showarrow": False,
        }
        note = f"<span style='font-size:12px;color:{colours.faint}'>{escape(panel.note)}</span>"
        is_drawn = bool(panel.values.size)
        title = f"<b>{escape(panel.title)}</b><br>{note if is_drawn else '&nbsp;'}"
        notes.append({**place, "text": title, "y": 1.0, "yanchor": "bottom", "font": {"size": 15}})
        if not is_drawn:
            notes.append({**place, "text": note, "y": 0.5, "yanchor": "middle"})
    return notes
