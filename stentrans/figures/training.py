"""The loss of a running fit."""

from __future__ import annotations

import pandas as pd
from plotly import graph_objects as go

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
