"""Files that the app itself serves to the browser: no outside address, no bytes per rerun."""

from __future__ import annotations

import streamlit as st
from streamlit import runtime


def address(content: bytes, mimetype: str, place: str) -> str:
    """Serve some bytes and return their address, relative to that of the app.

    The address follows from the content, so that the browser asks for it once. A file is served
    while the last run of some session named it: call this in every run that shows it.

    Parameters
    ----------
    content
        The file.
    mimetype
        What the browser is told it is.
    place
        A name of our own for where it is used; another file there replaces it.
    """
    return runtime.get_instance().media_file_mgr.add(content, mimetype, f"stentrans-{place}")


@st.cache_resource(show_spinner=False)
def plotly_script() -> bytes:
    """Return plotly.js, as it comes with the Python package."""
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs()).encode()
