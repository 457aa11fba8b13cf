"""The settings of a run on the page: three presets, and everything behind them."""

from __future__ import annotations

import re
from typing import Any, Final

import streamlit as st

import stentrans
from stentrans.app import cache, spatial, state, text
from stentrans.app.widgets import show_errors
from stentrans.jobs.estimate import duration, expected
from stentrans.methods import registry
from stentrans.methods.settings import SETTINGS
from stentrans.section import default_factor, find_genes
from stentrans.store import Run

PRESETS: Final = {"quick": "kernel", "standard": "stentrans", "paper": "paper"}
"""Method of each preset, with its own settings."""
TITLES: Final = {"quick": "Quick", "standard": "Standard", "paper": "Paper"}
WORDS: Final = {
    "quick": "No training: every site from its surroundings and from spots that look alike.",
    "standard": "Recommended: as Quick, and a Transformer trained on this section on top.",
    "paper": "The network as published in 2024, for comparison; slow, and seldom better.",
}
OWN: Final = "own"


def chosen_run(section: str) -> Run:
    """Draw presets and settings, and return the run that they describe."""
    preset = st.segmented_control(
        "Preset",
        [*PRESETS, OWN],
        default="standard",
        required=True,
        key=state.PRESET,
        format_func=lambda name: TITLES.get(name, "My own"),
        persist_state="session",
    )
    usual = default_factor(cache.section(section))
    factor = st.segmented_control(
        "Resolution per axis",
        (1, 2, 3, 4) if usual == 1 else (2, 3, 4),  # bins that touch leave nothing between
        default=usual,
        required=True,
        key=state.FACTOR,
        format_func=text.factor_label,
        persist_state="session",
        help="2 × gives about four times as many sites. The published method was tested at 2 × "
        "only; 3 × and 4 × go beyond what anyone has validated.",
    )
    if preset == OWN:
        method, settings = _own_method()
    else:
        method, settings = PRESETS[preset], ()
        st.caption(WORDS[preset])
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
        _choose_shown_genes(section)
    return Run(
        section=section,
        method=method,
        factor=factor,
        fill_gaps=fill_gaps,
        seed=int(seed or 0),
        settings=settings,
    )


def _choose_shown_genes(section: str) -> None:
    """Let the user limit the gene menus to a pasted list, or to genes that vary in space."""
    if st.toggle(
        "Show only the genes that vary most in space",
        key=state.SPATIAL_GENES,
        persist_state="session",
        help=text.SHOWN_GENES_HELP,
    ):
        _choose_spatial_genes(section)
        return
    pasted = st.text_area(
        "Genes to show (all if empty)",
        key=state.GENE_LIST,
        persist_state="session",
        placeholder="Mbp, Plp1, ENSMUSG00000037625",
        help=text.SHOWN_GENES_HELP,
    )
    names = re.split(r"[\s,;]+", pasted.strip()) if pasted.strip() else []
    with show_errors():
        state.choose_genes(find_genes(cache.section(section), names))


def _choose_spatial_genes(section: str) -> None:
    """Draw how many of the ranked genes to show; until they are ranked, all are."""
    if not spatial.offer_ranking(section):
        state.choose_genes([])
        return
    sure = spatial.ranked_genes(section, only_sure=True)
    most = st.number_input(
        "How many at most", 1, None, 500, key=state.N_SPATIAL, persist_state="session"
    )
    chosen = sure[: int(most or 1)]
    state.choose_genes(chosen)
    st.caption(
        f"{len(chosen):,} of the {len(sure):,} genes that vary in space (q < 0.05) are shown."
        if sure
        else "No gene surely varies in space (q < 0.05): all are shown."
    )


def _own_method() -> tuple[str, tuple[tuple[str, float], ...]]:
    """Draw the methods and the settings of the chosen one."""
    method = st.selectbox(
        "Method",
        list(stentrans.METHODS),
        key=state.METHOD,
        format_func=lambda name: text.method_name(name),
        persist_state="session",
        help="stEnTrans is recommended; the others are there to compare with.",
    )
    st.caption(f"{stentrans.METHODS[method]} {registry.ABOUT[method].limits}")
    changed = []
    for one in SETTINGS.get(method, ()):
        is_whole = one.high > 1
        kind = int if is_whole else float
        value: Any = st.number_input(
            one.label,
            kind(one.low),
            kind(one.high),
            kind(one.default),
            key=state.setting_key(method, one.name),
            persist_state="session",
            help=one.help,
        )
        if value != one.default:
            changed.append((one.name, value))
    return method, tuple(changed)


def cost_line(run: Run) -> str:
    """Say in one line what a run will take; empty where nobody measured."""
    cost, test = expected(run, cache.store()), expected(run.holdout(), cache.store())
    if cost is None:
        return ""
    after = "" if test is None else f", the test on hidden spots about {duration(test.seconds)}"
    return (
        f"About **{duration(cost.seconds)}** and **{cost.memory / 1e9:.1f} GB** of memory{after}."
    )
