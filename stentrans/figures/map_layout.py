"""The frame around linked maps: axes, titles, colour bars and scale bar, for any width."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stentrans.figures.scale import length_text, round_length
from stentrans.figures.screen import UNITS_PER_PITCH, Screen
from stentrans.figures.theme import Theme

GAP: Final = 0.03
"""Share of the width that lies between two maps."""
TITLE_PX: Final = 48
BAR_PX: Final = 92
"""Width of an upright colour bar with its numbers."""
FLAT_BAR_PX: Final = 68
"""Height of a colour bar that lies above the maps, its numbers clear of the title below."""
LEAST_MAP_PX: Final = 200
NARROW_PX: Final = 560
USUAL_WIDTH_PX: Final = 1040
WIDTHS_PX: Final = (300, 420, NARROW_PX, 700, 850, USUAL_WIDTH_PX, 1200, 1400, 1600, 1800)
"""Widths for which a figure knows its layout; a browser takes the widest that fits."""


def axis_name(index: int) -> str:
    """Return Plotly's suffix of panel ``index``: nothing, 2, 3, …."""
    return "" if index == 0 else str(index + 1)


def extent_of(arrays: Sequence[NDArray[np.float64]], screen: Screen) -> NDArray[np.float64]:
    """Lowest and highest screen (x, y) of all sites with a margin, shape ``(2, 2)``."""
    places = screen.place(np.concatenate(arrays))
    margin = max(screen.row_step, screen.col_step)
    return np.stack((places.min(axis=0) - margin, places.max(axis=0) + margin))


def linked_axes(n_panels: int, extent: NDArray[np.float64], screen: Screen) -> dict[str, Any]:
    """Axes of all panels: the first sets the proportions, the others follow it."""
    hidden = {"visible": False, "constrain": "domain"}
    axes: dict[str, Any] = {}
    for index in range(n_panels):
        name = axis_name(index)
        x = {**hidden, "anchor": f"y{name}"}
        y = {**hidden, "constraintoward": "top", "anchor": f"x{name}"}
        if index == 0:
            x["range"], y["range"] = ranges(extent, screen)
            y |= {"scaleanchor": "x", "scaleratio": 1}
        else:
            x["matches"], y["matches"] = "x", "y"
        axes |= {f"xaxis{name}": x, f"yaxis{name}": y}
    return axes


def ranges(extent: NDArray[np.float64], screen: Screen) -> tuple[list[float], list[float]]:
    """Ranges of x, left to right, and of y, bottom to top, with room for the scale bar."""
    (left, low), (right, high) = extent.tolist()
    room = 0.1 * (high - low)
    # Screen y grows downwards, as in the picture, unless the rows run upwards.
    bottom_up = [low - room, high] if screen.is_y_reversed else [high + room, low]
    return [right, left] if screen.is_x_reversed else [left, right], bottom_up


ABOVE_BAR = "<br><span style='font-size:4px'> </span>"
"""Plotly sets a title onto the upper edge of its bar; a low empty line keeps it off."""


