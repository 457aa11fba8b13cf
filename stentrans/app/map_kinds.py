"""Maps that compare: swipe, several genes, two genes in one map, a signature."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from stentrans.app import cache, layers, map_text, maps, plot, text
from stentrans.app.view import ViewSettings
from stentrans.evaluation.metrics import pearson
from stentrans.figures.colours import Scale, colour_limits
from stentrans.figures.pair import pair_codes, pair_legend
from stentrans.figures.panel import SitePanel
from stentrans.figures.theme import theme
from stentrans.keys import ORIGIN
from stentrans.patterns.signature import signature_score
from stentrans.section import measured_values
from stentrans.store import Run

Layer = Literal["measured", "enhanced", "imputed", "picture"]
OnSelect = Callable[[list[int]], object]

LAYERS: Final[dict[Layer, str]] = {
    "measured": "Measured",
    "enhanced": "Enhanced",
    "imputed": "Imputed",
    "picture": "Picture",
}
MOST_GENES: Final = 12


def layer_names(run: Run | None, *, is_tested: bool, has_picture: bool = False) -> list[Layer]:
    """Return the layers that are there to be shown."""
    found: list[Layer] = ["measured"]
    if cache.is_finished(run):
        found.append("enhanced")
    if is_tested:
        found.append("imputed")
    return [*found, "picture"] if has_picture else found


def panel_of(
    section_id: str, run: Run | None, gene: str, layer: Layer, settings: ViewSettings
) -> SitePanel:
    """Return one layer of a gene as a panel, veiled where only trusted sites are shown."""
    if layer == "measured" or run is None:
        return layers.measured(section_id, gene, settings.reading)
    if layer == "picture":
        empty = layers.measured(section_id, gene, settings.reading)
        nothing = np.full(len(empty.values), np.nan, np.float32)
        return replace(empty, title="Picture", note="of the tissue", values=nothing)
    make = layers.enhanced if layer == "enhanced" else layers.imputed
    panel = make(run, gene, settings.reading)
    if settings.trust == "trusted" and maps.is_tested(run) and layer == "enhanced":
        return layers.only_trusted(run, panel, settings.reading)
    return panel


def show_swipe(
    section_id: str,
    run: Run,
    gene: str,
    sides: tuple[Layer, Layer],
    settings: ViewSettings,
) -> None:
    """Draw two layers of a gene in one place, with a line between them to drag."""
    scale = maps.expression_scale(
        layers.measured(section_id, gene, settings.reading).values, settings
    )
    maps.show_panels(
        section_id,
        [panel_of(section_id, run, gene, side, settings) for side in sides],
        [scale],
        settings=replace(settings, drag="pan"),
        key="swipe",
        alt=f"{gene}: {LAYERS[sides[0]]} left of a line and {LAYERS[sides[1]]} right of it.",
        shows_region=True,
        swipe=f"Line between {LAYERS[sides[0]]} and {LAYERS[sides[1]]}",
    )


def show_several(
    section_id: str,
    run: Run | None,
    genes: Sequence[str],
    layer: Layer,
    settings: ViewSettings,
    *,
    on_select: OnSelect,
) -> None:
    """Draw one layer of several genes beside each other.

    Each has the colours of its own measured range, told above it, unless one scale was asked for.
    """
    measured = measured_values(cache.tissue(section_id), genes, settings.reading)
    panels = []
    for i, gene in enumerate(genes):
        panel = panel_of(section_id, run, gene, layer, settings)
        limits = colour_limits(measured[:, i], settings.clip)
        panels.append(
            replace(
                panel,
                title=gene,
                note="" if settings.is_locked else "colours from",
                limits=None if settings.is_locked else limits,
            )
        )
    scale = maps.expression_scale(measured, settings)
    maps.show_panels(
        section_id,
        panels,
        [replace(scale, is_own=not settings.is_locked)],
        settings=settings,
        key="several",
        alt=f"{LAYERS[layer]} maps of {', '.join(genes)}.",
        shows_region=True,
        on_select=on_select,
        most=4,
    )


def show_pair(
    section_id: str,
    run: Run | None,
    genes: tuple[str, str],
    settings: ViewSettings,
    *,
    on_select: OnSelect,
) -> None:
    """Draw two genes in one map, measured beside enhanced, and the square of their colours."""
    measured = measured_values(cache.tissue(section_id), genes, settings.reading)
    one, other = (colour_limits(measured[:, i], settings.clip) for i in (0, 1))
    names: list[Layer] = ["measured", "enhanced"] if cache.is_finished(run) else ["measured"]
    plain = replace(settings, trust="all")
    panels = []
    for name in names:
        first, second = (panel_of(section_id, run, gene, name, plain) for gene in genes)
        codes = pair_codes(first.values, second.values, (one, other))
        panels.append(replace(first, codes=codes, also={genes[1]: second.values}, sd=None))
    drawn, legend = st.columns([4, 1], vertical_alignment="center")
    with drawn:
        maps.show_panels(
            section_id,
            panels,
            [Scale(one, text.UNITS[settings.reading], "pair")],
            settings=settings,
            key="pair",
            alt=f"{genes[0]} and {genes[1]} in one map, each with a colour of its own.",
            shows_region=True,
            on_select=on_select,
        )
    with legend:
        plot.show_figure(
            pair_legend(
                genes, (one, other), text.UNITS[settings.reading], theme(dark=maps.is_dark())
            ),
            key="pair-legend",
            alt=f"Colours: {genes[0]} to the right, {genes[1]} upwards, both where they mix.",
        )
    r = float(pearson(measured[:, :1], measured[:, 1:])[0])
    both = float(((measured > 0).all(axis=1)).mean())
    st.caption(map_text.pair_caption(genes, r, both))


def show_signature(
    section_id: str,
    run: Run | None,
    genes: Sequence[str],
    settings: ViewSettings,
    *,
    on_select: OnSelect,
) -> None:
    """Draw the signature score of a list of genes, measured, enhanced and imputed."""
    section, tested = cache.tissue(section_id), maps.is_tested(run)
    seen = measured_values(section, genes, settings.reading)
    panel = layers.measured(section_id, genes[0], settings.reading)
    panels = [_scored(panel, signature_score(seen, seen))]
    for name in layer_names(run, is_tested=tested)[1:]:
        assert run is not None
        panel = panel_of(section_id, run, genes[0], name, replace(settings, trust="all"))
        panels.append(_scored(panel, signature_score(_values(run, genes, name, settings), seen)))
    limits = colour_limits(panels[0].values, settings.clip)
    scale = maps.expression_scale(panels[0].values, settings)
    maps.show_panels(
        section_id,
        panels,
        [replace(scale, limits=limits, unit="mean z-score")],
        settings=settings,
        key="signature",
        alt=f"Signature score of {len(genes)} genes: measured, enhanced and imputed.",
        shows_region=True,
        on_select=on_select,
    )


def _values(
    run: Run, genes: Sequence[str], layer: Layer, settings: ViewSettings
) -> NDArray[np.float32]:
    """Values of many genes in a layer, in the order of its panel."""
    result = cache.enhancement(run.id)
    values = result.expression(list(genes), settings.reading)
    if layer == "enhanced":
        return values
    is_gap = (result.sites[ORIGIN] == "gap").to_numpy()
    hidden = cache.held_out(run.holdout().id).expression(list(genes), settings.reading)
    return np.concatenate([hidden, values[is_gap]])


def _scored(panel: SitePanel, score: NDArray[np.float32]) -> SitePanel:
    return replace(panel, values=score, sd=None, gene="score")
