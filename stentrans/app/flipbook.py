"""Genes in an order worth leafing through, and the way from one to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import numpy as np
import streamlit as st

from stentrans.app import cache, maps, spatial, state, strip, text, thumbnails, view
from stentrans.preprocess import keep_genes, log_normalise, median_library
from stentrans.store import Run

Order = Literal["predicted", "variable", "spatial", "name", "starred"]

ORDERS: Final[Mapping[Order, str]] = {
    "predicted": "Best predicted",
    "variable": "Most variable",
    "spatial": "Most variable in space",
    "name": "By name",
    "starred": "Starred",
}
ORDER: Final = "map_order"
PER_STRIP: Final = 12
_SEEN_SHARE: Final = 0.05


def ranked(section_id: str, run: Run | None) -> list[str]:
    """Return the genes of the menu in the order that this session leafs through them."""
    known = orders(is_tested=maps.is_tested(run), is_starred=bool(view.stars()))
    order = st.session_state.get(ORDER, known[0])
    return in_order(
        section_id,
        run,
        order if order in known else known[0],
        genes=state.shown_genes() or cache.genes(section_id),
        starred=list(view.stars()),
    )


def show(section_id: str, run: Run | None, gene: str) -> None:
    """Draw the strip of small maps around the gene that is looked at."""
    known = orders(is_tested=maps.is_tested(run), is_starred=bool(view.stars()))
    order, drawn = st.columns([1.5, 6], vertical_alignment="center")
    order.selectbox(
        "Leaf through",
        known,
        key=ORDER,
        format_func=lambda name: ORDERS[name],
        persist_state="session",
        help="← and → take the next gene in this order.",
    )
    if st.session_state.get(ORDER) == "spatial" and not spatial.offer_ranking(section_id):
        return
    listed = ranked(section_id, run)
    if not listed:
        return
    shown = page_of(listed, gene)
    pictures = thumbnails.gene_thumbnails(
        section_id,
        run if cache.is_finished(run) else None,
        tuple(shown),
        turns=view.turns(),
        is_dark=maps.is_dark(),
    )
    with drawn:
        strip.show_strip(shown, gene, pictures, key="strip", notes=_notes(run, shown), on_choose=go)


def _notes(run: Run | None, genes: Sequence[str]) -> dict[str, str]:
    """A star, or the score of the prediction."""
    notes = {}
    if run is not None and maps.is_tested(run):
        scores = cache.held_out(run.holdout().id).scores["pearson"]
        notes = {gene: f"r {text.number(scores[gene])}" for gene in genes}
    return notes | {gene: "★" for gene in genes if gene in view.stars()}


def orders(*, is_tested: bool, is_starred: bool) -> list[Order]:
    """Return the orders that can be had: not all are known before a test or without stars."""
    found: list[Order] = ["predicted"] if is_tested else []
    found += ["variable", "spatial", "name"]
    return [*found, "starred"] if is_starred else found


def in_order(
    section_id: str, run: Run | None, order: Order, *, genes: Sequence[str], starred: Sequence[str]
) -> list[str]:
    """Return genes in the order asked for.

    Parameters
    ----------
    section_id, run
        Whose genes; only the order by prediction looks at the run.
    order
        See `ORDERS`; before genes are ranked by their patterns, the most variable come first.
    genes
        Those of the menu, by name.
    starred
        Starred genes in the order of the stars.
    """
    if order == "name":
        return list(genes)
    if order == "starred":
        return list(starred)
    if order == "spatial" and spatial.is_ranked(section_id):
        ranked = spatial.ranked_genes(section_id)
    else:
        ranked = _ranked(section_id, run if order == "predicted" else None)
    allowed = set(genes)
    return [gene for gene in ranked if gene in allowed]


@st.cache_data(show_spinner=False, max_entries=16)
def _ranked(section_id: str, run: Run | None) -> list[str]:
    """Genes by the score of their prediction, or by the variance of what was measured."""
    section = cache.tissue(section_id)
    if run is not None:
        scores = cache.held_out(run.holdout().id).scores
        known = scores[scores["detected_share"] >= _SEEN_SHARE]["pearson"].dropna()
        return [str(gene) for gene in known.sort_values(ascending=False, kind="stable").index]
    often = np.flatnonzero(keep_genes(section.X, _SEEN_SHARE))
    values = log_normalise(section.X, median_library(section.X))[:, often]
    mean = np.asarray(values.mean(axis=0)).ravel()
    power = np.asarray(values.multiply(values).mean(axis=0)).ravel()
    order = np.argsort(-(power - mean**2), kind="stable")
    return [str(gene) for gene in section.var_names[often[order]]]


def step(ranked: Sequence[str], gene: str, by: int) -> str:
    """Return the gene some steps further, staying at both ends; the first where it is not listed.

    Parameters
    ----------
    ranked
        Genes in order; at least one.
    gene
        The one looked at.
    by
        Steps; negative ones go back.
    """
    if gene not in ranked:
        return ranked[0]
    return ranked[int(np.clip(ranked.index(gene) + by, 0, len(ranked) - 1))]


def page_of(ranked: Sequence[str], gene: str) -> list[str]:
    """Return the genes of the strip that holds a gene: it stays put while one leafs through it."""
    start = ranked.index(gene) // PER_STRIP * PER_STRIP if gene in ranked else 0
    return list(ranked[start : start + PER_STRIP])


def go(gene: str) -> None:
    """Look at a gene from the next run on; called by callbacks."""
    st.session_state[state.GENE] = gene
