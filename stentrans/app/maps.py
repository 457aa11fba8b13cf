"""From stored results to the three linked maps of one gene."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray
from plotly import graph_objects as go

from stentrans.app import cache, text
from stentrans.app.state import Reading
from stentrans.evaluation.holdout import RIVALS
from stentrans.figures.maps import SitePanel, site_maps
from stentrans.figures.scores import score_bars
from stentrans.figures.screen import Screen, screen_of
from stentrans.figures.theme import theme
from stentrans.keys import ARRAY_COL, ARRAY_ROW, GAP, MEASURED, ORIGIN
from stentrans.section import measured_values
from stentrans.store import Run

NOTHING = (np.empty((0, 2)), np.empty(0, np.float32), np.empty(0, np.str_))

MAP_CONFIG: Final = {
    "scrollZoom": True,
    "displaylogo": False,
    "modeBarButtons": [["toImage", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
}
PHONE_CONFIG: Final = {"scrollZoom": False, "displayModeBar": False}


def is_dark() -> bool:
    """Say whether the page is dark."""
    return bool(st.context.theme.type == "dark")


def is_phone() -> bool:
    """Say whether the browser calls itself a mobile one; then maps stand below each other."""
    return "Mobi" in (st.context.headers.get("User-Agent") or "")


def show_maps(
    section_id: str, run: Run | None, gene: str, reading: Reading, *, notes: tuple[str, str]
) -> None:
    """Draw measured, enhanced and imputed beside each other.

    Parameters
    ----------
    section_id, run
        What to show; a result that is not there yet leaves its map empty.
    gene, reading
        The gene and how to read it.
    notes
        What to say in an empty enhanced and an empty imputed map.
    """
    figure = map_figure(
        section_id,
        run if cache.is_finished(run) else None,
        gene,
        reading,
        is_tested=is_tested(run),
        notes=notes,
        is_dark=is_dark(),
        is_stacked=is_phone(),
    )
    st.plotly_chart(
        figure,
        key="maps",
        width="stretch",
        theme=None,
        config=PHONE_CONFIG if is_phone() else MAP_CONFIG,
        alt=f"Maps of {gene}: measured, enhanced and imputed, with one colour scale.",
    )


def is_tested(run: Run | None) -> bool:
    """Say whether a run and its test on hidden spots are both there."""
    return run is not None and cache.is_finished(run) and cache.is_finished(run.holdout())


@st.cache_data(show_spinner=False, max_entries=64)
def map_figure(
    section_id: str,
    run: Run | None,
    gene: str,
    reading: Reading,
    *,
    is_tested: bool,
    notes: tuple[str, str],
    is_dark: bool,
    is_stacked: bool,
) -> go.Figure:
    """Build the figure of one gene; see `show_maps`."""
    panels = [_measured(section_id, gene, reading)]
    if run is None:
        panels.append(SitePanel("Enhanced", notes[0], *NOTHING))
    else:
        panels.append(_enhanced(run, gene, reading))
    if run is None or not is_tested:
        panels.append(SitePanel("Imputed", notes[1], *NOTHING))
    else:
        panels.append(_imputed(section_id, run, gene, reading))
    return site_maps(
        panels,
        screen(section_id),
        gene=gene,
        unit=text.UNITS[reading],
        colours=theme(dark=is_dark),
        revision=section_id,
        is_stacked=is_stacked,
    )


def score_figure(scores: Mapping[str, float], method: str) -> go.Figure:
    """Build the bars of one method beside its rivals; what was not scored is left out."""
    named = {method: scores.get("pearson")}
    named |= {rival: scores.get(f"pearson_{rival}") for rival in RIVALS if rival != method}
    frame = pd.DataFrame(
        {
            "name": [text.method_name(name) for name in named],
            "value": list(named.values()),
            "is_chosen": [name == method for name in named],
        }
    )
    ceiling = scores.get("ceiling")
    return score_bars(
        frame.dropna(),
        ceiling=None if ceiling is None or np.isnan(ceiling) else float(ceiling),
        colours=theme(dark=is_dark()),
    )


def screen(section_id: str) -> Screen:
    """Return the orientation of a section on screen."""
    lattice = cache.lattice(section_id)
    to_pixels = None if lattice.to_pixels is None else lattice.to_pixels.matrix
    return screen_of(lattice.to_um.matrix, to_pixels, pitch_um=lattice.pitch_um)


@st.cache_data(show_spinner=False, max_entries=16)
def striking_gene(section_id: str, run: Run | None, *, is_tested: bool) -> str:
    """Return a gene worth looking at first.

    The one that hidden spots are predicted best for, where that is known; else the well-detected
    one whose measured values vary most.
    """
    if run is not None and is_tested:
        scores = cache.held_out(run.holdout().id).scores["pearson"].dropna()
        if len(scores):
            return str(scores.idxmax())
    from stentrans.section import keep_genes

    section = cache.tissue(section_id)
    often = section.var_names[keep_genes(section.X, 0.3)]
    if not len(often):
        return cache.genes(section_id)[0]
    means = np.asarray(section[:, often].X.mean(axis=0)).ravel()
    candidates = often[np.argsort(means)[::-1][:500]]
    spread = measured_values(section, list(candidates)).var(axis=0)
    return str(candidates[int(spread.argmax())])


def _array(frame: pd.DataFrame) -> NDArray[np.float64]:
    return frame[[ARRAY_ROW, ARRAY_COL]].to_numpy(np.float64)


def _measured(section_id: str, gene: str, reading: Reading) -> SitePanel:
    section = cache.tissue(section_id)
    return SitePanel(
        "Measured",
        f"{section.n_obs:,} spots",
        _array(section.obs),
        measured_values(section, [gene], reading)[:, 0],
        np.full(section.n_obs, MEASURED),
    )


def _enhanced(run: Run, gene: str, reading: Reading) -> SitePanel:
    result = cache.enhancement(run.id)
    return SitePanel(
        "Enhanced",
        f"{text.method_name(run.method)}, {len(result.sites):,} sites",
        _array(result.sites),
        result.expression([gene], reading)[:, 0],
        result.sites[ORIGIN].to_numpy(dtype=np.str_),
        sd=None if reading == "counts" else result.sd([gene])[:, 0],
    )


def _imputed(section_id: str, run: Run, gene: str, reading: Reading) -> SitePanel:
    """Every spot as predicted while hidden, and the gaps of the enhancement."""
    section, result = cache.tissue(section_id), cache.enhancement(run.id)
    hidden = cache.held_out(run.holdout().id).expression([gene], reading)[:, 0]
    is_gap = (result.sites[ORIGIN] == GAP).to_numpy()
    filled = result.expression([gene], reading)[is_gap, 0]
    n_gaps = int(is_gap.sum())
    return SitePanel(
        "Imputed",
        f"hidden, then predicted; {n_gaps} gap{'' if n_gaps == 1 else 's'} filled",
        np.concatenate([_array(section.obs), _array(result.sites[is_gap])]),
        np.concatenate([hidden, filled]).astype(np.float32),
        np.array([MEASURED] * section.n_obs + [GAP] * n_gaps),
        spot_words="predicted while hidden",
    )
