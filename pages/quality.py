"""Can this section be enhanced? Spots, thresholds that set poor ones aside, holes, edge."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd
import streamlit as st

from stentrans.app import maps, plot, quality, repeat, router, state, text, widgets
from stentrans.app.quality import Limits
from stentrans.figures.quality import edge_profile, spot_histogram
from stentrans.figures.theme import theme

st.header("Quality")
section = router.require_section()

LIGHTS = {
    "good": (st.success, ":material/check_circle:", ":green"),
    "fair": (st.warning, ":material/error:", ":orange"),
    "poor": (st.error, ":material/cancel:", ":red"),
}


def show_light(section: str) -> None:
    """Draw the answer and what it rests on."""
    found = quality.readiness(section)
    box, icon, _ = LIGHTS[found.tone]
    box(f"**Can this section be enhanced?** {found.sentence}", icon=icon)
    lines = []
    for reason in found.reasons:
        _, mark, colour = LIGHTS[reason.tone]
        topic, words = text.plain(reason.topic), text.plain(reason.sentence)
        lines.append(f"{colour}[{mark}] **{topic}** · {words}")
    st.markdown("  \n".join(lines))
    with st.popover("How is this judged?", icon=":material/help:"):
        st.markdown(text.READINESS_HELP)


def choose_limits(section: str) -> Limits:
    """Draw a histogram and a threshold for each measure and return the thresholds."""
    table = quality.quality(section)
    counts, genes, mito = st.columns(3, gap="medium")
    with counts:
        least_counts = least(section, "library", "Least counts", "min_counts")
    with genes:
        least_genes = least(section, "genes", "Least genes", "min_genes")
    with mito:
        if table["mitochondrial"].isna().all():
            st.caption(text.NO_MITOCHONDRIAL)
            return Limits(least_counts, least_genes)
        key = f"max_mito-{section}"
        st.session_state.setdefault(key, 1.0)
        most = st.slider(
            "Largest mitochondrial share",
            0.0,
            1.0,
            step=0.01,
            format="percent",
            key=key,
            help="Much mitochondrial RNA means damaged cells, or muscle: know your tissue.",
        )
        show_histogram(section, "mitochondrial", most, is_upper=True)
    return Limits(least_counts, least_genes, most)


def least(section: str, name: str, label: str, key: str) -> int:
    """Draw a lower threshold with its histogram."""
    values = quality.quality(section)[name]
    st.session_state.setdefault(f"{key}-{section}", 0)
    # So far that half of the spots remain.
    chosen = st.slider(label, 0, max(int(values.median()), 1), key=f"{key}-{section}")
    show_histogram(section, name, chosen)
    return int(chosen)


def show_histogram(section: str, name: str, threshold: float, *, is_upper: bool = False) -> None:
    """Draw the values of one measure, those beyond the threshold hollow."""
    values = quality.quality(section)[name].to_numpy()
    plot.show_figure(
        spot_histogram(
            values,
            unit=quality.UNITS[name],
            is_kept=values <= threshold if is_upper else values >= threshold,
            threshold=None if threshold == (1 if is_upper else 0) else threshold,
            is_log=not is_upper,
            colours=theme(dark=maps.is_dark()),
        ),
        key=f"histogram-{name}",
        alt=f"Histogram of {quality.UNITS[name]}, with the threshold.",
    )


def suggest(section: str) -> None:
    """Set the thresholds beyond which a spot stands out."""
    for name, value in asdict(quality.suggested(section)).items():
        st.session_state[f"{name}-{section}"] = value


def offer_filter(section: str, limits: Limits) -> None:
    """Say what the thresholds would do, and do it on request."""
    aside = quality.set_aside(section, limits)
    n_aside = int(aside.sum())
    words, hint, button = st.columns([4, 2, 2], vertical_alignment="center")
    if not n_aside:
        words.markdown("All spots stay. Move a threshold to set poor ones aside.")
    else:
        n_gaps = quality.new_gaps(section, limits)
        words.markdown(text.filter_effect(n_aside, n_gaps))
    hint.button(
        "Suggest thresholds",
        icon=":material/auto_fix_high:",
        on_click=suggest,
        args=(section,),
        width="stretch",
        help="Three median deviations from the median, as is usual for quality control.",
    )
    if button.button(
        "Set these spots aside",
        type="primary",
        icon=":material/filter_alt:",
        disabled=not n_aside,
        width="stretch",
        help="Makes a new section beside this one; nothing is deleted.",
    ):
        with widgets.show_errors():
            quality.make_filtered(section, limits)
            st.rerun()
    if n_aside:
        label = state.label()
        out = quality.filtered_label(label)
        st.caption("The same from the command line")
        line = repeat.filter_line(section, label, asdict(limits), out)
        st.code(line, language="bash", wrap_lines=True)


def show_origin(section: str) -> None:
    """Say that this section was filtered, and lead back."""
    before = quality.parent(section)
    if before is None:
        return
    words, button = st.columns([4, 2], vertical_alignment="center")
    told = text.plain(f"Made from {state.labels()[before]}. {quality.last_note(section)}")
    words.info(told, icon=":material/filter_alt:")
    if button.button("Back to all spots", icon=":material/undo:", width="stretch"):
        state.choose_section(before, state.labels()[before])
        st.rerun()


def show_holes(section: str) -> None:
    """List the holes and lead to where they are filled."""
    found = quality.holes(section)
    if not found:
        st.markdown("No gaps: every position inside the tissue was measured.")
        return
    sizes = pd.Series([len(hole) for hole in found])
    st.markdown(text.holes_found(sizes.tolist()))
    st.page_link("pages/enhance.py", label="**Enhance and fill them**", icon=":material/blur_on:")


with widgets.show_errors():
    show_origin(section)
    show_light(section)
with widgets.show_errors():
    st.subheader("Spots")
    maps_place = st.container()
    limits = choose_limits(section)
    offer_filter(section, limits)
    with maps_place:
        quality.show_spot_maps(section, quality.set_aside(section, limits))
    st.subheader("Lattice and edge")
    lattice_map, words = st.columns([3, 2], gap="large")
    with lattice_map:
        quality.show_lattice(section)
    with words:
        show_holes(section)
        st.markdown(text.plain(quality.edge_sentence(section)))
        plot.show_figure(
            edge_profile(
                quality.rings(section),
                unit="counts per spot",
                colours=theme(dark=maps.is_dark()),
            ),
            key="edge",
            alt="Counts per spot against the distance to the edge of the tissue.",
        )
