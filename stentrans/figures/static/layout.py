"""Where everything lies on the page, in millimetres from its upper left corner."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from stentrans.errors import ParameterError
from stentrans.figures.screen import Screen
from stentrans.figures.static.panels import BarPanel, MapPanel, Panel, PrintLook, Row, legends_after
from stentrans.figures.static.tiles import tile_of

MM_PER_PT = 25.4 / 72
MARGIN_MM = 1.0
GAP_MM = 2.0
BAR_MM = 2.0
LEAST_MAP_MM = 8.0
EM = 0.56
"""Width of an average letter, as a share of the font's size."""


@dataclass(frozen=True)
class Box:
    """A rectangle on the page: left, top, width and height in mm, from its upper left corner."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Page:
    """Where everything lies.

    Parameters
    ----------
    width, height
        Of the page, in mm.
    line
        Height of a line of text, in mm.
    extent
        Lowest and highest screen (x, y) that every map shows, shape ``(2, 2)``.
    columns
        Left edge of each panel and the room of the legend behind it, in mm.
    map_width, map_height
        Of every panel, in mm.
    tops
        Upper edge of the panels of each row, in mm.
    """

    width: float
    height: float
    line: float
    extent: NDArray[np.float64]
    columns: tuple[tuple[float, float], ...]
    map_width: float
    map_height: float
    tops: tuple[float, ...]

    def panel(self, row: int, column: int) -> Box:
        """Return the box of a panel."""
        left, _ = self.columns[column]
        return Box(left, self.tops[row], self.map_width, self.map_height)

    def legend_of(self, panel: Box) -> tuple[float, float]:
        """Return where the legend behind a panel begins and how wide it may be."""
        room = dict(self.columns)[panel.left]
        return panel.left + panel.width, room


def lay_out(rows: Sequence[Row], screen: Screen, look: PrintLook) -> Page:
    """Give every panel the same size, as large as the width of the page allows.

    Raises
    ------
    ParameterError
        If the panels do not fit into the width.
    """
    line = look.font_pt * MM_PER_PT * 1.25
    extent = _extent(rows, screen)
    room = _legend_rooms(rows, line)
    n_panels = len(room)
    taken = 2 * MARGIN_MM + sum(room) + GAP_MM * (n_panels - 1)
    map_width = (look.width_mm - taken) / n_panels
    if map_width < LEAST_MAP_MM:
        least = taken + LEAST_MAP_MM * n_panels
        raise ParameterError(
            f"`width_mm` must be at least {np.ceil(least):.0f} for {n_panels} panels with text of "
            f"{look.font_pt:g} pt; got {look.width_mm:g}. Choose fewer panels or smaller text."
        )
    wide, high = extent[1] - extent[0]
    map_height = map_width * float(high / wide)
    columns, left = [], MARGIN_MM
    for behind in room:
        columns.append((left, behind))
        left += map_width + behind + GAP_MM
    tops, end = _tops(rows, map_height, line, look)
    return Page(
        look.width_mm, end, line, extent, tuple(columns), map_width, map_height, tuple(tops)
    )


def _extent(rows: Sequence[Row], screen: Screen) -> NDArray[np.float64]:
    """Outline of all tiles of all maps, so that every panel shows the same place."""
    corners = [
        np.stack((places.min(axis=0) - reach, places.max(axis=0) + reach))
        for panel in _maps(rows)
        for places in (screen.place(panel.array),)
        for reach in (tile_of(panel.array, screen).max(axis=0),)
    ]
    if not corners:  # scores alone
        return np.array([[0.0, 0.0], [4.0, 3.0]])
    return np.stack((np.min(corners, axis=0)[0], np.max(corners, axis=0)[1]))


def _maps(rows: Sequence[Row]) -> Iterator[MapPanel]:
    for panel in chain.from_iterable(row.panels for row in rows):
        if isinstance(panel, MapPanel) and len(panel.array):
            yield panel


def _legend_rooms(rows: Sequence[Row], line: float) -> list[float]:
    """Width in mm that the legend behind each panel needs."""
    rooms = []
    for place, has_legend in enumerate(legends_after(rows)):
        panels = [row.panels[place] for row in rows]
        needed = [_legend_room(panel, line) for panel in panels if has_legend]
        rooms.append(max(needed, default=0.0))
    return rooms


def _legend_room(panel: Panel | None, line: float) -> float:
    if not isinstance(panel, MapPanel):
        return 0.0
    letter = line / 1.25 * EM
    if panel.kind == "categories":
        if not panel.categories:  # a picture alone
            return 0.0
        return 1.0 + BAR_MM + 1.0 + letter * max(map(len, panel.categories), default=0)
    digits = max(map(len, panel.ticks().values()))
    return 1.0 + BAR_MM + 1.0 + letter * digits + 1.2 * line


def has_titles(rows: Sequence[Row], number: int) -> bool:
    """Say whether a row writes the titles of its panels: where they are new."""
    titles = rows[number].titles
    return any(titles) and (number == 0 or titles != rows[number - 1].titles)


def _tops(
    rows: Sequence[Row], map_height: float, line: float, look: PrintLook
) -> tuple[list[float], float]:
    """Upper edges of the panels of each row, and the lower edge of the page."""
    tops, at = [], MARGIN_MM
    for number, row in enumerate(rows):
        if row.heading or (look.letters and not has_titles(rows, number)):
            at += 1.2 * line
        if has_titles(rows, number):
            at += 1.2 * line
        tops.append(at)
        at += map_height + GAP_MM
        if any(isinstance(panel, BarPanel) for panel in row.panels):
            at += 3.4 * line  # numbers and name of the axis
    if look.scale_bar and any(True for _ in _maps(rows)):
        at += 1.6 * line
    return tops, at - GAP_MM + MARGIN_MM
