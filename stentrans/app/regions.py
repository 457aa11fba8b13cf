"""Regions: from spots that were drawn around to statistics, comparisons and a table to keep."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from stentrans.app import cache, flipbook, layers, map_text, text, view, widgets
from stentrans.app.state import Reading
from stentrans.app.view import Region
from stentrans.keys import ARRAY_COL, ARRAY_ROW, IN_TISSUE, ORIGIN, ORIGINS
from stentrans.patterns.regions import FEWEST_SPOTS, TESTS, Markers, region_statistics
from stentrans.store import Run

REST = "all other spots"
_MOST_LABELS = 40
_ROWS_SHOWN = 200


def take_selection(spots: Sequence[int]) -> None:
    """Keep spots that were drawn around as a new region, and look at it."""
    if spots:
        taken = view.regions()
        number = next(n for n in range(1, len(taken) + 2) if f"region {n}" not in taken)
        view.keep_region(Region(f"region {number}", tuple(sorted(set(spots)))))


def labels_of(section_id: str) -> dict[str, list[str]]:
    """Return what spots are labelled with in the file: column to labels, the useful ones."""
    found = {}
    obs = cache.tissue(section_id).obs
    for name in obs.columns.difference([ARRAY_ROW, ARRAY_COL, IN_TISSUE]):
        column = obs[name]
        is_words = isinstance(column.dtype, pd.CategoricalDtype) or column.dtype == object
        if is_words and 1 < column.nunique() <= _MOST_LABELS:
            found[str(name)] = sorted(str(label) for label in column.dropna().unique())
    return found


def show_picker(section_id: str) -> None:
    """Draw the ways to a region other than drawing it: those kept, and labels of the file."""
    st.caption(map_text.REGIONS_EXPLAINED)
    kept, looked_at = list(view.regions()), view.region()
    if kept:
        chosen = st.selectbox(
            "Look at",
            kept,
            index=None if looked_at is None else kept.index(looked_at.name),
            key=f"look-at-{len(kept)}-{'' if looked_at is None else looked_at.name}",
            placeholder="no region",
        )
        if chosen != (None if looked_at is None else looked_at.name):
            view.choose_region(chosen)
            st.rerun()
    known = labels_of(section_id)
    if not known:
        return
    picked = st.selectbox(
        "Take the spots of a label",
        [(column, label) for column, names in known.items() for label in names],
        index=None,
        format_func=lambda pair: f"{pair[0]}: {pair[1]}",
        placeholder="labels that came with the file",
        key="label",
    )
    if picked is not None:
        st.button("Make it a region", on_click=take_label, args=(section_id, *picked))


def take_label(section_id: str, column: str, label: str) -> None:
    """Keep the spots of a label of the file as a region, and look at it."""
    chosen = cache.tissue(section_id).obs[column].astype(str) == label
    view.keep_region(Region(label, tuple(np.flatnonzero(chosen).tolist())))


def show_region(section_id: str, run: Run | None, gene: str, reading: Reading) -> None:
    """Draw everything about the region that is looked at."""
    region = view.region()
    if region is None:
        return
    with st.container(border=True):
        _show_head(region)
        st.dataframe(
            _statistics(section_id, run, region, gene, reading),
            hide_index=True,
            placeholder="–",
            column_config={
                "group": gene,
                "n": st.column_config.NumberColumn("n", format="localized"),
                "mean": st.column_config.NumberColumn(
                    f"mean ({text.UNITS[reading]})", format="%.3f"
                ),
                "median": st.column_config.NumberColumn(format="%.3f"),
                "sd": st.column_config.NumberColumn("standard deviation", format="%.3f"),
                "detected": st.column_config.NumberColumn("seen in", format="percent"),
            },
        )
        _show_markers(section_id, region)


def _show_head(region: Region) -> None:
    """Name, size, and what can be done with the region itself."""
    name, buttons = st.columns([6, 1], vertical_alignment="bottom")
    new = name.text_input(
        f"Region of {len(region.spots):,} spots",
        region.name,
        key=f"region-name-{region.name}",
        max_chars=60,
        help="Call it by what it is; the name goes into tables and links.",
    )
    if new and new != region.name:
        view.rename_region(region.name, new)
        st.rerun()
    with buttons.container(horizontal=True, gap="small"):
        st.button(
            "",
            icon=":material/visibility_off:",
            help="Look at no region; this one is kept",
            key="hide-region",
            on_click=view.choose_region,
            args=(None,),
        )
        st.button(
            "",
            icon=":material/delete:",
            help="Delete this region",
            key="delete-region",
            on_click=view.delete_region,
            args=(region.name,),
        )


def _statistics(
    section_id: str, run: Run | None, region: Region, gene: str, reading: Reading
) -> pd.DataFrame:
    """Values of a gene in the region and elsewhere, measured and enhanced by origin."""
    panel = layers.measured(section_id, gene, reading)
    inside = np.isin(np.arange(len(panel.values)), region.spots)
    groups = {
        "measured, in the region": panel.values[inside],
        "measured, elsewhere": panel.values[~inside],
    }
    if run is not None and cache.is_finished(run):
        origin = cache.enhancement(run.id).sites[ORIGIN].to_numpy()
        values = cache.enhancement(run.id).expression([gene], reading)[:, 0]
        near = inside[nearest_spot(run)]
        for name in ORIGINS:
            groups[f"enhanced, {name} sites in the region"] = values[near & (origin == name)]
    found = region_statistics(groups)
    # An enhanced value is an expectation, hardly ever 0: "seen" has a meaning for counts only.
    found.loc[found["group"].str.startswith("enhanced"), "detected"] = np.nan
    return found


@st.cache_resource(show_spinner=False, max_entries=4)
def nearest_spot(run: Run) -> NDArray[np.int64]:
    """Return the measured spot nearest to each site of a run, shape ``(n_sites,)``."""
    from stentrans.methods.weights import NearestWeights

    lattice = cache.lattice(run.section)
    weights = NearestWeights(lattice, np.arange(lattice.n_spots))
    array = layers.array_of(cache.enhancement(run.id).sites)
    return np.asarray(weights(array).indices, dtype=np.int64)


def _show_markers(section_id: str, region: Region) -> None:
    """Offer, follow or show the comparison of all genes."""
    against, test, button = st.columns([3, 2, 2], vertical_alignment="bottom")
    others = [name for name in view.regions() if name != region.name]
    reference = against.selectbox("Compare all genes with", [REST, *others], key="compare_with")
    how = test.selectbox("Test", TESTS, format_func=map_text.TESTS.__getitem__, key="compare_test")
    spots = () if reference == REST else view.regions()[reference].spots
    run = Run.of("markers", section_id, region=region.spots, reference=spots, test=how)
    if cache.is_finished(run):
        _show_table(cache.result(run), region, reference)
        return
    job = cache.manager().follow(run.id)
    if job is not None and not job.is_over:
        st.fragment(_follow, run_every=1.0)(run.id)
        return
    if job is not None:
        widgets.show_ending(job)
    is_small = len(region.spots) < FEWEST_SPOTS
    if button.button("Compare", icon=":material/compare_arrows:", disabled=is_small):
        cache.manager().submit(run)
        st.rerun()
    st.caption(map_text.MARKERS_EXPLAINED)


def _follow(run_id: str) -> None:
    """Draw how a comparison stands; the page is drawn again when it is over."""
    manager = cache.manager()
    job = manager.follow(run_id)
    if job is None or job.is_over:
        st.rerun()
    st.progress(job.fraction, text=text.job_line(job, manager.waiting_before(run_id)))


def _show_table(found: Markers, region: Region, reference: str) -> None:
    """Genes of the region with a way to keep and to see them."""
    table = found.table
    st.caption(map_text.markers_caption(found.summary, region.name, reference))
    event = st.dataframe(
        table.head(_ROWS_SHOWN),
        hide_index=True,
        height=280,
        key=f"markers-{region.name}-{reference}",
        on_select="rerun",
        selection_mode="single-row",
        column_order=["gene", "log2_fold_change", "q_value", "share_region", "share_reference"],
        column_config={
            "log2_fold_change": st.column_config.NumberColumn("log2 fold change", format="%.2f"),
            "q_value": st.column_config.NumberColumn("q-value", format="scientific"),
            "share_region": st.column_config.NumberColumn("seen in region", format="percent"),
            "share_reference": st.column_config.NumberColumn("seen elsewhere", format="percent"),
        },
        alt=f"Genes that differ between {region.name} and {reference}.",
    )
    row = next(iter(event.selection.rows), None)
    with st.container(horizontal=True):
        st.download_button(
            "Table (CSV)",
            lambda: table.to_csv(index=False),
            file_name="region_genes.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        if row is not None:
            gene = str(table["gene"].iloc[row])
            st.button(f"Show {text.plain(gene)}", on_click=flipbook.go, args=(gene,))
