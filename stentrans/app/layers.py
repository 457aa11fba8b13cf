"""Values of one gene in every layer that a map can show, as panels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from stentrans.app import cache
from stentrans.app.state import Reading
from stentrans.figures.bricks import lay_bricks, outline
from stentrans.figures.panel import SitePanel
from stentrans.keys import ARRAY_COL, ARRAY_ROW, GAP, MEASURED, ORIGIN
from stentrans.section import is_result, measured_values
from stentrans.store import Run
from stentrans.words import method_name

EMPTY: Final = (np.empty((0, 2)), np.empty(0, np.float32), np.empty(0, np.str_))
DIFFERENCE, DOUBT = 1, 1
"""Which scale of the figure these layers follow; the first one is that of expression."""


def array_of(frame: pd.DataFrame) -> NDArray[np.float64]:
    """Return (array_row, array_col) of spots or sites, shape ``(n, 2)``."""
    return frame[[ARRAY_ROW, ARRAY_COL]].to_numpy(np.float64)


def outline_of(array: NDArray[np.float64], is_marked: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return lines around marked sites in array positions, see `figures.bricks.outline`."""
    return outline(lay_bricks(array, is_marked.astype(np.uint8)))


def region_outline(section_id: str, spots: Sequence[int]) -> NDArray[np.float64]:
    """Return lines around some spots of a section, given by their positions."""
    array = array_of(cache.tissue(section_id).obs)
    return outline_of(array, np.isin(np.arange(len(array)), spots))


def measured(section_id: str, gene: str, reading: Reading) -> SitePanel:
    """Return what was measured; of a result that was opened, what it holds."""
    section = cache.tissue(section_id)
    if is_result(section.obs):
        return SitePanel(
            "As in the file",
            f"{section.n_obs:,} sites of an enhanced section",
            array_of(section.obs),
            measured_values(section, [gene])[:, 0],
            section.obs[ORIGIN].to_numpy(dtype=np.str_),
            gene=gene,
        )
    return SitePanel(
        "Measured",
        f"{section.n_obs:,} spots",
        array_of(section.obs),
        measured_values(section, [gene], reading)[:, 0],
        np.full(section.n_obs, MEASURED),
        gene=gene,
    )


def enhanced(run: Run, gene: str, reading: Reading) -> SitePanel:
    """Return the prediction at all sites; with standard deviations on the log readings."""
    result = cache.enhancement(run.id)
    return SitePanel(
        "Enhanced",
        f"{method_name(run.method)}, {len(result.sites):,} sites",
        array_of(result.sites),
        result.expression([gene], reading)[:, 0],
        result.sites[ORIGIN].to_numpy(dtype=np.str_),
        sd=None if reading == "counts" else result.sd([gene])[:, 0],
        gene=gene,
    )


def imputed(run: Run, gene: str, reading: Reading) -> SitePanel:
    """Return every spot as predicted while hidden, and the gaps of the enhancement."""
    section, result = cache.tissue(run.section), cache.enhancement(run.id)
    is_gap = (result.sites[ORIGIN] == GAP).to_numpy()
    filled = result.expression([gene], reading)[is_gap, 0]
    n_gaps = int(is_gap.sum())
    return SitePanel(
        "Imputed",
        f"hidden, then predicted; {n_gaps} gap{'' if n_gaps == 1 else 's'} filled",
        np.concatenate([array_of(section.obs), array_of(result.sites[is_gap])]),
        np.concatenate([hidden(run, gene, reading), filled]).astype(np.float32),
        np.array([MEASURED] * section.n_obs + [GAP] * n_gaps),
        spot_words="predicted while hidden",
        gene=gene,
    )


def hidden(run: Run, gene: str, reading: Reading) -> NDArray[np.float32]:
    """Return each spot as predicted while it was hidden, shape ``(n_spots,)``."""
    return cache.held_out(run.holdout().id).expression([gene], reading)[:, 0]


def only_trusted(run: Run, panel: SitePanel, reading: Reading) -> SitePanel:
    """Veil the sites of a predicted map whose level hidden spots do not confirm."""
    from stentrans.evaluation.trust import trusted_levels

    seen = measured_values(cache.tissue(run.section), [panel.gene], reading)[:, 0]
    levels = trusted_levels(hidden(run, panel.gene, reading), seen)
    is_faint = ~levels.holds(panel.values)
    return replace(panel, is_faint=is_faint, note=f"{1 - is_faint.mean():.0%} of sites confirmed")


def uncertainty(run: Run, gene: str) -> SitePanel:
    """Return the standard deviation of what a measurement at each site would show."""
    result = cache.enhancement(run.id)
    return replace(
        enhanced(run, gene, "counts"),
        title="Uncertainty",
        note="standard deviation of a measurement there",
        values=result.sd([gene])[:, 0],
        scale=DOUBT,
    )


def difference(run: Run, gene: str, reading: Reading) -> SitePanel:
    """Return the enhanced map minus straight lines between the measured spots."""
    panel = enhanced(run, gene, reading)
    seen = measured_values(cache.tissue(run.section), [gene], reading)[:, 0]
    return replace(
        panel,
        title="Difference",
        note="enhanced minus measured, linear between spots",
        values=(panel.values - linear_weights(run) @ seen).astype(np.float32),
        scale=DIFFERENCE,
        sd=None,
    )


@st.cache_resource(show_spinner=False, max_entries=4)
def linear_weights(run: Run) -> csr_matrix:
    """Return weights that interpolate the measured spots at the sites of a run, CSR."""
    from stentrans.methods.weights import LinearWeights

    lattice = cache.lattice(run.section)
    weights = LinearWeights(lattice, np.arange(lattice.n_spots))
    return weights(array_of(cache.enhancement(run.id).sites)).astype(np.float32)
