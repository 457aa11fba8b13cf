"""Colours and the Plotly template, always passed explicitly, never set globally."""

from __future__ import annotations

from dataclasses import dataclass

from plotly import graph_objects as go

CLEAR = "rgba(0,0,0,0)"


@dataclass(frozen=True)
class Theme:
    """The few colours a figure needs.

    Parameters
    ----------
    ink
        Text and scale bars.
    faint
        Grid lines, and text that matters less.
    accent
        The method that was chosen, the region that was drawn.
    veil
        Sites whose value says nothing: close to the page, yet not a gap.
    sequential
        Name of the colour scale for expression where nobody chose one, see `figures.colours`.
    page
        Colour of the page behind the maps.
    """

    ink: str
    faint: str
    accent: str
    veil: str
    sequential: str
    page: str

    @property
    def is_dark(self) -> bool:
        """Whether the page is dark."""
        return self is DARK


LIGHT = Theme(
    ink="#1f2933",
    faint="#8896a4",
    accent="#0f766e",
    veil="#e7ebee",
    sequential="viridis",
    page="#ffffff",
)
DARK = Theme(
    ink="#e6e9ec",
    faint="#7d8894",
    accent="#2dd4bf",
    veil="#262d36",
    sequential="magma",
    page="#11161c",
)


def theme(*, dark: bool = False) -> Theme:
    """Return the colours for a light or a dark page."""
    return DARK if dark else LIGHT


def template(colours: Theme) -> go.layout.Template:
    """Return the Plotly template: clear paper, no frame, one font."""
    axis = {"zeroline": False, "gridcolor": colours.faint, "gridwidth": 0.3, "automargin": True}
    layout = go.Layout(
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        font={"family": "Source Sans, Source Sans Pro, sans-serif", "color": colours.ink},
        margin={"l": 8, "r": 8, "t": 48, "b": 8},
        xaxis=axis,
        yaxis=axis,
        hoverlabel={
            "align": "left",
            "bgcolor": colours.page,
            "bordercolor": colours.faint,
            "font": {"color": colours.ink, "size": 13},
        },
        showlegend=False,
        modebar={"bgcolor": CLEAR, "color": colours.faint, "activecolor": colours.accent},
    )
    return go.layout.Template(layout=layout)
