"""Figures that are updated in place: zoom and pan stay while gene, colours or layers change.

``st.plotly_chart`` names its element after the content of the figure, key or not, so that the
browser builds a new chart for every gene and forgets the zoom. Here the element keeps its name,
and ``plot.js`` hands the new content to Plotly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st
from plotly import graph_objects as go

from stentrans.app import media
from stentrans.figures.maps import Maps

_HERE = Path(__file__).parent

_mount = st.components.v2.component(
    "stentrans_plot",
    html=(_HERE / "plot.html").read_text(encoding="utf-8"),
    css=(_HERE / "plot.css").read_text(encoding="utf-8"),
    js=(_HERE / "plot.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def show_maps(
    maps: Maps | tuple[str, Sequence[dict[str, Any]]],
    *,
    key: str,
    revision: str,
    alt: str,
    swipe: str = "",
    on_select: Callable[[list[int]], object] | None = None,
) -> None:
    """Draw linked maps.

    Parameters
    ----------
    maps
        From `figures.maps.site_maps`, or their figure as JSON and their layouts.
    key
        Name of the element; the same one is updated in place.
    revision
        Zoom and pan stay, and are part of the page's address, while this stays the same.
    alt
        What a screen reader says.
    swipe
        What a screen reader calls the slider between two maps in one place; empty for none.
    on_select
        Gets the measured spots that were selected by lasso or box, as positions in the section;
        called before the page is drawn again.
    """
    spec, layouts = (maps.figure.to_json(), maps.layouts) if isinstance(maps, Maps) else maps
    told = {"spec": spec, "layouts": list(layouts), "revision": revision, "alt": alt}
    told |= {"key": key, "swipe": swipe}

    def take() -> None:
        chosen = st.session_state[key].selected
        if chosen is not None and on_select is not None:
            on_select([int(spot) for spot in chosen])

    _mount(key=key, data=_with_script(told), on_selected_change=take)


def show_figure(figure: go.Figure, *, key: str, alt: str) -> None:
    """Draw a figure that is only looked at; see `show_maps`."""
    told = {"spec": figure.to_json(), "layouts": [], "revision": "", "alt": alt}
    _mount(key=key, data=_with_script(told), on_selected_change=lambda: None)


def _with_script(told: dict[str, Any]) -> dict[str, Any]:
    script = media.address(media.plotly_script(), "application/javascript", "plotly")
    return told | {"plotly": script}
