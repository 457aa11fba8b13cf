"""Invisible points that answer to the pointer and can be selected."""

from __future__ import annotations

from html import escape
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from plotly import graph_objects as go

from stentrans.figures.panel import SitePanel
from stentrans.figures.screen import Screen
from stentrans.keys import GAP, INSERTED, MEASURED, ORIGINS

HOVER_SITES: Final = 20_000
"""Most sites of one panel among three that answer to the pointer."""
DETAILED_HOVER_SITES: Final = 8_000
"""Most sites whose hover text names the array position too; keeps a panel below 300 kB."""
SD_HOVER_SITES: Final = 13_500
"""Most sites whose hover text names the standard deviation, within the same 300 kB."""

_MARKS: Final[dict[str, dict[str, Any]]] = {
    MEASURED: {"symbol": "circle", "size": 4, "opacity": 0.9},
    GAP: {"symbol": "x", "size": 8, "opacity": 0.9},
}


def pointer_traces(
    panel: SitePanel,
    screen: Screen,
    unit: str,
    *,
    marks: tuple[str, str] | None = None,
    most: int = HOVER_SITES,
) -> list[go.Scattergl]:
    """Return one trace per origin of a panel's sites, invisible unless marked.

    Parameters
    ----------
    panel
        The map; sites without a value do not answer.
    screen
        Where sites lie.
    unit
        What the values are.
    marks
        Colours of the dots on measured spots and crosses on gaps, and of the line around them,
        so that they are seen on any tile; None: nothing is seen.
    most
        Most sites that answer; of more, inserted sites do not.

    Returns
    -------
    traces
        Named after their origin; the i-th point of ``measured`` is the i-th measured spot, as
        long as every spot has a value. ``customdata``: (value[, sd][, array_row, array_col]).
    """
    shown = np.isfinite(panel.values)
    if np.count_nonzero(shown) > most:
        shown &= panel.origin != INSERTED
    told = _told(panel, with_sd=bool(np.count_nonzero(shown) <= SD_HOVER_SITES))
    traces = []
    for origin in ORIGINS:
        chosen = shown & (panel.origin == origin)
        if chosen.any():
            words = panel.spot_words if origin == MEASURED else f"{origin} site"
            mark: dict[str, Any] = {"opacity": 0, "size": 9}
            if marks is not None and origin in _MARKS:
                line = {"color": marks[1], "width": 1}
                mark = {**_MARKS[origin], "color": marks[0], "line": line}
            x, y = _whole_units(screen.place(panel.array[chosen])).T
            columns = [column[chosen].astype(np.float32) for column in told.values()]
            traces.append(
                go.Scattergl(
                    x=x,
                    y=y,
                    customdata=np.column_stack(columns),
                    mode="markers",
                    marker=mark,
                    # A selection is drawn by its outline, not by hiding the rest.
                    selected={"marker": {"opacity": mark["opacity"]}},
                    unselected={"marker": {"opacity": mark["opacity"]}},
                    name=origin,
                    hovertemplate=_hover_text(panel.gene, unit, words, list(told)),
                )
            )
    return traces


def _told(panel: SitePanel, *, with_sd: bool) -> dict[str, NDArray[np.floating]]:
    """What the pointer tells of every site, by name, in the order of ``customdata``."""
    told: dict[str, NDArray[np.floating]] = {"value": panel.values, **panel.also}
    if with_sd and panel.sd is not None:
        told["sd"] = panel.sd
    if panel.values.size <= DETAILED_HOVER_SITES:
        told["row"], told["column"] = panel.array.T
    return told


def _whole_units(places: NDArray[np.float64]) -> NDArray[Any]:
    """Whole µm in the smallest type: half the payload, and finer than any tile."""
    rounded = np.rint(places)
    return rounded.astype(np.int16 if np.abs(rounded).max() < 2**15 else np.int32)


def _hover_text(gene: str, unit: str, words: str, told: list[str]) -> str:
    lines = [f"<b>{escape(gene)}</b> %{{customdata[0]:.3g}} {unit}"]
    for at, name in enumerate(told):
        if name not in ("value", "sd", "row", "column"):
            lines.append(f"<b>{escape(name)}</b> %{{customdata[{at}]:.3g}} {unit}")
    if "sd" in told:
        # The standard deviation is that of a measurement there, on the scale "as sequenced".
        lines.append(f"± %{{customdata[{told.index('sd')}]:.2g}} (sd, log scale)")
    if "row" in told:
        at = told.index("row")
        lines.append(f"row %{{customdata[{at}]:.4~g}}, column %{{customdata[{at + 1}]:.4~g}}")
    return "<br>".join([*lines, words]) + "<extra></extra>"
