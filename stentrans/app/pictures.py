"""The picture of the tissue below the maps: warped once, then served as a file."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from stentrans.app import cache, media, screens
from stentrans.figures.map_layout import extent_of
from stentrans.keys import ARRAY_COL, ARRAY_ROW


def has_picture(section_id: str) -> bool:
    """Say whether a section has a picture that can be laid below its maps."""
    from stentrans.section import picture_of

    return cache.lattice(section_id).to_pixels is not None and bool(
        picture_of(cache.section(section_id))
    )


def source(section_id: str, turns: tuple[int, bool] = (0, False)) -> str:
    """Return the address of the picture below the maps of a section, empty where there is none.

    Parameters
    ----------
    section_id
        The section.
    turns
        How the user turned its maps, see `view.turns`.
    """
    if not has_picture(section_id):
        return ""
    return media.address(_warped(section_id, turns), "image/webp", "picture")


def extent(section_id: str, turns: tuple[int, bool] = (0, False)) -> NDArray[np.float64]:
    """Return lowest and highest screen (x, y) that the picture covers, shape ``(2, 2)``."""
    array = cache.tissue(section_id).obs[[ARRAY_ROW, ARRAY_COL]].to_numpy(np.float64)
    return extent_of([array], screens.screen(section_id, turns))


@st.cache_data(show_spinner=False, max_entries=8)
def _warped(section_id: str, turns: tuple[int, bool]) -> bytes:
    """The picture on the screen axes of the maps as a WebP file."""
    from stentrans.report.underlay import webp_below
    from stentrans.section import picture_of

    picture, to_pixels = picture_of(cache.section(section_id)), cache.lattice(section_id).to_pixels
    assert picture is not None
    assert to_pixels is not None
    array = cache.tissue(section_id).obs[[ARRAY_ROW, ARRAY_COL]].to_numpy(np.float64)
    return webp_below(picture, to_pixels, screens.screen(section_id, turns), array)[0]
