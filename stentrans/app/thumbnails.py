"""Small pictures: genes to leaf through, and how a section lies under either reading."""

from __future__ import annotations

from io import BytesIO
from typing import Final

import numpy as np
import plotly.colors
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from stentrans.app import cache
from stentrans.app.screens import screen
from stentrans.figures.bricks import lay_bricks
from stentrans.figures.colours import LOWEST, TOP_CODE, colour_codes, colour_limits, shades
from stentrans.figures.screen import Screen
from stentrans.figures.theme import theme
from stentrans.keys import ARRAY_COL, ARRAY_ROW
from stentrans.section import library_size, measured_values
from stentrans.store import Run

GENE_SIDE_PX: Final = 90
SIDE_PX: Final = 220
"""Longer side of a thumbnail; spots are squares of whole pixels."""


@st.cache_data(show_spinner=False, max_entries=16)
def array_thumbnail(section_id: str, *, is_swapped: bool, is_dark: bool) -> NDArray[np.uint8]:
    """Draw the depth of every spot on the array, rows downwards.

    Parameters
    ----------
    section_id
        What to draw.
    is_swapped
        Rows and columns exchanged.
    is_dark
        Colours for a dark page.

    Returns
    -------
    picture
        RGBA, clear where there is no spot, longer side about 220 pixels.
    """
    section = cache.tissue(section_id)
    array = section.obs[[ARRAY_ROW, ARRAY_COL]].to_numpy(np.float64)
    depth = np.log1p(library_size(section.X))
    codes = colour_codes(depth, colour_limits(depth))
    laid = lay_bricks(array[:, ::-1] if is_swapped else array, codes).codes
    size = max(SIDE_PX // max(laid.shape), 1)
    return np.kron(_palette(is_dark=is_dark)[laid], np.ones((size, size, 1), np.uint8))


@st.cache_data(show_spinner=False, max_entries=64)
def gene_thumbnails(
    section_id: str,
    run: Run | None,
    genes: tuple[str, ...],
    *,
    turns: tuple[int, bool],
    is_dark: bool,
) -> dict[str, bytes]:
    """Draw genes as small maps that lie as the large ones do.

    Parameters
    ----------
    section_id, run
        Enhanced values where there is a run, measured ones otherwise; measured values set the
        colours of both.
    genes
        Which ones.
    turns
        How the user turned the maps, see `view.turns`.
    is_dark
        Colours for a dark page.

    Returns
    -------
    pictures
        A PNG of about 90 pixels per gene.
    """
    if not genes:
        return {}
    section = cache.tissue(section_id)
    measured = measured_values(section, genes, "composition")
    frame, values = section.obs, measured
    if run is not None:
        result = cache.enhancement(run.id)
        frame, values = result.sites, result.expression(list(genes), "composition")
    array = frame[[ARRAY_ROW, ARRAY_COL]].to_numpy(np.float64)
    shown = screen(section_id, turns)
    palette = _palette(is_dark=is_dark)
    codes = [colour_codes(values[:, i], colour_limits(measured[:, i])) for i in range(len(genes))]
    laid = lay_bricks(array, np.column_stack(codes)).codes
    return {
        gene: _png(palette[_on_screen(laid[:, :, i], shown)], array, shown)
        for i, gene in enumerate(genes)
    }


def _on_screen(codes: NDArray[np.uint8], shown: Screen) -> NDArray[np.uint8]:
    """Codes of a raster as they lie on the screen."""
    down, across = (-1 if turned else 1 for turned in (shown.is_y_reversed, shown.is_x_reversed))
    return (codes.T if shown.is_swapped else codes)[::down, ::across]


def _png(picture: NDArray[np.uint8], array: NDArray[np.float64], shown: Screen) -> bytes:
    """Bring RGBA tiles to their true proportions and pack them."""
    reach = np.ptp(shown.place(array), axis=0) + [shown.col_step, shown.row_step]
    size = np.maximum(np.rint(reach / reach.max() * GENE_SIDE_PX), 1).astype(int)
    file = BytesIO()
    image = Image.fromarray(np.ascontiguousarray(picture))
    image = image.resize((int(size[0]), int(size[1])), Image.Resampling.BOX)
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()


def _palette(*, is_dark: bool) -> NDArray[np.uint8]:
    """RGBA of every colour code, shape ``(256, 4)``; codes without a value are clear."""
    n_shades = TOP_CODE - LOWEST + 1
    chosen = plotly.colors.sample_colorscale(
        shades("auto", theme(dark=is_dark)), list(np.linspace(0, 1, n_shades)), colortype="tuple"
    )
    palette = np.zeros((TOP_CODE + 1, 4), np.uint8)
    palette[LOWEST:, :3] = np.rint(np.array(chosen) * 255).astype(np.uint8)
    palette[LOWEST:, 3] = 255
    return palette
