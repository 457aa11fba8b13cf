"""Settings; start, follow or cancel a run."""

from __future__ import annotations

import re

import streamlit as st

import stentrans
from stentrans.app import cache, facts, repeat, router, state, text, widgets
from stentrans.methods import registry
from stentrans.section import find_genes
from stentrans.store import Run

st.header("Enhance")
section = router.require_section()


def chosen_run(section: str) -> Run:
    """Draw the settings and return the run they describe."""
    factor = st.segmented_control(
        "Resolution per axis",
        (2, 3, 4),
        default=2,
        required=True,
        key=state.FACTOR,
        format_func=text.factor_label,
        persist_state="session",
        help="2 × gives about four times as many sites. The published method was tested at 2 × "
        "only; 3 × and 4 × go beyond what anyone has validated.",
    )
    method = st.selectbox(
        "Method",
        list(stentrans.METHODS),
        key=state.METHOD,
        format_func=lambda name: text.method_name(name),
        persist_state="session",
        help="stEnTrans is recommended; the others are there to compare with.",
    )
    st.caption(f"{stentrans.METHODS[method]} {registry.ABOUT[method].limits}")
    with st.expander("More settings"):
        fill_gaps = st.checkbox(
            "Fill gaps: also predict spots that were lost inside the tissue",
            value=True,
            key=state.FILL_GAPS,
            persist_state="session",
        )
        seed = st.number_input(
            "Seed",
            0,
            None,
            0,
            key=state.SEED,
            persist_state="session",
            help="The same seed gives the same numbers.",
        )
        choose_shown_genes(section)
    return Run(section=section, method=method, factor=factor, fill_gaps=fill_gaps, seed=int(seed))


def choose_shown_genes(section: str) -> None:
    """Let the user limit the gene menus to a pasted list."""
    pasted = st.text_area(
        "Genes to show (all if empty)",
        key=state.GENE_LIST,
        persist_state="session",
        placeholder="Mbp, Plp1, ENSMUSG00000037625",
        help="All genes take part in the computation; this list only shortens the menus.",
    )
    names = re.split(r"[\s,;]+", pasted.strip()) if pasted.strip() else []
    with widgets.show_errors():
        state.choose_genes(find_genes(cache.section(section), names))


def show_sizes(run: Run) -> None:
    """Show what the run will add, before it starts."""
    expected = facts.sizes_of(run.section, run.factor, fill_gaps=run.fill_gaps)
    measured, gaps, inserted = st.columns(3)
    measured.metric("Measured spots", f"{expected.measured:,}")
    gaps.metric("Gaps to fill", f"{expected.gap:,}")
    inserted.metric("Sites added between", f"{expected.inserted:,}")


def show_run(run: Run) -> None:
    """Draw how the run stands and what to do next."""
    if cache.is_finished(run):
        st.success("Finished: the enhanced section is ready.", icon=":material/check_circle:")
        st.page_link("pages/genes.py", label="**Look at the genes**", icon=":material/search:")
        return
    job = cache.manager().follow(run.id)
    if job is not None and not job.is_over:
        widgets.live_job(run)
        return
    if job is not None:
        widgets.show_ending(job)
    if st.button("Start", type="primary", icon=":material/play_arrow:", width="stretch"):
        cache.manager().submit(run)
        state.choose_run(run)
        st.rerun()
    st.caption(text.WHAT_HAPPENS)


settings, progress = st.columns([2, 3], gap="large")
with widgets.show_errors():
    refusal = facts.facts_of(section).refusal
    with settings:
        run = chosen_run(section)
    with progress:
        st.markdown(f"##### {text.plain(state.label())}")
        show_sizes(run)
        if refusal is not None:
            st.warning(text.plain(refusal), icon=":material/block:")
        else:
            if cache.is_finished(run):
                state.choose_run(run)
            show_run(run)
        st.caption("The same from the command line")
        st.code(repeat.command_line(run, state.label()), language="bash", wrap_lines=True)
