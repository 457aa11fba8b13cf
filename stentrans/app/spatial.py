"""Genes by the evidence that they vary in space, from the stored patterns of a section."""

from __future__ import annotations

from typing import Final

import streamlit as st

from stentrans.app import cache, text, widgets
from stentrans.store import Run

LEVEL: Final = 0.05


def patterns_run(section_id: str, n_domains: int = 0) -> Run:
    """Return the work that finds what the counts show by themselves.

    Parameters
    ----------
    section_id
        Where to look.
    n_domains
        How many domains; 0: as many as are found.
    """
    return Run.of("patterns", section_id, n_domains=n_domains)


def is_ranked(section_id: str) -> bool:
    """Say whether the genes of a section have been ranked."""
    return cache.is_finished(patterns_run(section_id))


@st.cache_data(show_spinner=False, max_entries=16)
def ranked_genes(section_id: str, *, only_sure: bool = False) -> list[str]:
    """Return the genes of a section, those first that surely vary in space.

    Parameters
    ----------
    section_id
        A section whose genes have been ranked.
    only_sure
        Leave out those with a q-value of 0.05 or more.
    """
    genes = cache.result(patterns_run(section_id))["genes"]
    if only_sure:
        genes = genes[genes["q_value"] < LEVEL]
    return [str(gene) for gene in genes["gene"]]


def offer_ranking(section_id: str) -> bool:
    """Draw the button, the progress or the failure of the ranking; say whether it is finished."""
    return widgets.offer_work(
        patterns_run(section_id), "Rank genes by their patterns", text.RANKING_ABOUT
    )
