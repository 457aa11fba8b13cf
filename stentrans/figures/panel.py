"""What maps are made of: the sites of one panel, the picture below, the look of all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stentrans.figures.theme import LIGHT, Theme

Drag = Literal["pan", "lasso", "select"]


@dataclass(frozen=True)
class SitePanel:
    """One map.

    Parameters
    ----------
    title, note
        First and second line above the map.
    array
        Shape ``(n, 2)``, float64: array_row, array_col.
    values
        Shape ``(n,)``, float32; NaN for a site without a value. Empty for a map still to come.
    origin
        Shape ``(n,)``: one of `ORIGINS` per site.
    spot_words
        What the pointer calls a measured spot of this map.
    sd
        Shape ``(n,)``, float32: standard deviation of each site's log value; None where unknown.
    scale
        Which of the figure's scales the colours follow.
    limits
        Limits of this panel alone, told above it; None: those of the scale.
    is_faint
        Shape ``(n,)``, bool: sites whose value is veiled, because it says nothing; None: none.
    gene
        What the values are of, as the pointer tells it.
    codes
        Shape ``(n,)``, uint8: colours where they do not follow from the values alone; else None.
    also
        More values that the pointer tells, by name, each of shape ``(n,)``.
    """

    title: str
    note: str
    array: NDArray[np.float64]
    values: NDArray[np.float32]
    origin: NDArray[np.str_]
    spot_words: str = "measured spot"
    sd: NDArray[np.float32] | None = None
    scale: int = 0
    limits: tuple[float, float] | None = None
    is_faint: NDArray[np.bool_] | None = None
    gene: str = ""
    codes: NDArray[np.uint8] | None = None
    also: Mapping[str, NDArray[np.floating]] = field(default_factory=dict)


@dataclass(frozen=True)
class Underlay:
    """A picture of the tissue, already turned and cut to the screen axes.

    Parameters
    ----------
    source
        Address of the picture.
    extent
        Lowest and highest screen (x, y) that it covers, shape ``(2, 2)``.
    """

    source: str
    extent: NDArray[np.float64]


@dataclass(frozen=True)
class Look:
    """How maps are drawn, whatever they show.

    Parameters
    ----------
    colours
        Colours of the page.
    opacity
        Of the tiles, in (0, 1], so that a picture below can be seen.
    underlay
        Picture below every map; None for none.
    marks_origin
        Put a dot on measured spots and a cross on gaps.
    outline
        Lines around a region in array positions, from `bricks.outline`; None for none.
    drag
        What dragging does: move the map, or select spots by lasso or box.
    most
        Maps beside each other where there is room.
    is_swipe
        All maps lie in one place; the browser shows one left and one right of a line.
    """

    colours: Theme = LIGHT
    opacity: float = 1.0
    underlay: Underlay | None = None
    marks_origin: bool = False
    outline: NDArray[np.float64] | None = None
    drag: Drag = "pan"
    most: int = 3
    is_swipe: bool = False
