"""Public sections on the start page: fetched from their publisher when somebody asks."""

from __future__ import annotations

from typing import Final

import streamlit as st

from stentrans.app import cache, opening, text, widgets
from stentrans.section.public import Fetching, fetch
from stentrans.section.registry import LICENCE, PUBLIC, SOURCE_PAGE

FOLDER: Final = "public"


def show() -> None:
    """Draw the choice of a public section and the button that fetches and opens it."""
    with st.popover("Public sections (10x Genomics)", width="stretch"):
        name = st.selectbox(
            "Section", list(PUBLIC), format_func=lambda one: PUBLIC[one].title, key="public"
        )
        folder = cache.store().folder / FOLDER
        is_here = (folder / name).is_dir()
        st.caption(text.HERE_ALREADY if is_here else text.FETCHED_ON_REQUEST)
        if st.button(
            "Open" if is_here else "Fetch and open",
            type="primary",
            icon=":material/folder_open:" if is_here else ":material/cloud_download:",
            width="stretch",
            key="fetch",
        ):
            with widgets.show_errors():
                _fetch(name)
                st.rerun()
        st.caption(
            f"{text.plain(name)}, by [10x Genomics]({SOURCE_PAGE}), licence {LICENCE}: name the "
            "source when you show it."
        )


def _fetch(name: str) -> None:
    """Fetch a section, telling how far it is, and look at it."""
    bar = st.progress(0.0, text="Asking the publisher …")

    def tell(told: Fetching) -> None:
        share = told.done / told.total if told.total else 0.0
        bar.progress(min(share, 1.0), text=text.fetching(told))

    folder = fetch(name, cache.store().folder / FOLDER, on_progress=tell)
    bar.progress(1.0, text="Reading …")
    opening.open_public(folder)
