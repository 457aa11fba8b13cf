"""Maps of a report as plain data: sites once, values gene by gene, a layout for light and dark."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stentrans.figures.bricks import brick_cells, lay_bricks
from stentrans.figures.colours import Scale, colour_axis, shades
from stentrans.figures.maps import site_maps
from stentrans.figures.panel import Look, SitePanel, Underlay
from stentrans.figures.theme import DARK, LIGHT
from stentrans.keys import GAP, MEASURED, ORIGIN, ORIGINS
from stentrans.methods.base import OnProgress, Progress, report
from stentrans.report.results import array_of
from stentrans.report.story import Story
from stentrans.report.underlay import webp_below
from stentrans.report.views import enhanced_values, gene_limits, imputed_values
from stentrans.words import method_name

SD_SITES: Final = 30_000
"""Most sites whose standard deviations are kept, too."""
_SD_STEPS: Final = 255


def map_data(story: Story, on_progress: OnProgress | None = None) -> dict[str, Any]:
    """Return everything that draws the maps of a report, ready for JSON.

    Parameters
    ----------
    story
        What is told.
    on_progress
        Gets a `Progress` per gene; returning False cancels.

    Returns
    -------
    data
        ``maps``: per panel its sites as cells of a raster. ``genes``: per gene its values at
        these sites, float32, and the ticks of its colour bar. ``themes``: layouts and colours.
        Arrays are base64 of little-endian numbers.
    """
    panels = _panels(story, story.genes[0])
    source, underlay = _picture(story)
    genes = []
    for number, gene in enumerate(story.genes):
        report(on_progress, Progress(f"drawing {gene}", 0.1 + 0.8 * number / len(story.genes)))
        genes.append(_gene(story, gene))
    return {
        "unit": story.unit,
        "maps": [_sites(panel) for panel in panels],
        "screen": {
            "swapped": story.results.screen.is_swapped,
            "left": story.results.screen.is_x_reversed,
            "up": story.results.screen.is_y_reversed,
            "row": story.results.screen.row_step,
            "col": story.results.screen.col_step,
        },
        "genes": genes,
        "picture": source,
        "origins": [*ORIGINS, "predicted while hidden"],
        "themes": {
            "light": _theme(story, panels, Look(colours=LIGHT, underlay=underlay)),
            "dark": _theme(story, panels, Look(colours=DARK, underlay=underlay)),
        },
    }


def _panels(story: Story, gene: str) -> list[SitePanel]:
    """Maps of one gene: measured, enhanced, and imputed where spots were hidden."""
    results, reading = story.results, story.reading
    assert results.enhancement is not None
    sites = results.enhancement.sites
    n_spots = len(results.array)
    panels = [
        SitePanel(
            "Measured",
            f"{n_spots:,} spots",
            results.array,
            results.measured([gene], reading)[:, 0],
            np.full(n_spots, MEASURED),
        ),
        SitePanel(
            "Enhanced",
            f"{method_name(story.method)}, {len(sites):,} sites",
            array_of(sites),
            enhanced_values(results, gene, reading),
            sites[ORIGIN].to_numpy(dtype=np.str_),
        ),
    ]
    if results.held_out is not None:
        places, values = imputed_values(results, gene, reading)
        n_gaps = len(places) - n_spots
        note = f"hidden, then predicted; {n_gaps} gap{'' if n_gaps == 1 else 's'} filled"
        origin = np.array(["predicted while hidden"] * n_spots + [GAP] * n_gaps)
        panels.append(SitePanel("Imputed", note, places, values, origin))
    return panels


def _sites(panel: SitePanel) -> dict[str, Any]:
    """Places of the sites of one map: cells of a raster, and where the raster lies."""
    rows, cols, cells = brick_cells(panel.array)
    bricks = lay_bricks(panel.array, np.zeros(len(panel.array), np.uint8))
    names = [*ORIGINS, "predicted while hidden"]
    origin = np.array([names.index(name) for name in panel.origin], np.uint8)
    return {
        "title": panel.title,
        "shape": list(bricks.codes.shape),
        "rows": _packed(rows.astype("<u2")),
        "cols": _packed(cols.astype("<u2")),
        "cells": cells,
        "row0": bricks.row0,
        "col0": bricks.col0,
        "row_step": bricks.row_step,
        "col_step": bricks.col_step,
        "origin": _packed(origin),
    }


def _gene(story: Story, gene: str) -> dict[str, Any]:
    """Values of one gene in every map, and what its colours mean."""
    results = story.results
    assert results.enhancement is not None
    limits = gene_limits(results, gene, story.reading)
    scale = Scale(limits, story.unit)
    bar = colour_axis(scale, LIGHT)["colorbar"]
    values = [panel.values for panel in _panels(story, gene)]
    told: dict[str, Any] = {
        "name": gene,
        "limits": list(limits),
        "ticks": {"vals": bar["tickvals"], "text": bar["ticktext"]},
        "values": [_packed(one.astype("<f4")) for one in values],
    }
    if story.reading != "counts" and len(results.enhancement.sites) <= SD_SITES:
        sd = results.enhancement.sd([gene])[:, 0]
        top = float(sd.max()) or 1.0
        told["sd"] = {"top": top, "codes": _packed(_codes(sd, top))}
    return told


def _codes(sd: NDArray[np.float32], top: float) -> NDArray[np.uint8]:
    """Standard deviations in 255 steps: they are told with two digits."""
    return np.asarray(np.rint(sd / top * _SD_STEPS), np.uint8)


def _picture(story: Story) -> tuple[str, Underlay | None]:
    """The stained tissue as a data address, and where it lies; the layout names it only."""
    results = story.results
    if results.picture is None or results.to_pixels is None:
        return "", None
    content, extent = webp_below(results.picture, results.to_pixels, results.screen, results.array)
    source = f"data:image/webp;base64,{b64encode(content).decode('ascii')}"
    return source, Underlay("picture", extent)


def _theme(story: Story, panels: Sequence[SitePanel], look: Look) -> dict[str, Any]:
    """Layout of the maps at every width, and the colours of the thumbnails."""
    scale = Scale(gene_limits(story.results, story.genes[0], story.reading), story.unit)
    maps = site_maps(panels, story.results.screen, scales=[scale], look=look)
    drawn = json.loads(maps.figure.to_json())
    return {
        "layout": drawn["layout"],
        "layouts": maps.layouts,
        "shades": shades(scale.palette, look.colours),
    }


def _packed(values: NDArray[Any]) -> str:
    return b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")
