"""The card "Is it real?": what hidden spots, noise and smoothing say about one gene."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import streamlit as st
from scipy.sparse import csr_matrix

from stentrans.app import cache, layers, map_text, maps, plot, text, widgets
from stentrans.evaluation.smoothing import MoranCheck, moran_check, smoothers
from stentrans.keys import MEASURED, ORIGIN
from stentrans.store import Run


def show_card(run: Run, gene: str) -> None:
    """Draw the card, or offer the test on hidden spots that it needs."""
    st.markdown("##### Is it real?")
    if not cache.is_finished(run.holdout()):
        widgets.offer_test(run)
        return
    held_out = cache.held_out(run.holdout().id)
    scores = held_out.scores.loc[[gene]].iloc[0]
    told = {str(name): float(scores[name]) for name in scores.index}
    tone, sentence = text.verdict(scores, run.method, cache.tissue(run.section).n_obs)
    show = {"good": st.success, "fair": st.info, "poor": st.warning}[tone]
    show(sentence)
    check = checked(run, gene)
    _show_numbers(told, run.method, check)
    st.caption(map_text.moran_sentence(check))
    with st.expander("All scores"):
        one, all_genes = st.columns(2, gap="large")
        with one:
            st.markdown(f"**{text.plain(gene)}**")
            _show_bars(told, run.method, key="gene-scores")
        with all_genes:
            st.markdown("**All genes** in over 10 % of the spots, mean")
            _show_bars(held_out.summary, run.method, key="mean-scores")
        st.caption(text.SCORES_HELP)


def _show_numbers(scores: Mapping[str, float], method: str, check: MoranCheck) -> None:
    """The numbers of the card, each with what it means."""
    rival, best = map_text.strongest_rival(scores, method)
    cells = st.columns(5)
    cells[0].metric(
        "Hidden spots, r",
        text.number(scores["pearson"]),
        help="Correlation of prediction and measurement over spots that were hidden.",
    )
    cells[1].metric(
        f"Gain over {rival}",
        map_text.signed(scores["pearson"] - best),
        help=f"Against {rival}, the strongest of the simple interpolations, on the same spots.",
    )
    cells[2].metric(
        "Noise ceiling",
        text.number(scores["ceiling"]),
        help="The correlation that counting noise would leave to a perfect prediction.",
    )
    cells[3].metric(
        "Spots that show it",
        text.percent(scores["detected_share"]),
        help="Spots with at least one count; in the others the gene dropped out or is absent.",
    )
    cells[4].metric(
        "Moran's I",
        f"{text.number(check.before)} → {text.number(check.after)}",
        help="How alike neighbouring spots are, measured and enhanced. Smoothing alone raises it; "
        f"shuffled spots reach {text.number(check.before_null)}, and smoothed as much "
        f"{text.number(check.after_null)}.",
    )


def _show_bars(scores: Mapping[str, float], method: str, *, key: str) -> None:
    """Draw the scores of the method beside simple interpolation."""
    plot.show_figure(
        maps.score_figure(scores, method),
        key=key,
        alt="Correlation on hidden spots for each method, and the noise ceiling.",
    )


@st.cache_data(show_spinner=False, max_entries=256)
def checked(run: Run, gene: str) -> MoranCheck:
    """Return Moran's I of a gene before and after enhancement, beside both nulls."""
    adjacent, windows = _neighbourhood(run.section)
    measured = layers.measured(run.section, gene, "composition").values
    result = cache.enhancement(run.id)
    is_spot = (result.sites[ORIGIN] == MEASURED).to_numpy()
    shown = result.expression([gene], "composition")[is_spot, 0]
    return moran_check(measured, shown, adjacent, windows=windows)


@st.cache_resource(show_spinner=False, max_entries=4)
def _neighbourhood(section_id: str) -> tuple[csr_matrix, list[csr_matrix]]:
    """Neighbours of a section's spots, and the windows that smooth over them."""
    from stentrans.evaluation.spatial import adjacency

    lattice = cache.lattice(section_id)
    adjacent = adjacency(lattice, np.arange(lattice.n_spots))
    return adjacent, smoothers(lattice.plane(lattice.array))
