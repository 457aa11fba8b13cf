"""The picture of the tissue below the maps: warped once, then served as a file."""

from __future__ import annotations

from io import BytesIO
from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from stentrans.app import cache, media, screens
from stentrans.figures.map_layout import extent_of
from stentrans.keys import ARRAY_COL, ARRAY_ROW

MOST_PX: Final = 1600
QUALITY: Final = 80


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
    from PIL import Image

    from stentrans.section import picture_of, warp_picture

    picture = picture_of(cache.section(section_id))
    assert picture is not None
    to_fullres, size = _grid(section_id, turns, picture.per_fullres_pixel)
    file = BytesIO()
    warped = warp_picture(picture, to_fullres, size)
    Image.fromarray(warped).save(file, "WEBP", quality=QUALITY)
    return file.getvalue()


def _grid(
    section_id: str, turns: tuple[int, bool], per_fullres: float
) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """Map from pixels of the underlay to full-resolution pixels, and the size of the underlay."""
    shown, lattice = screens.screen(section_id, turns), cache.lattice(section_id)
    assert lattice.to_pixels is not None
    (left, low), (right, high) = extent(section_id, turns)
    if shown.is_x_reversed:
        left, right = right, left
    if shown.is_y_reversed:
        low, high = high, low
    corners = np.array([[left, low], [right, low], [left, high]])  # top left, top right, below
    origin, across, down = lattice.to_pixels(shown.to_array(corners))
    across, down = across - origin, down - origin
    full = np.array([np.hypot(*across), np.hypot(*down)]) * per_fullres
    width, height = np.maximum(np.rint(full * min(1.0, MOST_PX / full.max())), 1).astype(int)
    matrix = np.column_stack([across / width, down / height, origin])
    return matrix, (int(width), int(height))
