"""Colour bars, legends of categories, and the scale bar."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from stentrans.figures.scale import length_text, round_length
from stentrans.figures.screen import UNITS_PER_PITCH, Screen
from stentrans.figures.static.layout import BAR_MM, MARGIN_MM, Box, Page
from stentrans.figures.static.lettering import shrink, write
from stentrans.figures.static.panels import MapPanel, PrintLook, Row
from stentrans.figures.static.sites import category_colours, colours_of, norm_of

INK = "#1f2933"
N_TICKS = 5


def draw_legend(figure: Figure, page: Page, panel: MapPanel, box: Box, look: PrintLook) -> None:
    """Draw what the colours of a map mean, to the right of its box."""
    if panel.kind == "categories":
        _draw_categories(figure, page, panel, box, look)
    else:
        _draw_colour_bar(figure, page, panel, box, look)


def _draw_colour_bar(
    figure: Figure, page: Page, panel: MapPanel, box: Box, look: PrintLook
) -> None:
    height = min(box.height, 12 * page.line)
    axes = figure.add_axes(
        (
            (box.left + box.width + 1.0) / page.width,
            1 - (box.top + height) / page.height,
            BAR_MM / page.width,
            height / page.height,
        )
    )
    bar = figure.colorbar(ScalarMappable(norm_of(panel), colours_of(panel, look)), cax=axes)
    ticks = panel.ticks(N_TICKS if height > 4 * page.line else 2)
    bar.set_ticks(list(ticks), labels=list(ticks.values()))
    bar.ax.tick_params(labelsize=look.font_pt, length=1.5, width=0.4, pad=1.5)
    bar.outline.set_visible(False)
    if bar.solids is not None:
        bar.solids.set_edgecolor("face")
    _, room = page.legend_of(box)
    middle = (box.left + box.width + room - 0.2 * page.line, box.top + height / 2)
    unit = write(
        figure, page, middle, panel.unit, look, ha="right", va="center", rotation="vertical"
    )
    shrink([unit], box.height)


def _draw_categories(
    figure: Figure, page: Page, panel: MapPanel, box: Box, look: PrintLook
) -> None:
    left, foot = box.left + box.width + 1.0, box.top + page.line
    _, room = page.legend_of(box)
    texts = []
    for name, colour in zip(panel.categories, category_colours(panel), strict=True):
        side = 0.7 * page.line
        figure.add_artist(
            Rectangle(
                (left / page.width, 1 - foot / page.height),
                side / page.width,
                side / page.height,
                facecolor=colour,
                linewidth=0,
                transform=figure.transFigure,
            )
        )
        texts.append(write(figure, page, (left + side + 0.8, foot), name, look))
        foot += 1.1 * page.line
    shrink(texts, room - 0.7 * page.line - 1.8)


def draw_scale_bar(
    figure: Figure, page: Page, screen: Screen, rows: Sequence[Row], look: PrintLook
) -> None:
    """Draw a bar of a round length below the first map of the last row."""
    column = next((i for i, p in enumerate(rows[-1].panels) if isinstance(p, MapPanel)), None)
    if column is None:
        return
    box = page.panel(len(rows) - 1, column)
    per_unit = 1.0 if screen.is_um else UNITS_PER_PITCH
    mm_per_length = box.width / float(page.extent[1, 0] - page.extent[0, 0]) * per_unit
    length = round_length(box.width / 3 / mm_per_length)
    at = page.height - MARGIN_MM - 0.4 * page.line
    ends = [box.left / page.width, (box.left + length * mm_per_length) / page.width]
    figure.add_artist(
        Line2D(
            ends,
            [1 - at / page.height] * 2,
            color=INK,
            linewidth=1.5,
            solid_capstyle="butt",
            gid="scale-bar",
        )
    )
    label = length_text(length) if screen.is_um else f"{length:g} spots"
    place = (box.left + length * mm_per_length + 1.0, at + 0.3 * page.line)
    write(figure, page, place, label, look)
