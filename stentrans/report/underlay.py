"""The stained tissue below the maps, turned and cut to the axes of the screen."""

from __future__ import annotations

from io import BytesIO
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stentrans.figures.map_layout import extent_of
from stentrans.figures.screen import Screen
from stentrans.figures.static.panels import Picture as PrintPicture
from stentrans.lattice.affine import Affine
from stentrans.section.underlay import Picture, warp_picture

MOST_PX: Final = 1600
QUALITY: Final = 80


def webp_below(
    picture: Picture, to_pixels: Affine, screen: Screen, array: NDArray[np.float64]
) -> tuple[bytes, NDArray[np.float64]]:
    """Make the picture that lies below the maps of a section.

    Parameters
    ----------
    picture
        The stained tissue.
    to_pixels
        Array positions to full-resolution pixels.
    screen
        Orientation of the maps.
    array
        Positions of the spots, shape ``(n, 2)``: the picture is cut to their extent.

    Returns
    -------
    content, extent
        A WebP file of at most `MOST_PX` pixels a side, and the lowest and highest screen (x, y)
        that it covers, shape ``(2, 2)``.
    """
    from PIL import Image

    extent = extent_of([array], screen)
    matrix, size = _grid(picture, to_pixels, screen, extent)
    file = BytesIO()
    Image.fromarray(warp_picture(picture, matrix, size)).save(file, "WEBP", quality=QUALITY)
    return file.getvalue(), extent


def print_picture(picture: Picture, to_pixels: Affine) -> PrintPicture:
    """Return the picture as a printed figure takes it: its pixels placed on the array."""
    back = to_pixels.inverse().matrix.copy()
    back[:, :2] /= picture.per_fullres_pixel
    return PrintPicture(picture.pixels, back)


def _grid(
    picture: Picture, to_pixels: Affine, screen: Screen, extent: NDArray[np.float64]
) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """Map from pixels of the underlay to full-resolution pixels, and the size of the underlay."""
    (left, low), (right, high) = extent
    if screen.is_x_reversed:
        left, right = right, left
    if screen.is_y_reversed:
        low, high = high, low
    corners = np.array([[left, low], [right, low], [left, high]])  # top left, top right, below
    origin, across, down = to_pixels(screen.to_array(corners))
    across, down = across - origin, down - origin
    full = np.array([np.hypot(*across), np.hypot(*down)]) * picture.per_fullres_pixel
    width, height = np.maximum(np.rint(full * min(1.0, MOST_PX / full.max())), 1).astype(int)
    matrix = np.column_stack([across / width, down / height, origin])
    return matrix, (int(width), int(height))
