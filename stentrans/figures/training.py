"""A running fit: its loss, and a gene becoming clearer."""

from __future__ import annotations

import html
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from plotly import graph_objects as go
from plotly.subplots import make_subplots

from stentrans.figures.theme import Theme, template


def loss_curve(frame: pd.DataFrame, *, colours: Theme) -> go.Figure:
    """Draw the training loss against time.

    Parameters
    ----------
    frame
        Columns ``elapsed_s`` (seconds since the start) and ``loss``, in time order.
    colours
        Colours of the page.

    Returns
    -------
    figure
        One line; the last point is marked.
    """
    figure = go.Figure(
        go.Scatter(
            x=frame["elapsed_s"],
            y=frame["loss"],
            mode="lines+markers",
            line={"color": colours.accent, "width": 2},
            marker={"size": [0] * (len(frame) - 1) + [9] if len(frame) else []},
            hovertemplate="%{x:.0f} s: %{y:.4g}<extra></extra>",
        )
    )
    figure.update_layout(
        template=template(colours),
        height=220,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        xaxis={"title": "time (s)", "rangemode": "tozero"},
        yaxis={"title": "training loss"},
        uirevision="loss",
    )
    return figure


def preview_maps(
    places: NDArray[np.float64],
    values: Mapping[str, NDArray[np.floating]],
    *,
    gene: str,
    colours: Theme,
) -> go.Figure:
    """Draw one gene at the spots, several times beside each other, on one scale.

    Parameters
    ----------
    places
        Screen positions of the spots, shape ``(n_spots, 2)``, y downwards.
    values
        Log values by what they are, each of shape ``(n_spots,)``; the colours span the first.
    gene
        Its name.
    colours
        Colours of the page.

    Returns
    -------
    figure
        A marker per spot, equal proportions, no axes.
    """
    figure = make_subplots(1, len(values), subplot_titles=list(values), horizontal_spacing=0.02)
    first = next(iter(values.values()))
    low, high = (float(v) for v in np.nanpercentile(first, [1, 99]))
    size = float(np.clip(500 / np.sqrt(len(places)) / len(values), 2, 12))
    for place, (name, some) in enumerate(values.items(), start=1):
        figure.add_scatter(
            x=places[:, 0],
            y=places[:, 1],
            mode="markers",
            name=name,
            marker={"color": some.astype(np.float32), "size": size, "coloraxis": "coloraxis"},
            hovertemplate=f"{html.escape(gene)}: %{{marker.color:.2f}}<extra></extra>",
            row=1,
            col=place,
        )
    figure.update_xaxes(visible=False, matches="x", constrain="domain")
    figure.update_yaxes(visible=False, matches="y", autorange="reversed", constrain="domain")
    figure.update_yaxes(scaleanchor="x", row=1, col=1)
    figure.update_layout(
        template=template(colours),
        height=260,
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
        showlegend=False,
        uirevision="preview",
        coloraxis={
            "colorscale": colours.sequential,
            "cmin": low,
            "cmax": max(high, low + 1e-3),
            "colorbar": {"title": {"text": html.escape(gene)}, "thickness": 10},
        },
    )
    return figure