@dataclass(frozen=True)
class Grid:
    """Maps in rows and columns, for one width of the figure.

    Parameters
    ----------
    n_panels
        How many maps.
    ratio
        Height of a map over its width.
    width_px
        Width of the whole figure.
    bars
        Titles of the colour bars; beside the maps, or above them where these are narrow.
    most
        Maps beside each other where there is room for them.
    is_swipe
        All maps lie in the same place.
    """

    n_panels: int
    ratio: float
    width_px: int = USUAL_WIDTH_PX
    bars: tuple[str, ...] = ("",)
    most: int = 3
    is_swipe: bool = False

    @property
    def is_narrow(self) -> bool:
        """Whether this is a phone: colour bars lie above the maps."""
        return self.width_px < NARROW_PX

    @property
    def columns(self) -> int:
        """How many maps stand beside each other."""
        if self.is_swipe:
            return 1
        room = (self.width_px - BAR_PX) // LEAST_MAP_PX
        fitting = (2 if self.n_panels > 3 else 1) if self.is_narrow else max(room, 1)
        return int(min(self.n_panels, self.most, fitting))

    @property
    def rows(self) -> int:
        """How many maps stand below each other."""
        if self.is_swipe:
            return 1
        return -(-self.n_panels // self.columns)

    @property
    def margins(self) -> dict[str, int]:
        """Space around the maps in pixels."""
        above = len(self.bars) * FLAT_BAR_PX if self.is_narrow else 0
        beside = BAR_PX if self.bars and not self.is_narrow else 8
        return {"l": 8, "r": beside, "t": TITLE_PX + above, "b": 8}

    @property
    def map_px(self) -> float:
        """Height of one map, within bounds."""
        inner = self.width_px - self.margins["l"] - self.margins["r"]
        across = (1 - GAP * (self.columns - 1)) / self.columns
        return float(np.clip(inner * across * self.ratio, 160, 620 if self.rows == 1 else 360))

    @property
    def height_px(self) -> int:
        """Height of the whole figure."""
        frame = self.margins["t"] + self.margins["b"] + (self.rows - 1) * TITLE_PX
        return round(self.rows * self.map_px + frame)

    def domains(self) -> dict[str, list[float]]:
        """Where each map lies in the figure, as shares, by the name of its axis."""
        across = (1 - GAP * (self.columns - 1)) / self.columns
        whole = self.rows * self.map_px + (self.rows - 1) * TITLE_PX
        found: dict[str, list[float]] = {}
        for index in range(self.n_panels):
            row, column = (0, 0) if self.is_swipe else divmod(index, self.columns)
            left, top = column * (across + GAP), 1 - row * (self.map_px + TITLE_PX) / whole
            found[f"xaxis{axis_name(index)}"] = [left, left + across]
            found[f"yaxis{axis_name(index)}"] = [max(top - self.map_px / whole, 0.0), top]
        return found

    def bar(self, index: int) -> dict[str, Any]:
        """Place of a colour bar: beside the maps one below the other, or lying above them."""
        if self.is_narrow:
            y = 1 - index * FLAT_BAR_PX / self.height_px
            return {"orientation": "h", "yref": "container", "y": y, "yanchor": "top", "len": 1.0}
        share = 1 / len(self.bars)
        return {"y": 1 - index * share, "yanchor": "top", "len": 0.88 * share, "orientation": "v"}

    def layout(self) -> dict[str, Any]:
        """Everything that depends on the width, as dotted names of the layout."""
        found: dict[str, Any] = {"height": self.height_px, "margin": self.margins}
        found |= {f"{name}.domain": domain for name, domain in self.domains().items()}
        for index, title in enumerate(self.bars):
            bar = self.bar(index) | {"title.side": "top" if self.is_narrow else "right"}
            bar["title.text"] = title + ABOVE_BAR if self.is_narrow else title
            found |= {f"coloraxis{axis_name(index)}.colorbar.{key}": bar[key] for key in bar}
        return found


def aspect(extent: NDArray[np.float64]) -> float:
    """Height of a map over its width, the room for the scale bar included."""
    width, height = extent[1] - extent[0]
    return float(1.1 * height / width)


def scale_bar(
    extent: NDArray[np.float64], screen: Screen, colours: Theme
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Line of a round length below the first map, in data units so that it zooms, and its label."""
    (left, low), (right, high) = extent
    per_unit = 1.0 if screen.is_um else UNITS_PER_PITCH
    length = round_length((right - left) / 4 / per_unit)
    start = right if screen.is_x_reversed else left
    end = start + (-1 if screen.is_x_reversed else 1) * length * per_unit
    y = low - 0.04 * (high - low) if screen.is_y_reversed else high + 0.04 * (high - low)
    pen = {"color": colours.ink, "width": 3}
    line = {"type": "line", "x0": start, "x1": end, "y0": y, "y1": y, "line": pen}
    words = length_text(length) if screen.is_um else f"{length:g} spots"
    beside = {"xanchor": "left", "xshift": 4, "showarrow": False, "font": {"size": 12}}
    return line, {"x": end, "y": y, "text": words, **beside}


def put_by_name(layout: dict[str, Any], named: Mapping[str, Any]) -> None:
    """Put values into a layout of plain dicts by dotted names, as `Grid.layout` gives them."""
    for dotted, value in named.items():
        *outer, last = dotted.split(".")
        inner = layout
        for name in outer:
            inner = inner.setdefault(name, {})
        inner[last] = value
