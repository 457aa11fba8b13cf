"""From a section to what its quality page shows; and the section with poor spots set aside."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu

from stentrans.app import cache, layers, maps, state, text
from stentrans.app.view import ViewSettings
from stentrans.evaluation.readiness import Readiness
from stentrans.figures.colours import Scale, colour_limits
from stentrans.figures.panel import SitePanel
from stentrans.keys import ARRAY_COL, ARRAY_ROW, GAP, MEASURED
from stentrans.section import notes_of
from stentrans.section.quality import filter_spots, high_outlier, low_outlier, poor_spots

if TYPE_CHECKING:
    from anndata import AnnData

UNITS: Final = {
    "library": "counts per spot",
    "genes": "genes per spot",
    "mitochondrial": "mitochondrial share",
    "edge_distance": "spacings to the edge",
}
BARS: Final = {"library": "counts", "genes": "genes", "mitochondrial": "share"}
TITLES: Final = {"library": "Counts", "genes": "Genes", "mitochondrial": "Mitochondrial"}
_FEWEST_IN_RING: Final = 5
_ON_EDGE: Final = 1.5  # spacings
_CHANCE: Final = 0.01


@dataclass(frozen=True)
class Limits:
    """Thresholds of the quality page; see `stentrans.section.filter_spots`."""

    min_counts: int = 0
    min_genes: int = 0
    max_mito: float = 1.0


@st.cache_data(show_spinner=False, max_entries=8)
def quality(section_id: str) -> pd.DataFrame:
    """Return what was measured of each spot; see `stentrans.section.spot_quality`."""
    from stentrans.section import spot_quality

    return spot_quality(cache.section(section_id))


@st.cache_data(show_spinner="Comparing neighbouring spots …", max_entries=16)
def readiness(section_id: str) -> Readiness:
    """Say whether a section can be enhanced; takes seconds on a large one."""
    from stentrans.evaluation.readiness import readiness as measured

    return measured(cache.section(section_id))


def suggested(section_id: str) -> Limits:
    """Return thresholds beyond which a spot stands out from the others of this section."""
    table = quality(section_id)
    share = table["mitochondrial"].to_numpy()
    return Limits(
        int(low_outlier(table["library"].to_numpy(np.float64))),
        int(low_outlier(table["genes"].to_numpy(np.float64))),
        1.0 if np.isnan(share).any() else round(high_outlier(share), 2),
    )


def set_aside(section_id: str, limits: Limits) -> NDArray[np.bool_]:
    """Mark the spots that thresholds set aside, shape ``(n_spots,)``."""
    return np.asarray(poor_spots(quality(section_id), **asdict(limits)) != "")


@st.cache_data(show_spinner=False, max_entries=32)
def new_gaps(section_id: str, limits: Limits) -> int:
    """Count the spots set aside that then are gaps inside the tissue."""
    from stentrans.lattice import find_gaps, fit_lattice

    table = quality(section_id)
    array = table[[ARRAY_ROW, ARRAY_COL]].to_numpy(np.int64)
    aside = set_aside(section_id, limits)
    gaps = {tuple(place) for place in find_gaps(fit_lattice(array[~aside])).tolist()}
    return sum(tuple(place) in gaps for place in array[aside].tolist())


def show_spot_maps(section_id: str, aside: NDArray[np.bool_]) -> None:
    """Draw one map per measure, each with its own scale, spots set aside veiled."""
    table = quality(section_id)
    array = table[[ARRAY_ROW, ARRAY_COL]].to_numpy(np.float64)
    shown = [name for name in TITLES if not table[name].isna().all()]
    panels, scales = [], []
    for place, name in enumerate(shown):
        values = table[name].to_numpy(np.float32)
        scales.append(Scale(colour_limits(values), BARS[name]))
        panels.append(
            SitePanel(
                TITLES[name],
                _median(name, values),
                array,
                values,
                np.full(len(array), MEASURED),
                scale=place,
                is_faint=aside,
            )
        )
    maps.show_panels(
        section_id,
        panels,
        scales,
        settings=ViewSettings(),
        key="quality-maps",
        alt="Maps of counts, genes and mitochondrial share per spot.",
        is_marked=aside if aside.any() else None,
    )


def show_lattice(section_id: str) -> None:
    """Draw the spots by their distance to the edge; gaps outlined, spots off tissue veiled."""
    table = quality(section_id)
    array = table[[ARRAY_ROW, ARRAY_COL]].to_numpy(np.float64)
    gaps = lost(section_id)
    off = off_tissue(section_id)
    off = off[[tuple(place) not in set(map(tuple, gaps.tolist())) for place in off.tolist()]]
    places = np.concatenate([array, gaps, off])
    kind = np.repeat([0, 1, 2], [len(array), len(gaps), len(off)])
    distance = np.concatenate([table["edge_distance"], np.ones(len(gaps) + len(off))])
    note = text.counted(len(gaps), "gap") + (
        f", {text.counted(len(off), 'spot')} off tissue" if len(off) else ""
    )
    panel = SitePanel(
        "Lattice",
        note,
        places,
        distance.astype(np.float32),
        np.where(kind == 1, GAP, MEASURED),
        spot_words="spot",
        is_faint=kind > 0,
    )
    maps.show_panels(
        section_id,
        [panel],
        [Scale((1.0, float(max(table["edge_distance"].max(), 2.0))), UNITS["edge_distance"])],
        settings=ViewSettings(),
        key="lattice-map",
        alt="Map of the lattice: spots by their distance to the edge, gaps with a line around.",
        is_marked=kind == 1 if len(gaps) else None,
    )


@st.cache_data(show_spinner=False, max_entries=16)
def holes(section_id: str) -> list[NDArray[np.int64]]:
    """Return the holes of a section, the largest first."""
    from stentrans.lattice import find_holes

    return find_holes(cache.lattice(section_id))


def lost(section_id: str) -> NDArray[np.float64]:
    """Return all gaps, shape ``(n_gaps, 2)``."""
    return np.concatenate([np.empty((0, 2)), *holes(section_id)])


def off_tissue(section_id: str) -> NDArray[np.float64]:
    """Return the array positions of the spots off tissue, shape ``(n, 2)``."""
    section = cache.section(section_id)
    is_off = ~section.obs_names.isin(cache.tissue(section_id).obs_names)
    return layers.array_of(section.obs[is_off])


def rings(section_id: str) -> pd.DataFrame:
    """Return quartiles of the counts per ring of spots; see `figures.quality.edge_profile`."""
    table = quality(section_id)
    ring = table["edge_distance"].round().astype(int)
    grouped = table.groupby(ring)["library"]
    shares = {"low": 0.25, "middle": 0.5, "high": 0.75}
    frame = pd.DataFrame({name: grouped.quantile(share) for name, share in shares.items()})
    frame["n_spots"] = grouped.size()
    frame = frame[frame["n_spots"] >= _FEWEST_IN_RING]
    return frame.rename_axis("distance").reset_index()


def edge_sentence(section_id: str) -> str:
    """Say whether counts change towards the edge of the tissue."""
    table = quality(section_id)
    on_edge = table["edge_distance"] < _ON_EDGE
    outer, inner = table.loc[on_edge, "library"], table.loc[~on_edge, "library"]
    if not len(outer) or not len(inner) or mannwhitneyu(outer, inner).pvalue > _CHANCE:
        return "No edge effect: spots on the outline have as many counts as those further in."
    change = float(outer.median() / max(inner.median(), 1.0) - 1)
    words = f"{abs(change):.0%} {'fewer' if change < 0 else 'more'} counts"
    return (
        f"Edge effect: spots on the outline have {words} than those further in (medians). Maps at "
        "equal depth take this out, raw counts do not."
    )


def last_note(section_id: str) -> str:
    """Return the last thing that was noted about a section."""
    notes = notes_of(cache.section(section_id))
    return notes[-1].sentence if notes else ""


def make_filtered(section_id: str, limits: Limits) -> None:
    """Keep the section without its poor spots beside the original, and look at it."""
    filtered: AnnData = filter_spots(cache.section(section_id), **asdict(limits))
    label = filtered_label(state.label())
    about = {"label": label, "parent": section_id, "limits": asdict(limits)}
    state.choose_section(cache.store().put_section(filtered, about=about), label)


def filtered_label(label: str) -> str:
    """Name the file that the command line writes for a filtered section."""
    name = PurePath(label).name.removesuffix(".gz")
    stem = name.rsplit(".", 1)[0] if "." in name else re.sub(r"\W+", "-", name.lower()).strip("-")
    return f"{stem}-filtered.h5ad"


def parent(section_id: str) -> str | None:
    """Return the section that this one was filtered from, if this session may open it."""
    named = cache.store().about("sections", section_id).get("parent")
    return named if named in state.labels() else None


def _median(name: str, values: NDArray[np.float32]) -> str:
    middle = float(np.median(values))
    return f"median {middle:.1%}" if name == "mitochondrial" else f"median {middle:,.0f}"
