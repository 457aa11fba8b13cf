"""Small pictures of a section: how it lies if its spots' numbers are read one way or the other."""

from __future__ import annotations

from typing import Final

import numpy as np
import plotly.colors
import streamlit as st
from numpy.typing import NDArray

from stentrans.app import cache
from stentrans.figures.bricks import lay_bricks
from stentrans.figures.colours import LOWEST, TOP_CODE, colour_codes, colour_limits, shades
from stentrans.figures.theme import theme
from stentrans.keys import ARRAY_COL, ARRAY_ROW
from stentrans.section import library_size

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
