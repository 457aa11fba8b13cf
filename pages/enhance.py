"""Settings; start, follow or end a run; all runs of a section."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from stentrans.app import (
    access,
    cache,
    facts,
    maps,
    presets,
    repeat,
    router,
    run_table,
    state,
    text,
    widgets,
)
from stentrans.jobs.progress import Watched
from stentrans.store import Run

st.header("Enhance")
section = router.require_section()


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
    refusal = cache.manager().refusal_of(run)
    if refusal is not None:
        st.warning(text.plain(refusal), icon=":material/memory:")
    cost = presets.cost_line(run)
    if cost:
        st.markdown(cost, help=text.COST_HELP)
    gene = preview_gene()
    if st.button(
        "Start",
        type="primary",
        icon=":material/play_arrow:",
        width="stretch",
        disabled=refusal is not None,
    ):
        cache.manager().submit(run, who=access.who(), watched=gene)
        state.choose_run(run)
        st.rerun()
    st.caption(text.WHAT_HAPPENS)
    enhance_others(run)


def preview_gene() -> Watched | None:
    """Draw the choice of the gene to watch, and return it with its column."""
    genes = cache.genes(section)
    first = maps.striking_gene(section, state.run(), is_tested=False)
    gene = st.selectbox(
        "Gene to watch meanwhile",
        genes,
        index=genes.index(first) if first in genes else 0,
        key=state.WATCHED,
        help="Its map is shown while the method learns. It plays no part in the result.",
    )
    column = cache.section(section).var_names.get_loc(gene)
    return Watched(gene, int(column)) if isinstance(column, int) else None


def enhance_others(run: Run) -> None:
    """Let the same settings run on other sections of this session, too."""
    labels = state.labels()
    others = [name for name in labels if name != run.section]
    if not others:
        return
    with st.expander("Enhance several sections with these settings"):
        chosen = st.multiselect(
            "Sections", others, format_func=lambda name: labels[name], key="cohort"
        )
        if st.button("Start all", key="start_all", disabled=not chosen):
            for name in [run.section, *chosen]:
                # One that cannot be enhanced fails alone, with its sentence in the table.
                cache.manager().submit(replace(run, section=name), who=access.who())
            st.rerun()


settings, progress = st.columns([2, 3], gap="large")
with widgets.show_errors():
    refusal = facts.facts_of(section).refusal
    with settings:
        run = presets.chosen_run(section)
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
    st.markdown("##### Runs")
    run_table.show_runs(list(state.labels()))
