"""Rows of panels in, one matplotlib figure out."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from stentrans.figures.screen import Screen
from stentrans.figures.static.bars import draw_bars
from stentrans.figures.static.files import PrintFigure, printing
from stentrans.figures.static.layout import GAP_MM, Box, Page, has_titles, lay_out
from stentrans.figures.static.legends import draw_legend, draw_scale_bar
from stentrans.figures.static.lettering import shrink, write
from stentrans.figures.static.panels import (
    SITES_DRAWN_AS_SHAPES,
    MapPanel,
    Picture,
    PrintLook,
    Row,
    legends_after,
)
from stentrans.figures.static.sites import draw_picture, draw_sites

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def draw_rows(
    rows: Sequence[Row],
    screen: Screen,
    *,
    look: PrintLook | None = None,
    picture: Picture | None = None,
    title: str = "",
    about: str = "",
) -> PrintFigure:
    """Draw rows of panels, every map in the same place and size.

    Parameters
    ----------
    rows
        A row per gene, or one in all; the same number of panels in each.
    screen
        Orientation and proportions of the maps, those of the screen.
    look
        Size, text and colours; None for the usual ones.
    picture
        The stained tissue, drawn below the sites of every map; None for none.
    title, about
        Not drawn, but kept in the file: what it shows, and how it was made.

    Returns
    -------
    figure
        A `matplotlib.figure.Figure` of its own, known to no other; its ``savefig`` writes PNG,
        SVG and PDF with text that stays text.

    Raises
    ------
    ParameterError
        If panels are missing in a row, or do not fit into the width.
    """
    look = look or PrintLook()
    page = lay_out(rows, screen, look)
    with printing():
        figure = PrintFigure(
            figsize=(page.width / 25.4, page.height / 25.4), dpi=150, facecolor="white"
        )
        figure.title, figure.about = title, about
        as_picture = look.sites == "picture" or (
            look.sites == "auto" and _n_sites(rows) > SITES_DRAWN_AS_SHAPES
        )
        for number, row in enumerate(rows):
            _write_headings(figure, page, rows, number, look)
            for column, panel in enumerate(row.panels):
                if panel is None:
                    continue
                axes = _axes(figure, page, page.panel(number, column))
                if not isinstance(panel, MapPanel):
                    draw_bars(axes, panel, page, look)
                    continue
                _frame(axes, page, screen)
                if picture is not None:
                    draw_picture(axes, picture, screen)
                draw_sites(axes, panel, screen, look, as_picture=as_picture)
            for column, has_legend in enumerate(legends_after(rows)):
                panel = row.panels[column]
                if has_legend and isinstance(panel, MapPanel) and len(panel.array):
                    draw_legend(figure, page, panel, page.panel(number, column), look)
        if look.scale_bar:
            draw_scale_bar(figure, page, screen, rows, look)
    return figure


def _n_sites(rows: Sequence[Row]) -> int:
    return sum(
        len(panel.array) for row in rows for panel in row.panels if isinstance(panel, MapPanel)
    )


def _axes(figure: PrintFigure, page: Page, box: Box) -> Axes:
    """Axes in a box of the page."""
    left, bottom = box.left / page.width, 1 - (box.top + box.height) / page.height
    axes: Axes = figure.add_axes((left, bottom, box.width / page.width, box.height / page.height))
    return axes


def _frame(axes: Axes, page: Page, screen: Screen) -> None:
    """Show the same part of the section in every map, the way it lies on screen."""
    (left, low), (right, high) = page.extent
    axes.set_axis_off()
    axes.set_xlim((right, left) if screen.is_x_reversed else (left, right))
    # Screen y grows downwards, as in the picture, unless the rows run upwards.
    axes.set_ylim((low, high) if screen.is_y_reversed else (high, low))


def _write_headings(
    figure: PrintFigure, page: Page, rows: Sequence[Row], number: int, look: PrintLook
) -> None:
    """Write the letter and name of a row, and what its panels show where that is new."""
    row, top = rows[number], page.tops[number]
    if has_titles(rows, number):
        _write_titles(figure, page, row, top, look)
        top -= 1.2 * page.line if row.heading else 0.0
    left, base = page.columns[0][0], top - 0.35 * page.line
    if look.letters:
        letter = LETTERS[number % len(LETTERS)]
        write(figure, page, (left, base), letter, look, weight="bold")
        left += 1.2 * page.line
    if row.heading:
        heading = write(figure, page, (left, base), row.heading, look, style="italic")
        shrink([heading], page.width - left - 1.0)


def _write_titles(figure: PrintFigure, page: Page, row: Row, top: float, look: PrintLook) -> None:
    texts = []
    for (left, _), panel in zip(page.columns, row.panels, strict=True):
        if panel is not None:
            place = (left + page.map_width / 2, top - 0.35 * page.line)
            style = "italic" if panel.is_gene else "normal"
            texts.append(write(figure, page, place, panel.title, look, ha="center", style=style))
    shrink(texts, page.map_width + GAP_MM / 2)
