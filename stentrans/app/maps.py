"""From stored results to linked maps on the screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray
from plotly import graph_objects as go

from stentrans.app import cache, layers, map_text, pictures, plot, screens, text, view
from stentrans.app.state import Reading
from stentrans.app.view import ViewSettings
from stentrans.evaluation.holdout import RIVALS
from stentrans.figures.colours import Scale, colour_limits, symmetric_limits
from stentrans.figures.maps import site_maps
from stentrans.figures.panel import Look, SitePanel, Underlay
from stentrans.figures.scores import score_bars
from stentrans.figures.theme import theme
from stentrans.section import measured_values
from stentrans.store import Run

Kind = Literal["maps", "difference"]
LEAST_DIFFERENCE: Final = 0.1
"""Share of the range of expression that a difference must reach for full colour."""
Drawn = tuple[str, list[dict[str, Any]]]
"""A figure as JSON with its layouts: what a cache keeps."""


def is_dark() -> bool:
    """Say whether the page is dark."""
    return bool(st.context.theme.type == "dark")


def is_tested(run: Run | None) -> bool:
    """Say whether a run and its test on hidden spots are both there."""
    return run is not None and cache.is_finished(run) and cache.is_finished(run.holdout())


def show_maps(
    section_id: str,
    run: Run | None,
    gene: str,
    settings: Reading | ViewSettings,
    *,
    notes: tuple[str, str],
    kind: Kind = "maps",
    on_select: Callable[[list[int]], object] | None = None,
) -> None:
    """Draw measured, enhanced and imputed beside each other.

    Parameters
    ----------
    section_id, run
        What to show; a result that is not there yet leaves its map empty.
    gene, settings
        The gene and how to show it; a reading alone takes all else as usual.
    notes
        What to say in an empty enhanced and an empty imputed map.
    kind
        ``"maps"``, or ``"difference"`` for enhanced minus measured as the third map.
    on_select
        Gets the spots that the user selected, see `plot.show_maps`.
    """
    chosen = settings if isinstance(settings, ViewSettings) else ViewSettings(reading=settings)
    region = view.region()
    drawn = _gene_maps(
        section_id,
        run if cache.is_finished(run) else None,
        gene,
        chosen,
        kind=kind,
        is_tested=is_tested(run),
        notes=notes,
        turns=view.turns(),
        picture=_source(section_id, chosen),
        region=() if region is None else region.spots,
        is_dark=is_dark(),
    )
    plot.show_maps(
        drawn,
        key="maps",
        revision=_revision(section_id),
        alt=map_text.maps_alt(gene, kind),
        on_select=on_select,
    )


def show_panels(
    section_id: str,
    panels: Sequence[SitePanel],
    scales: Sequence[Scale],
    *,
    settings: ViewSettings,
    key: str,
    alt: str,
    is_marked: NDArray[np.bool_] | None = None,
    shows_region: bool = False,
    most: int = 3,
    swipe: str = "",
    on_select: Callable[[list[int]], object] | None = None,
) -> None:
    """Draw maps of one's own making, oriented and coloured as all others.

    Parameters
    ----------
    section_id
        Whose orientation and picture the maps have.
    panels, scales
        See `figures.maps.site_maps`; `expression_scale` makes the usual scale.
    settings
        Colours, picture, what dragging does.
    key, alt
        Name of the element, and what a screen reader says.
    is_marked
        Sites of the first panel to draw a line around, shape ``(n_sites,)``.
    shows_region
        Draw a line around the spots of the region that is looked at instead.
    most
        Maps beside each other where there is room.
    swipe
        What a screen reader calls the line between two maps that lie in one place; empty: they
        stand beside each other.
    on_select
        Gets the spots that the user selected, see `plot.show_maps`.
    """
    look = _look(section_id, settings, _source(section_id, settings), view.turns(), dark=is_dark())
    region, outline = view.region() if shows_region else None, None
    if region is not None:
        outline = layers.region_outline(section_id, region.spots)
    elif is_marked is not None:
        outline = layers.outline_of(panels[0].array, is_marked)
    drawn = site_maps(
        panels,
        screens.screen(section_id, view.turns()),
        scales=scales,
        look=replace(look, outline=outline, most=most, is_swipe=bool(swipe)),
    )
    plot.show_maps(
        drawn, key=key, revision=_revision(section_id), alt=alt, swipe=swipe, on_select=on_select
    )


def expression_scale(values: NDArray[np.floating], settings: ViewSettings) -> Scale:
    """Return the colour scale of expression, its limits from measured values.

    Parameters
    ----------
    values
        What was measured, any shape.
    settings
        Reading, colours and clipping.
    """
    limits = colour_limits(values, settings.clip)
    palette = settings.palette
    if palette == "auto" and settings.shows_picture:
        palette = "purples"
    is_open = settings.clip == "percentiles"
    return Scale(limits, text.UNITS[settings.reading], palette, is_open=is_open)


@st.cache_data(show_spinner=False, max_entries=64)
def _gene_maps(
    section_id: str,
    run: Run | None,
    gene: str,
    settings: ViewSettings,
    *,
    kind: Kind,
    is_tested: bool,
    notes: tuple[str, str],
    turns: tuple[int, bool],
    picture: str,
    region: tuple[int, ...],
    is_dark: bool,
) -> Drawn:
    """Build the maps of one gene; see `show_maps`."""
    panels = gene_panels(section_id, run, gene, settings, kind=kind, tested=is_tested, notes=notes)
    look = _look(section_id, settings, picture, turns, dark=is_dark)
    if region:
        look = replace(look, outline=layers.region_outline(section_id, region))
    scales = [expression_scale(panels[0].values, settings)]
    if not settings.is_locked:
        panels = [_with_own_limits(panel, settings) for panel in panels]
        scales = [replace(scales[0], is_own=True)]
    scales += _second_scale(panels, settings, scales[0])
    maps = site_maps(panels, screens.screen(section_id, turns), scales=scales, look=look)
    return maps.figure.to_json(), maps.layouts


def gene_panels(
    section_id: str,
    run: Run | None,
    gene: str,
    settings: ViewSettings,
    *,
    kind: Kind,
    tested: bool,
    notes: tuple[str, str],
) -> list[SitePanel]:
    """Return the three panels of one gene.

    Parameters
    ----------
    section_id, run
        What to show; no run leaves all but the measured map empty.
    gene, settings
        The gene and how to show it.
    kind
        What the third map is.
    tested
        Whether the test on hidden spots is there.
    notes
        What to say in an empty enhanced and an empty imputed map.
    """
    panels = [layers.measured(section_id, gene, settings.reading)]
    if run is None:
        third = "Difference" if kind == "difference" else "Imputed"
        return [
            *panels,
            SitePanel("Enhanced", notes[0], *layers.EMPTY),
            SitePanel(third, notes[1], *layers.EMPTY),
        ]
    panels.append(layers.enhanced(run, gene, settings.reading))
    if kind == "difference":
        panels.append(layers.difference(run, gene, settings.reading))
    elif settings.trust == "uncertainty":
        panels.append(layers.uncertainty(run, gene))
    elif tested:
        panels.append(layers.imputed(run, gene, settings.reading))
    else:
        panels.append(SitePanel("Imputed", notes[1], *layers.EMPTY))
    if settings.trust == "trusted" and tested:
        panels[1] = layers.only_trusted(run, panels[1], settings.reading)
    return panels


def _with_own_limits(panel: SitePanel, settings: ViewSettings) -> SitePanel:
    """Colours over the range of this panel alone."""
    if panel.scale or not panel.values.size:
        return panel
    return replace(panel, limits=colour_limits(panel.values, settings.clip))


def _second_scale(
    panels: Sequence[SitePanel], settings: ViewSettings, expression: Scale
) -> list[Scale]:
    """Return the scale of a difference or an uncertainty, where there is one."""
    other = next((panel for panel in panels if panel.scale), None)
    if other is None:
        return []
    if other.title == "Difference":
        low, high = expression.limits
        limits = symmetric_limits(other.values, least=LEAST_DIFFERENCE * (high - low))
        return [Scale(limits, f"difference, {text.UNITS[settings.reading]}", "difference")]
    top = colour_limits(other.values)[1]
    return [Scale((0.0, top), "standard deviation, log scale", "doubt")]


def _look(
    section_id: str, settings: ViewSettings, picture: str, turns: tuple[int, bool], *, dark: bool
) -> Look:
    """What all maps of a section share."""
    underlay = None
    if picture:
        underlay = Underlay(picture, pictures.extent(section_id, turns))
    return Look(
        colours=theme(dark=dark),
        opacity=settings.opacity / 100 if picture else 1.0,
        underlay=underlay,
        marks_origin=settings.marks_origin,
        drag=settings.drag,
    )


def _source(section_id: str, settings: ViewSettings) -> str:
    """Address of the picture below the maps, empty for none."""
    if not settings.shows_picture:
        return ""
    return pictures.source(section_id, view.turns())


def _revision(section_id: str) -> str:
    """Zoom and pan belong to a section as it is turned."""
    quarters, is_flipped = view.turns()
    return f"{section_id}-{quarters}-{int(is_flipped)}"


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
