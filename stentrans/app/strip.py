"""A row of small maps to leaf through."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent

_mount = st.components.v2.component(
    "stentrans_strip",
    html='<div class="stentrans-strip" role="group" aria-label="Genes"></div>',
    css=(_HERE / "strip.css").read_text(encoding="utf-8"),
    js=(_HERE / "strip.js").read_text(encoding="utf-8"),
)


def show_strip(
    genes: Sequence[str],
    current: str,
    pictures: Mapping[str, bytes],
    *,
    key: str,
    notes: Mapping[str, str],
    on_choose: Callable[[str], object],
) -> None:
    """Draw genes as small maps that can be clicked.

    Parameters
    ----------
    genes
        From left to right.
    current
        The one to mark.
    pictures
        A PNG per gene.
    key
        Name of the element.
    notes
        A word or number below each gene.
    on_choose
        Gets the gene that was clicked, before the page is drawn again.
    """
    items = [
        {
            "gene": gene,
            "picture": f"data:image/png;base64,{b64encode(pictures[gene]).decode()}",
            "note": notes.get(gene, ""),
        }
        for gene in genes
    ]

    def take() -> None:
        chosen = st.session_state[key].chosen
        if chosen is not None and chosen in genes:
            on_choose(str(chosen))

    _mount(key=key, data={"items": items, "current": current}, on_chosen_change=take)
