"""Scores of one gene beside each other."""

from __future__ import annotations

import pandas as pd
from plotly import graph_objects as go

from stentrans.figures.theme import Theme, template


def score_bars(frame: pd.DataFrame, *, ceiling: float | None, colours: Theme) -> go.Figure:
    """Draw one bar per method and the noise ceiling as a line.

    Parameters
    ----------
    frame
        Columns ``name``, ``value`` (correlation on hidden spots) and ``is_chosen``; one row per
        method, drawn from top to bottom.
    ceiling
        The correlation that counting noise allows; None where it is unknown.
    colours
        Colours of the page.
    """
    shades = [colours.accent if chosen else colours.faint for chosen in frame["is_chosen"]]
    figure = go.Figure(
        go.Bar(
            x=frame["value"],
            y=frame["name"],
            orientation="h",
            marker={"color": shades},
            text=[f"{value:.2f}" for value in frame["value"]],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.3f}<extra></extra>",
        )
    )
    values = [*frame["value"], 0.0] + ([] if ceiling is None else [ceiling])
    figure.update_layout(
        template=template(colours),
        height=60 + 36 * len(frame),
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
        bargap=0.35,
        xaxis={"title": "correlation on hidden spots", "range": [min(values), max(values) * 1.2]},
        yaxis={"autorange": "reversed", "title": ""},
    )
    if ceiling is not None:
        figure.add_vline(
            x=ceiling,
            line={"color": colours.ink, "dash": "dot", "width": 1.5},
            annotation={"text": f"noise ceiling {ceiling:.2f}", "yanchor": "bottom"},
            annotation_position="top",
        )
    return figure
