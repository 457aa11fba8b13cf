"""Sites as true hexagons, squares or round spots, over the stained tissue."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import Collection, EllipseCollection, PolyCollection
from matplotlib.colors import Colormap, ListedColormap, Normalize
from matplotlib.transforms import Affine2D, AffineDeltaTransform
from numpy.typing import NDArray

from stentrans.figures.screen import Screen
from stentrans.figures.static.panels import (
    DIVERGING,
    MapPanel,
    Picture,
    PrintLook,
    usual_colours,
)
from stentrans.figures.static.tiles import radius_of, tile_of

SPOT_SHARE = 0.55
"""Diameter of a spot as a share of the distance of sites: 55 of 100 µm on Visium slides."""
SEAM_PT = 0.15
"""Outline in the colour of the tile; without it, viewers show the page between two tiles."""
OVERLAP_PT = 0.36
"""By so much tiles of pixels reach below their neighbours, so that no seam shows."""


def draw_sites(
    axes: Axes, panel: MapPanel, screen: Screen, look: PrintLook, *, as_picture: bool
) -> Collection | None:
    """Draw the sites of one map.

    Parameters
    ----------
    axes
        Where; in screen units.
    panel, screen, look
        What and how.
    as_picture
        Keep them as pixels, within a vector file too.

    Returns
    -------
    sites
        What was drawn; its ``get_array()`` holds the values, NaN masked. None for no sites.
    """
    if not len(panel.array):
        return None
    marks: dict[str, Any] = {
        "offsets": screen.place(panel.array),
        "cmap": colours_of(panel, look),
        "norm": norm_of(panel),
        "alpha": look.opacity,
        "rasterized": as_picture,
    }
    sites: Collection
    if look.marks == "spots":
        across = 2 * radius_of(panel.array, screen, SPOT_SHARE)
        sites = EllipseCollection(
            across, across, 0.0, units="xy", offset_transform=axes.transData, linewidths=0, **marks
        )
    else:
        # One shape and many places: small files, and shapes that stay exact. Pixels need no
        # outline, which would double the time to draw them.
        has_outline = look.opacity == 1.0 and not as_picture
        tile = tile_of(panel.array, screen)
        sites = PolyCollection(
            [_grown(tile, axes) if as_picture and look.opacity == 1.0 else tile],
            offset_transform=AffineDeltaTransform(axes.transData),  # type: ignore[arg-type]
            edgecolors="face" if has_outline else "none",
            linewidths=SEAM_PT if has_outline else 0.0,
            **marks,
        )
    sites.set_array(np.ma.masked_invalid(panel.values))
    axes.add_collection(sites, autolim=False)
    return sites


def _grown(tile: NDArray[np.float64], axes: Axes) -> NDArray[np.float64]:
    """Return a tile that reaches below its neighbours by `OVERLAP_PT` or a little more."""
    figure = axes.get_figure(root=True)
    assert figure is not None  # the axes were made in it
    width_pt = 72 * axes.get_position().width * figure.get_figwidth()
    overlap = OVERLAP_PT / width_pt * float(np.ptp(axes.get_xlim()))
    nearest_side = np.abs((tile + np.roll(tile, 1, axis=0)) / 2)
    return np.asarray(tile * (1 + overlap / np.hypot(*nearest_side.T).min()))


def colours_of(panel: MapPanel, look: PrintLook) -> Colormap:
    """Return the colours of a map."""
    if panel.kind == "diverging":
        return colormaps[DIVERGING]
    if panel.kind == "sequential":
        return colormaps[look.colours]
    return ListedColormap(category_colours(panel))


def category_colours(panel: MapPanel) -> list[str]:
    """Return one colour per category."""
    return list(panel.colours) or usual_colours(max(len(panel.categories), 1))


def norm_of(panel: MapPanel) -> Normalize:
    """Return how values become a place on the colours."""
    if panel.kind == "categories":
        return Normalize(-0.5, max(len(panel.categories), 1) - 0.5)
    low, high = panel.limits
    return Normalize(low, high, clip=True)


def draw_picture(axes: Axes, picture: Picture, screen: Screen) -> None:
    """Draw the stained tissue below the sites: turned, mirrored and scaled to lie where it was."""
    (a, b, c), (d, e, f) = picture.to_array
    to_array = Affine2D(np.array([[a, b, c], [d, e, f], [0, 0, 1]], dtype=np.float64))
    rows, cols = screen.row_step, screen.col_step
    steps = [[rows, 0, 0], [0, cols, 0]] if screen.is_swapped else [[0, cols, 0], [rows, 0, 0]]
    to_screen = Affine2D(np.array([*steps, [0, 0, 1]], dtype=np.float64))
    height, width = picture.pixels.shape[:2]
    image = axes.imshow(
        picture.pixels,
        extent=(-0.5, width - 0.5, height - 0.5, -0.5),
        transform=to_array + to_screen + axes.transData,
        interpolation="bilinear",
        aspect="auto",
        zorder=0,
    )
    image.set_clip_path(axes.patch)
