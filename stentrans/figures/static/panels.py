"""What a printed figure is made of: maps of sites, bars of scores, and how they should look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from stentrans.errors import ParameterError
from stentrans.figures.scale import tick_text
from stentrans.validate import check_option

Kind = Literal["sequential", "diverging", "categories"]

SEQUENTIAL: Final = ("viridis", "cividis", "magma", "Greys")
"""Perceptually even, and safe for colour-blind readers; the last one for print without colour."""
DIVERGING: Final = "RdBu_r"
QUALITATIVE: Final = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#d55e00",
    "#f0e442",
    "#4d4d4d",
    "#332288",
    "#999933",
    "#882255",
    "#88ccee",
)
"""Okabe and Ito's colours, then some of Tol's, told apart by colour-blind readers."""
SITES_DRAWN_AS_SHAPES: Final = 12_000
"""Above so many sites a figure holds its maps as pictures, unless told otherwise."""


@dataclass(frozen=True)
class MapPanel:
    """One map.

    Parameters
    ----------
    title
        What it shows, above the map.
    array
        Shape ``(n, 2)``, float64: array_row, array_col.
    values
        Shape ``(n,)``, float32; NaN for a site without a value. For categories their number.
    unit
        What the values are, at the colour bar.
    kind
        ``"sequential"``, ``"diverging"`` around 0, or ``"categories"``.
    limits
        Values at both ends of the colours; values beyond are drawn in the last colour.
    categories
        Names, in the order of their numbers.
    colours
        One per category, as ``#rrggbb``; empty for `QUALITATIVE`.
    is_gene
        The title is the name of a gene, written in italics.
    """

    title: str
    array: NDArray[np.float64]
    values: NDArray[np.float32]
    unit: str = ""
    kind: Kind = "sequential"
    limits: tuple[float, float] = (0.0, 1.0)
    categories: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()
    is_gene: bool = False

    @property
    def legend(self) -> tuple[object, ...]:
        """What its colours mean; neighbours that agree share one colour bar."""
        return self.kind, self.unit, self.limits, self.categories, self.colours

    def ticks(self, number: int = 5) -> dict[float, str]:
        """Return values to write at the colour bar, and what to write there.

        Values beyond both ends are drawn in the colours of the ends.
        """
        values = [float(value) for value in np.linspace(*self.limits, number)]
        labels = [tick_text(value) for value in values]
        labels[-1] = f"≥ {labels[-1]}"
        if self.kind == "diverging" or self.limits[0] != 0:
            labels[0] = f"≤ {labels[0]}"
        return dict(zip(values, labels, strict=True))


@dataclass(frozen=True)
class BarPanel:
    """Scores of one gene, a bar per method.

    Parameters
    ----------
    title
        What it shows.
    names, values
        One per bar, from top to bottom; the first is the method that is shown.
    unit
        What the values are, below the axis.
    ceiling
        Value of the dotted line: what counting noise allows; None where unknown.
    chance
        Up to here a value comes by chance; None where unknown.
    is_gene
        As in `MapPanel`.
    """

    title: str
    names: tuple[str, ...]
    values: tuple[float, ...]
    unit: str = "correlation on hidden spots\ngrey: chance, dotted: noise ceiling"
    ceiling: float | None = None
    chance: float | None = None
    is_gene: bool = False


Panel = MapPanel | BarPanel


@dataclass(frozen=True)
class Row:
    """Panels beside each other.

    Parameters
    ----------
    heading
        Above the row, usually the gene; may be empty.
    panels
        From left to right; all rows of a figure have the same number. None: an empty place.
    """

    heading: str
    panels: tuple[Panel | None, ...]

    @property
    def titles(self) -> tuple[str, ...]:
        """Titles of the panels; rows that repeat those above do not write them again."""
        return tuple(panel.title if panel else "" for panel in self.panels)


@dataclass(frozen=True, eq=False)
class Picture:
    """The stained tissue, to lie below the sites.

    Parameters
    ----------
    pixels
        Shape ``(height, width, 3)``, uint8.
    to_array
        Shape ``(2, 3)``: (x, y, 1) in this picture's pixels to (array_row, array_col).
    """

    pixels: NDArray[np.uint8]
    to_array: NDArray[np.float64]


@dataclass(frozen=True)
class PrintLook:
    """How a figure is printed.

    Parameters
    ----------
    width_mm
        Width of the whole figure, 40 to 400; the height follows.
    font_pt
        Size of its text, 4 to 24.
    colours
        One of `SEQUENTIAL`, for values of expression.
    marks
        ``"tiles"`` that touch each other, or ``"spots"`` as large as the spots on the slide.
    sites
        ``"shapes"`` that can be edited, ``"picture"`` within a vector file, or ``"auto"``: shapes
        up to `SITES_DRAWN_AS_SHAPES` sites.
    scale_bar
        Whether to draw one, below the first map.
    letters
        Whether rows are lettered a, b, c.
    opacity
        Of the sites, 0 to 1, for what lies below them.
    """

    width_mm: float = 180.0
    font_pt: float = 7.0
    colours: str = "viridis"
    marks: Literal["tiles", "spots"] = "tiles"
    sites: Literal["auto", "shapes", "picture"] = "auto"
    scale_bar: bool = True
    letters: bool = False
    opacity: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot be printed."""
        _within("width_mm", self.width_mm, 40, 400)
        _within("font_pt", self.font_pt, 4, 24)
        _within("opacity", self.opacity, 0, 1)
        check_option("colours", self.colours, SEQUENTIAL)
        check_option("marks", self.marks, ("tiles", "spots"))
        check_option("sites", self.sites, ("auto", "shapes", "picture"))


def legends_after(rows: Sequence[Row]) -> tuple[bool, ...]:
    """Say after which panels of a row a colour bar or legend follows, in any row.

    Raises
    ------
    ParameterError
        If there is no panel, or rows differ in their number of panels.
    """
    numbers = sorted({len(row.panels) for row in rows})
    if len(numbers) != 1 or numbers[0] == 0:
        raise ParameterError(
            "A figure must have at least one panel, and the same number in every row; got "
            f"{', '.join(map(str, numbers)) or 'no rows'}. Choose panels that exist for every gene."
        )
    return tuple(
        any(_needs_legend(row.panels, place) for row in rows) for place in range(numbers[0])
    )


def _needs_legend(panels: tuple[Panel | None, ...], place: int) -> bool:
    """Whether the colours change after this panel."""
    panel = panels[place]
    if not isinstance(panel, MapPanel):
        return False
    following = panels[place + 1] if place + 1 < len(panels) else None
    return not (isinstance(following, MapPanel) and following.legend == panel.legend)


def usual_colours(number: int) -> list[str]:
    """Return a colour for each of so many categories; beyond the last they begin again."""
    return [QUALITATIVE[place % len(QUALITATIVE)] for place in range(number)]


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ParameterError(f"`{name}` must be between {low} and {high}; got {value:g}.")
