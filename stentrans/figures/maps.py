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
SD_HOVER_SITES = 13_500
"""Most sites whose hover text names the standard deviation, within the same 300 kB."""


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
    sd
        Shape ``(n,)``, float32: standard deviation of each site's log value; None where unknown.
    """

    title: str
    note: str
    array: NDArray[np.float64]
    values: NDArray[np.float32]
    origin: NDArray[np.str_]
    spot_words: str = "measured spot"
    sd: NDArray[np.float32] | None = None


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
        trace per origin with ``customdata`` (value[, sd][, array_row, array_col]).
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
    told = _told(panel, with_sd=bool(np.count_nonzero(shown) <= SD_HOVER_SITES))
    traces = []
    for origin in ORIGINS:
        chosen = shown & (panel.origin == origin)
        if chosen.any():
            words = panel.spot_words if origin == MEASURED else f"{origin} site"
            traces.append(
                _pointer_trace(panel, chosen, screen, axis, told).update(
                    name=origin, hovertemplate=_hover_text(gene, unit, words, list(told))
                )
            )
    return traces


def _told(panel: SitePanel, *, with_sd: bool) -> dict[str, NDArray[np.floating]]:
    """What the pointer tells of every site, by name, in the order of ``customdata``."""
    told: dict[str, NDArray[np.floating]] = {"value": panel.values}
    if with_sd and panel.sd is not None:
        told["sd"] = panel.sd
    if panel.values.size <= DETAILED_HOVER_SITES:
        told["row"], told["column"] = panel.array.T
    return told


def _pointer_trace(
    panel: SitePanel,
    chosen: NDArray[np.bool_],
    screen: Screen,
    axis: str,
    told: dict[str, NDArray[np.floating]],
) -> go.Scattergl:
    x, y = _whole_units(screen.place(panel.array[chosen])).T
    return go.Scattergl(
        x=x,
        y=y,
        customdata=np.column_stack([column[chosen].astype(np.float32) for column in told.values()]),
        xaxis=f"x{axis}",
        yaxis=f"y{axis}",
        mode="markers",
        marker={"opacity": 0, "size": 9},
    )


def _whole_units(places: NDArray[np.float64]) -> NDArray[Any]:
    """Whole µm in the smallest type: half the payload, and finer than any tile."""
    rounded = np.rint(places)
    return rounded.astype(np.int16 if np.abs(rounded).max() < 2**15 else np.int32)


def _hover_text(gene: str, unit: str, words: str, told: list[str]) -> str:
    lines = [f"<b>{escape(gene)}</b> %{{customdata[0]:.3g}} {unit}"]
    if "sd" in told:
        # The standard deviation is that of a measurement there, on the scale "as sequenced".
        lines.append(f"± %{{customdata[{told.index('sd')}]:.2g}} (sd, log scale)")
    if "row" in told:
        at = told.index("row")
        lines.append(f"row %{{customdata[{at}]:.4~g}}, column %{{customdata[{at + 1}]:.4~g}}")
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
