"""Maps of a chosen gene: measured, enhanced and imputed, and whether to believe them."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from stentrans.app import cache, maps, plot, router, state, text, widgets
from stentrans.store import Run

st.header("Genes")
section = router.require_section()


def choose(section: str, run: Run | None) -> tuple[str, state.Reading]:
    """Draw gene and reading, and return both."""
    gene_column, reading_column = st.columns([2, 3])
    genes = state.shown_genes() or cache.genes(section)
    first = maps.striking_gene(section, run, is_tested=maps.is_tested(run))
    gene = gene_column.selectbox(
        "Gene",
        genes,
        index=genes.index(first) if first in genes else 0,
        key=state.GENE,
        bind="query-params",
        help=f"Type any part of a name; {len(genes):,} genes were seen in this section.",
    )
    reading = reading_column.segmented_control(
        "Reading",
        list(text.READINGS),
        default="composition",
        required=True,
        key=state.READING,
        bind="query-params",
        format_func=lambda name: text.READINGS[name],
        help=text.READING_HELP,
    )
    return gene, reading


def show_scores(run: Run, gene: str) -> None:
    """Draw the test on hidden spots for this gene."""
    st.markdown("##### Is it real?")
    if not cache.is_finished(run.holdout()):
        widgets.offer_test(run)
        return
    held_out = cache.held_out(run.holdout().id)
    scores = held_out.scores.loc[gene]
    tone, sentence = text.verdict(scores, run.method, cache.tissue(run.section).n_obs)
    show = {"good": st.success, "fair": st.info, "poor": st.warning}[tone]
    show(sentence)
    one, all_genes = st.columns(2, gap="large")
    with one:
        share = text.percent(scores["detected_share"])
        st.markdown(f"**{text.plain(gene)}**, counts in {share} of the spots")
        show_bars(scores, run.method, key="gene-scores")
    with all_genes:
        st.markdown("**All genes** in over 10 % of the spots, mean")
        show_bars(held_out.summary, run.method, key="mean-scores")
    st.caption(text.SCORES_HELP)


def show_bars(scores: Mapping[str, float], method: str, *, key: str) -> None:
    """Draw the scores of the method beside simple interpolation."""
    plot.show_figure(
        maps.score_figure(scores, method),
        key=key,
        alt="Correlation on hidden spots for each method, and the noise ceiling.",
    )


with widgets.show_errors():
    run = state.run()
    gene, reading = choose(section, run)
    maps.show_maps(section, run, gene, reading, notes=widgets.waiting_notes(run))
    if run is None:
        st.info(text.NO_RUN_YET)
        st.page_link(
            "pages/enhance.py", label="**Enhance this section**", icon=":material/blur_on:"
        )
    else:
        st.caption(text.caption(run.method, run.factor))
        widgets.show_failure(run)
        if cache.is_finished(run):
            show_scores(run, gene)
