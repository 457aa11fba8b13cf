"""Text on a printed page, at places given in millimetres."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.text import Text

from stentrans.figures.static.layout import Page
from stentrans.figures.static.panels import PrintLook
from stentrans.words import printable


def write(
    figure: Figure,
    page: Page,
    place: tuple[float, float],
    words: str,
    look: PrintLook,
    **style: Any,
) -> Text:
    """Write one line of text.

    Parameters
    ----------
    figure, page
        Where.
    place
        Millimetres from the left and upper edge of the page to the foot of the text.
    words
        As they are: dollar signs and underscores are letters, too.
    look
        Size of the text.
    **style
        Properties of matplotlib's text, such as ``ha`` and ``weight``.
    """
    return figure.text(
        place[0] / page.width,
        1 - place[1] / page.height,
        printable(words),
        fontsize=look.font_pt,
        parse_math=False,
        **({"ha": "left", "va": "baseline"} | style),
    )


def shrink(texts: Sequence[Text], room_mm: float) -> None:
    """Make texts small enough that the longest has room, all alike; no letter is lost."""
    widest = max((_length_mm(text) for text in texts), default=0.0)
    if widest > room_mm:
        for text in texts:
            text.set_fontsize(float(text.get_fontsize()) * room_mm / widest)


def _length_mm(text: Text) -> float:
    """Length of a line of text, in whichever direction it runs."""
    figure = text.get_figure(root=True)
    if figure is None:
        return 0.0
    box = text.get_window_extent()
    return max(box.width, box.height) / figure.dpi * 25.4
