"""From hidden spots and lost areas to what the reveal page shows."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray
from plotly import graph_objects as go

from stentrans.app import cache, layers, maps, quality, state, text
from stentrans.app.view import ViewSettings
from stentrans.evaluation.judgement import Judgement
from stentrans.evaluation.lost import Filled
from stentrans.evaluation.protocols import hidden_masks
from stentrans.evaluation.revealed import Revealed
from stentrans.figures.colours import Scale, colour_limits
from stentrans.figures.panel import Drag, SitePanel
from stentrans.figures.scores import score_bars
from stentrans.figures.theme import theme
from stentrans.keys import ARRAY_COL, ARRAY_ROW, GAP, MEASURED
from stentrans.preprocess import library_size
from stentrans.section import measured_values
from stentrans.store import Run

HIDDEN: Final = "stentrans_hidden"
DRAWN: Final = "stentrans_drawn"
UNCOVERED: Final = "stentrans_uncovered"
UNIT: Final = "log1p, as sequenced"


def chosen(section_id: str, key: str = HIDDEN) -> list[int]:
    """Return the spots or positions that the user chose on this section, rising."""
    return list(st.session_state.get(key, {}).get(section_id, []))


def choose(section_id: str, spots: list[int], key: str = HIDDEN) -> None:
    """Remember chosen spots or positions of this section."""
    kept = st.session_state.get(key, {})
    st.session_state[key] = {**kept, section_id: sorted({int(spot) for spot in spots})}


def pick(section_id: str, protocol: str) -> None:
    """Choose spots at random: a round hole, or a scattered fifth; another one each time."""
    turn = int(st.session_state.get("stentrans_picks", 0))
    st.session_state["stentrans_picks"] = turn + 1
    (mask,) = hidden_masks(cache.lattice(section_id), protocol, 1, turn)  # type: ignore[arg-type]
    choose(section_id, np.flatnonzero(mask).tolist())


def is_uncovered(run: Run) -> bool:
    """Say whether the user has asked for the truth of this run."""
    return run.id in st.session_state.get(UNCOVERED, ())


def uncover(run: Run) -> None:
    """Show the truth of this run from now on."""
    st.session_state[UNCOVERED] = (*st.session_state.get(UNCOVERED, ()), run.id)


def run_of(work: str, section_id: str, method: str, **told: Any) -> Run:
    """Return the run that reveals or fills; it follows the settings of the shown enhancement."""
    shown = state.run()
    settings = shown.settings if shown is not None and shown.method == method else ()
    return Run.of(work, section_id, method=method, method_settings=settings, **told)


def show_choice(section_id: str, gene: str, spots: list[int]) -> None:
    """Draw the measured map, on which spots are chosen by lasso or box."""
    panel = layers.measured(section_id, gene, "log")
    maps.show_panels(
        section_id,
        [panel],
        [_scale(panel.values)],
        settings=_settings("lasso"),
        key="reveal-choice",
        alt=f"Measured map of {gene}; draw a line around spots to hide them.",
        is_marked=np.isin(np.arange(len(panel.values)), spots) if spots else None,
        on_select=lambda found: choose(section_id, found),
    )


def show_revealed(section_id: str, revealed: Revealed, gene: str, *, is_uncovered: bool) -> None:
    """Draw what the method saw, what it predicts and, once asked for, the truth."""
    section = cache.tissue(section_id)
    counts = measured_values(section, [gene], "counts")[:, 0]
    library = np.maximum(library_size(section.X), 1.0)
    truth = np.log1p(counts * (revealed.target / library)).astype(np.float32)
    array, origin = layers.array_of(section.obs), np.full(section.n_obs, MEASURED)
    is_hidden = np.zeros(section.n_obs, dtype=bool)
    is_hidden[revealed.hidden] = True
    method = next(iter(revealed.folds))
    predicted = truth.copy()
    predicted[revealed.hidden] = revealed.expression(method, gene)
    n_hidden = text.counted(len(revealed.hidden), "spot")
    # What is hidden must not show under the pointer either.
    covered = np.where(is_hidden, np.float32(0), truth)
    panels = [
        SitePanel(
            "Seen", f"{n_hidden} hidden", array, covered, origin, is_faint=is_hidden, gene=gene
        ),
        SitePanel("Predicted", text.method_name(method), array, predicted, origin, gene=gene),
        SitePanel("Truth", "measured", array, truth, origin, gene=gene)
        if is_uncovered
        else SitePanel("Truth", "press “Reveal the truth”", *layers.EMPTY),
    ]
    maps.show_panels(
        section_id,
        panels,
        [_scale(truth[~is_hidden])],
        settings=_settings("pan"),
        key="reveal-maps",
        alt=f"Maps of {gene}: what the method saw, what it predicts, and the truth.",
        is_marked=is_hidden,
    )


def show_scores(judgement: Judgement, gene: str, key: str) -> None:
    """Draw the score of one gene and of all genes for every method."""
    one, every = st.columns(2, gap="large")
    with one:
        st.markdown(f"**{text.plain(gene)}**")
        if gene in judgement.genes:
            row = judgement.of_metric("log_normalised").loc[gene]
            ceiling = float(judgement.of_metric("ceiling").loc[gene].to_numpy().max())
            _bars(judgement, row.to_numpy(), ceiling, f"{key}-gene")
        else:
            st.caption("Not seen in any visible spot: it cannot be predicted.")
    with every:
        st.markdown(f"**All genes**, mean of {judgement.about['n_usual']:,}")
        by_metric = judgement.means.groupby("metric", sort=False)["mean"]
        values = by_metric.get_group("log_normalised").to_numpy()
        _bars(judgement, values, float(by_metric.get_group("ceiling").iloc[0]), f"{key}-all")
    st.markdown("  \n".join(difference_sentences(judgement)))


def difference_sentences(judgement: Judgement) -> list[str]:
    """Say how the chosen method stands against each rival, and whether that may be chance."""
    from stentrans.app.comparing import difference_sentence

    first, *others = judgement.methods
    return [difference_sentence(judgement, first, other, "log_normalised") for other in others]


def holes(section_id: str) -> list[NDArray[np.int64]]:
    """Return the holes of a section, the largest first."""
    return quality.holes(section_id)


@st.cache_data(show_spinner=False, max_entries=8)
def positions(section_id: str) -> NDArray[np.int64]:
    """Return all lattice positions around a section: its spots, then the empty ones."""
    from stentrans.lattice import find_empty

    lattice = cache.lattice(section_id)
    return np.concatenate([lattice.array, find_empty(lattice)])


def show_lost_choice(section_id: str, gene: str, lost: NDArray[np.int64]) -> None:
    """Draw spots and empty positions, on which lost areas are drawn."""
    panel = layers.measured(section_id, gene, "log")
    places = positions(section_id)
    n_empty = len(places) - len(panel.values)
    told = set(map(tuple, lost.tolist()))
    is_lost = np.array([tuple(place) in told for place in places.tolist()], dtype=bool)
    maps.show_panels(
        section_id,
        [
            SitePanel(
                "Measured",
                "pale: positions without a spot; outlined: lost",
                places.astype(np.float64),
                np.concatenate([panel.values, np.zeros(n_empty, np.float32)]),
                np.full(len(places), MEASURED),
                spot_words="lattice position",
                is_faint=np.arange(len(places)) >= len(panel.values),
                gene=gene,
            )
        ],
        [_scale(panel.values)],
        settings=_settings("lasso"),
        key="lost-choice",
        alt=f"Measured map of {gene} with empty positions; draw around what was lost.",
        is_marked=is_lost if is_lost.any() else None,
        on_select=lambda found: choose(section_id, found, DRAWN),
    )


def show_filled(section_id: str, filled: Filled, gene: str) -> None:
    """Draw the section before and after; gaps with a cross."""
    result = filled.enhancement
    array = layers.array_of(result.sites)
    origin = result.sites["origin"].to_numpy(dtype=np.str_)
    values = result.expression(gene)[:, 0]
    before = layers.measured(section_id, gene, "log")
    is_gap = origin == GAP
    known = before.values[cache.lattice(section_id).find(array[~is_gap])]
    after = np.concatenate([known, values[is_gap]]).astype(np.float32)
    n_gaps = text.counted(int(is_gap.sum()), "gap")
    panels = [
        before,
        SitePanel("Filled", f"{n_gaps}, crosses", array, after, origin, gene=gene),
    ]
    maps.show_panels(
        section_id,
        panels,
        [_scale(before.values)],
        settings=ViewSettings(reading="log", marks_origin=True),
        key="filled-maps",
        alt=f"Maps of {gene}: measured, and with lost positions filled, marked by crosses.",
    )


def table(filled: Filled) -> pd.DataFrame:
    """Return the filled positions with all genes, ready for a file."""
    result = filled.enhancement
    is_gap = (result.sites["origin"] == GAP).to_numpy()
    values = result.expression(list(result.genes))[is_gap]
    frame = pd.DataFrame(values, columns=list(result.genes), index=result.sites.index[is_gap])
    return pd.concat([result.sites.loc[is_gap, [ARRAY_ROW, ARRAY_COL]], frame], axis=1)


def _settings(drag: Drag) -> ViewSettings:
    return ViewSettings(reading="log", drag=drag)


def _scale(values: NDArray[np.float32]) -> Scale:
    return Scale(colour_limits(values), UNIT)


def _bars(judgement: Judgement, values: NDArray[Any], ceiling: float, key: str) -> None:
    from stentrans.app import plot

    frame = pd.DataFrame(
        {
            "name": [text.method_name(name) for name in judgement.methods],
            "value": values,
            "is_chosen": [place == 0 for place in range(len(judgement.methods))],
        }
    )
    figure: go.Figure = score_bars(
        frame.dropna(),
        ceiling=None if np.isnan(ceiling) else ceiling,
        colours=theme(dark=maps.is_dark()),
    )
    alt = "Correlation on hidden spots for each method, and the noise ceiling."
    plot.show_figure(figure, key=key, alt=alt)
