"""How values are spread over spots, and how they change towards the edge of the tissue."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from plotly import graph_objects as go

from stentrans.figures.scale import tick_text
from stentrans.figures.theme import Theme, template

N_BINS: Final = 40
_HEIGHT_PX: Final = 170
_MOST_TICKS: Final = 6


def spot_histogram(
    values: NDArray[np.floating],
    *,
    unit: str,
    is_kept: NDArray[np.bool_],
    threshold: float | None,
    is_log: bool,
    colours: Theme,
) -> go.Figure:
    """Draw how many spots have which value; those set aside are hollow.

    Parameters
    ----------
    values
        One per spot, shape ``(n_spots,)``, at least 0.
    unit
        What the values are.
    is_kept
        Which spots stay.
    threshold
        Where to draw a line; None: nowhere.
    is_log
        Bins of equal ratio, for values that span orders of magnitude.
    colours
        Colours of the page.
    """
    edges = _edges(values, is_log=is_log)
    figure = go.Figure()
    kinds = {
        "stays": (is_kept, {"color": colours.accent}),
        "set aside": (
            ~is_kept,
            {"color": colours.veil, "line": {"color": colours.ink, "width": 1}},
        ),
    }
    for name, (chosen, marker) in kinds.items():
        counted, _ = np.histogram(values[chosen], edges)
        figure.add_trace(
            go.Bar(
                x=np.sqrt(edges[1:] * edges[:-1]) if is_log else (edges[1:] + edges[:-1]) / 2,
                y=counted,
                width=np.diff(edges),
                marker=marker,
                name=name,
                customdata=np.column_stack([edges[:-1], edges[1:]]),
                hovertemplate="%{y} spots with %{customdata[0]:.3~g} to %{customdata[1]:.3~g}"
                f"<extra>{name}</extra>",
            )
        )
    figure.update_layout(
        template=template(colours),
        barmode="stack",
        bargap=0,
        height=_HEIGHT_PX,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        xaxis={"title": unit, "type": "log" if is_log else "linear", "showgrid": False},
        yaxis={"title": "spots", "rangemode": "tozero"},
    )
    if is_log:
        ticks = _log_ticks(edges)
        figure.update_xaxes(tickvals=ticks, ticktext=[tick_text(tick) for tick in ticks])
    if threshold is not None:
        figure.add_vline(x=threshold, line={"color": colours.ink, "dash": "dash", "width": 1.5})
    return figure


def _edges(values: NDArray[np.floating], *, is_log: bool) -> NDArray[np.float64]:
    """Borders of the bins; an empty spot stands in the first bin of a logarithmic axis."""
    if not is_log:
        return np.linspace(0.0, max(float(values.max()), 1e-6), N_BINS + 1)
    seen = values[values > 0]
    low, high = (float(seen.min()), float(seen.max())) if seen.size else (1.0, 10.0)
    edges = np.geomspace(low, max(high, low * 1.1), N_BINS + 1)
    if seen.size < values.size:
        edges[0] = 0.0
    return np.asarray(edges, np.float64)


def _log_ticks(edges: NDArray[np.float64]) -> list[float]:
    """Return 1, 2, 5, 10, … within the bins; only powers of ten where these are many."""
    low, high = max(edges[0], edges[1] / 2), edges[-1]
    powers = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    fine = [step * power for power in powers for step in (1.0, 2.0, 5.0)]
    found = [tick for tick in fine if low <= tick <= high]
    return found if len(found) <= _MOST_TICKS else [t for t in found if t in powers]


def edge_profile(frame: pd.DataFrame, *, unit: str, colours: Theme) -> go.Figure:
    """Draw values against the distance to the outline of the tissue.

    Parameters
    ----------
    frame
        One row per ring: ``distance`` (spacings), ``low``, ``middle`` and ``high`` (quartiles)
        and ``n_spots``, from the outline inwards.
    unit
        What the values are.
    colours
        Colours of the page.
    """
    band = go.Scatter(
        x=pd.concat([frame["distance"], frame["distance"][::-1]]),
        y=pd.concat([frame["high"], frame["low"][::-1]]),
        fill="toself",
        fillcolor=colours.veil,
        mode="none",
        hoverinfo="skip",
        name="half of the spots",
    )
    line = go.Scatter(
        x=frame["distance"],
        y=frame["middle"],
        mode="lines+markers",
        line={"color": colours.accent, "width": 2},
        customdata=frame["n_spots"],
        hovertemplate="%{y:,.0f}, median of %{customdata} spots<extra></extra>",
        name="median",
    )
    figure = go.Figure([band, line])
    figure.update_layout(
        template=template(colours),
        height=260,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        xaxis={"title": "distance to the edge of the tissue (spacings)", "nticks": 12},
        yaxis={"title": unit, "rangemode": "tozero"},
    )
    return figure
