"""The pages that exist, in the order of the menu."""

from __future__ import annotations

from typing import Any

import streamlit as st

from stentrans.app import state, widgets


def current_page() -> Any:
    """Declare all pages to Streamlit and return the one that was asked for."""
    return st.navigation(
        {
            "Start": [
                st.Page("pages/home.py", title="Home", icon=":material/home:", default=True),
                st.Page("pages/quality.py", title="Quality", icon=":material/traffic:"),
            ],
            "Enhance": [
                st.Page("pages/enhance.py", title="Enhance", icon=":material/blur_on:"),
                st.Page("pages/reveal.py", title="Reveal", icon=":material/visibility_off:"),
            ],
            "Explore": [
                st.Page("pages/genes.py", title="Genes", icon=":material/search:"),
                st.Page("pages/evaluate.py", title="Evaluate", icon=":material/balance:"),
                st.Page("pages/patterns.py", title="Patterns", icon=":material/bubble_chart:"),
            ],
            "Share": [
                st.Page("pages/export.py", title="Export", icon=":material/download:"),
                st.Page("pages/help.py", title="Help", icon=":material/help:"),
            ],
        }
    )


def require_router() -> None:
    """Go through the router, and its login, before anything of a page is drawn."""
    if not state.is_routed():
        # The first visit to a new server may name a page: Streamlit then runs its file alone,
        # as it does in a folder of pages without a router.
        widgets.page_look()
        current_page()
        st.rerun()


def require_section() -> str:
    """Return the section to show on a page; without one, say where to get it and stop there."""
    require_router()
    state.leave_what_was_revoked()
    section = state.section_id()
    if section is None:
        widgets.point_home()
        st.stop()
    return section
