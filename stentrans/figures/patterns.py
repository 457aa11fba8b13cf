"""What was found before and after enhancement, beside the same with the spots permuted."""

from __future__ import annotations

import pandas as pd
from plotly import graph_objects as go
from plotly.subplots import make_subplots

from stentrans.figures.theme import Theme, template

WAYS = {
    "measured": "in the counts",
    "shown": "on the map, at face value",
    "supported": "borne out by hidden spots",
    "new": "of these, not in the counts",
    "unsupported": "on the map only",
}


def counted_bars(table: pd.DataFrame, *, colours: Theme) -> go.Figure:
    """Draw the bars of every kind of pattern, and those of permuted spots hollow beside them.

    Parameters
    ----------
    table
        Columns kind and those of `WAYS`, each also with ``_null``.
    colours
        Colours of the page.

    Returns
    -------
    figure
        One panel per kind below each other, each on its own scale, so that a phone shows it too;
        per panel the found bars, then the null ones.
    """
    titles = [str(kind).capitalize() for kind in table["kind"]]
    figure = make_subplots(rows=len(table), cols=1, subplot_titles=titles, vertical_spacing=0.08)
    names = list(WAYS.values())
    for place, (_, row) in enumerate(table.iterrows(), start=1):
        found = [int(row[way]) for way in WAYS]
        null = [int(row[f"{way}_null"]) for way in WAYS]
        for values, words, is_null in ((found, "this section", False), (null, "permuted", True)):
            figure.add_trace(
                go.Bar(
                    x=values,
                    y=names,
                    orientation="h",
                    name="spots permuted: nothing to find" if is_null else "this section",
                    marker={
                        "color": "rgba(0,0,0,0)" if is_null else colours.accent,
                        "line": {"color": colours.ink if is_null else colours.accent, "width": 1.2},
                    },
                    text=[f"{value:,}" for value in values],
                    textposition="outside",
                    cliponaxis=False,
                    legendgroup=words,
                    showlegend=place == 1,
                    hovertemplate=f"%{{y}}, {words}: %{{x:,}}<extra></extra>",
                ),
                row=place,
                col=1,
            )
        figure.update_xaxes(range=[0, 1.25 * max(*found, *null, 1)], visible=False, row=place)
    figure.update_layout(
        template=template(colours),
        height=80 + 190 * len(table),
        barmode="group",
        showlegend=True,
        legend={"orientation": "h", "y": -0.02, "x": 0, "traceorder": "normal"},
        margin={"l": 8, "r": 8, "t": 40, "b": 30},
    )
    figure.update_yaxes(autorange="reversed")
    figure.update_annotations(x=0, xanchor="left", font={"size": 14})
    return figure
