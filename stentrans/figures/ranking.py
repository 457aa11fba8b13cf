"""Methods ranked with intervals, and genes of two methods against each other."""

from __future__ import annotations

import pandas as pd
from plotly import graph_objects as go

from stentrans.figures.theme import Theme, template


def method_ranking(
    frame: pd.DataFrame, *, axis: str, ceiling: float | None, colours: Theme
) -> go.Figure:
    """Draw one dot per method with its interval, the best on top.

    Parameters
    ----------
    frame
        One row per method: ``name``, ``mean``, ``low`` and ``high`` (NaN where unknown), ``null``
        (the mean with shuffled spots, NaN where it was not asked for) and ``is_chosen``.
    axis
        What the values are.
    ceiling
        What counting noise allows; None where that is unknown or another quantity.
    colours
        Colours of the page.
    """
    shades = [colours.accent if chosen else colours.ink for chosen in frame["is_chosen"]]
    dots = go.Scatter(
        x=frame["mean"],
        y=frame["name"],
        mode="markers+text",
        marker={"size": 11, "color": shades},
        text=[f"{value:.3f}" for value in frame["mean"]],
        textposition="top center",
        textfont={"color": shades},
        error_x={
            "array": frame["high"] - frame["mean"],
            "arrayminus": frame["mean"] - frame["low"],
            "color": colours.faint,
            "thickness": 2,
            "width": 5,
        },
        cliponaxis=False,
        hovertemplate="%{y}: %{x:.3f}<extra></extra>",
        name="hidden spots",
    )
    figure = go.Figure(dots)
    if frame["null"].notna().any():
        figure.add_trace(
            go.Scatter(
                x=frame["null"],
                y=frame["name"],
                mode="markers",
                marker={"size": 10, "symbol": "x-thin", "line": {"width": 2, "color": shades}},
                hovertemplate="%{y}, shuffled: %{x:.3f}<extra></extra>",
                name="shuffled spots",
            )
        )
    figure.update_layout(
        template=template(colours),
        height=90 + 46 * len(frame),
        margin={"l": 8, "r": 24, "t": 30, "b": 8},
        xaxis={"title": axis, "zeroline": True, "zerolinecolor": colours.faint},
        yaxis={"autorange": "reversed", "title": "", "showgrid": False},
    )
    if ceiling is not None:
        figure.add_vline(
            x=ceiling,
            line={"color": colours.ink, "dash": "dot", "width": 1.5},
            annotation={"text": f"noise ceiling {ceiling:.2f}", "yanchor": "bottom"},
            annotation_position="top",
        )
    return figure


def gene_scatter(
    frame: pd.DataFrame, *, a: str, b: str, axis: str, colours: Theme, most: int = 4000
) -> go.Figure:
    """Draw one point per gene: one method across, the other upwards.

    Parameters
    ----------
    frame
        Index gene names, columns ``a`` and ``b``.
    a, b
        What both are called.
    axis
        What the values are.
    colours
        Colours of the page.
    most
        Points to draw; of more genes every k-th in the order of ``a`` is left.
    """
    kept = frame.dropna(subset=["a", "b"])
    if len(kept) > most:
        kept = kept.sort_values("a").iloc[:: -(-len(kept) // most)]
    low, high = float(kept[["a", "b"]].min().min()), float(kept[["a", "b"]].max().max())
    figure = go.Figure(
        [
            go.Scatter(
                x=[low, high],
                y=[low, high],
                mode="lines",
                line={"color": colours.faint, "dash": "dot"},
                hoverinfo="skip",
                name="equal",
            ),
            go.Scattergl(
                x=kept["b"],
                y=kept["a"],
                mode="markers",
                marker={"size": 5, "color": colours.accent, "opacity": 0.55},
                customdata=kept.index.to_numpy(dtype=str)[:, None],
                hovertemplate="<b>%{customdata[0]}</b><br>"
                + f"{a} %{{y:.2f}}<br>{b} %{{x:.2f}}<extra></extra>",
                name="genes",
            ),
        ]
    )
    figure.update_layout(
        template=template(colours),
        height=420,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        xaxis={"title": f"{b}: {axis}", "constrain": "domain"},
        yaxis={"title": f"{a}: {axis}", "scaleanchor": "x", "constrain": "domain"},
    )
    return figure
