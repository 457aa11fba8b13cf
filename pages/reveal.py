"""Hide spots, let a method predict them, uncover the truth; fill lost areas."""

from __future__ import annotations

import numpy as np
import streamlit as st

import stentrans
from stentrans.app import cache, maps, revealing, router, state, text, widgets
from stentrans.evaluation.trial import FEWEST
from stentrans.store import Run

HIDE, FILL = "Hide and reveal", "Lost areas"

st.header("Reveal")
section = router.require_section()


def choose_gene_and_method(section: str) -> tuple[str, str]:
    """Draw what is looked at and who predicts."""
    left, right = st.columns(2)
    genes = state.shown_genes() or cache.genes(section)
    first = maps.striking_gene(section, state.run(), is_tested=maps.is_tested(state.run()))
    gene = left.selectbox(
        "Gene",
        genes,
        index=genes.index(first) if first in genes else 0,
        key=state.GENE,
        bind="query-params",
        help="Only what you look at; all genes are predicted.",
    )
    shown = state.run()
    names = list(stentrans.METHODS)
    method = right.selectbox(
        "Method",
        names,
        index=names.index(shown.method) if shown is not None else 0,
        key=f"reveal_method-{section}",
        format_func=text.method_name,
        help="Low-rank kriging and linear interpolation predict the same spots beside it.",
    )
    return gene, method


def hide_and_reveal(section: str, gene: str, method: str) -> None:
    """Draw the choice of spots, then what was predicted, then the truth."""
    spots = revealing.chosen(section)
    run = revealing.run_of("reveal", section, method, hidden=spots)
    if spots and cache.is_finished(run):
        show_result(section, run, gene)
        return
    drawing, steps = st.columns([3, 2], gap="large")
    with drawing:
        revealing.show_choice(section, gene, spots)
    with steps:
        st.markdown(text.REVEAL_STEPS)
        hole, scattered = st.columns(2)
        hole.button(
            "Pick a hole",
            on_click=revealing.pick,
            args=(section, "holes"),
            width="stretch",
            icon=":material/casino:",
            help="A round area of a tenth of the spots.",
        )
        scattered.button(
            "Pick scattered",
            on_click=revealing.pick,
            args=(section, "scattered"),
            width="stretch",
            icon=":material/scatter_plot:",
            help="A random fifth of the spots.",
        )
        st.markdown(f"**{text.counted(len(spots), 'spot')}** chosen.")
        if len(spots) < FEWEST:
            st.caption(f"Choose at least {FEWEST}: a correlation over fewer says nothing.")
        else:
            offer(run, f"Hide these {len(spots):,} spots and predict them", "visibility_off")


def offer(run: Run, label: str, icon: str) -> None:
    """Draw the button that starts a job, or the job while it goes on."""
    if widgets.is_going_on(run):
        widgets.live_job(run)
        return
    job = cache.manager().follow(run.id)
    if job is not None:
        widgets.show_ending(job)
    if st.button(label, type="primary", icon=f":material/{icon}:", width="stretch"):
        cache.manager().submit(run)
        st.rerun()


def show_result(section: str, run: Run, gene: str) -> None:
    """Draw seen and predicted; the truth and the scores once they are asked for."""
    revealed = cache.result(run)
    is_uncovered = revealing.is_uncovered(run)
    truth, again = st.columns([2, 1])
    if truth.button(
        "Reveal the truth",
        type="primary",
        icon=":material/visibility:",
        disabled=is_uncovered,
        width="stretch",
    ):
        revealing.uncover(run)
        st.rerun()
    again.button(
        "Hide other spots",
        icon=":material/restart_alt:",
        on_click=revealing.choose,
        args=(section, []),
        width="stretch",
    )
    if gene not in revealed.genes:
        st.info("This gene was seen in no visible spot: it cannot be predicted. Choose another.")
        return
    revealing.show_revealed(section, revealed, gene, is_uncovered=is_uncovered)
    if is_uncovered:
        st.markdown("##### How well were the hidden spots known?")
        revealing.show_scores(revealed.judgement, gene, "reveal")
        st.caption(text.REVEAL_STRICT)


def fill_lost(section: str, gene: str, method: str) -> None:
    """Draw the choice of lost areas, then the filled section with its test."""
    holes = revealing.holes(section)
    places = revealing.positions(section)
    names = [
        text.counted(len(hole), "position") + f" (hole {i + 1})" for i, hole in enumerate(holes)
    ]
    with_holes = st.multiselect(
        "Holes found",
        range(len(holes)),
        default=range(len(holes)),
        format_func=lambda i: names[i],
        key=f"holes-{section}",
        help="Lattice positions inside the tissue without a measurement.",
    )
    drawn = revealing.chosen(section, revealing.DRAWN)
    parts = [np.empty((0, 2), np.int64), *(holes[i] for i in with_holes), places[drawn]]
    lost = np.unique(np.concatenate(parts), axis=0)
    run = revealing.run_of("fill", section, method, lost=lost.tolist())
    if len(lost) and cache.is_finished(run):
        show_filled(section, run, gene)
        return
    drawing, steps = st.columns([3, 2], gap="large")
    with drawing:
        revealing.show_lost_choice(section, gene, lost)
    with steps:
        st.markdown(text.FILL_STEPS)
        st.markdown(
            f"**{text.counted(len(lost), 'position')}** to fill, {len(drawn)} of them drawn."
        )
        if drawn:
            st.button(
                "Forget what was drawn",
                icon=":material/undo:",
                on_click=revealing.choose,
                args=(section, [], revealing.DRAWN),
            )
        if len(lost):
            offer(run, "Fill and test", "format_color_fill")


def show_filled(section: str, run: Run, gene: str) -> None:
    """Draw the filled section and how well such areas are filled elsewhere."""
    filled = cache.result(run)
    revealing.show_filled(section, filled, gene)
    st.markdown("##### How well would a hole like this be filled?")
    n_hidden = filled.judgement.about["n_hidden"]
    st.caption(
        f"Areas of the same shape were hidden elsewhere in the tissue, {len(n_hidden)} times "
        f"({', '.join(map(str, n_hidden))} spots), filled the same way and scored."
    )
    revealing.show_scores(filled.judgement, gene, "fill")
    st.download_button(
        "Download the filled positions (.csv)",
        data=lambda: revealing.table(filled).to_csv().encode(),
        file_name="filled.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


with widgets.show_errors():
    gene, method = choose_gene_and_method(section)
    part = st.segmented_control(
        "What to do",
        [HIDE, FILL],
        default=HIDE,
        required=True,
        key="reveal_part",
        label_visibility="collapsed",
    )
    if part == HIDE:
        hide_and_reveal(section, gene, method)
    else:
        fill_lost(section, gene, method)
