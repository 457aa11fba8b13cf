"""Scores of one gene as bars."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from stentrans.figures.static.layout import MM_PER_PT, Page
from stentrans.figures.static.legends import INK
from stentrans.figures.static.lettering import shrink
from stentrans.figures.static.panels import BarPanel, PrintLook

CHOSEN, OTHER, CHANCE = "#0f766e", "#9aa5b1", "#e4e7eb"


def draw_bars(axes: Axes, panel: BarPanel, page: Page, look: PrintLook) -> None:
    """Draw one bar per method, the noise ceiling as a line, and what chance gives as a shade."""
    # A bar and its name need about two lines.
    font_pt = min(look.font_pt, 0.42 * page.map_height / MM_PER_PT / (len(panel.values) + 0.4))
    values = np.nan_to_num(np.array(panel.values, np.float64))
    places = np.arange(len(values))
    colours = [CHOSEN] + [OTHER] * (len(values) - 1)
    if panel.chance is not None:
        axes.axvspan(-panel.chance, panel.chance, color=CHANCE, linewidth=0, zorder=0)
    axes.barh(places + 0.15, values, color=colours[: len(values)], height=0.4)
    texts = []
    marks = [*values, 0.0, *([panel.ceiling] if panel.ceiling is not None else [])]
    low, high = min(marks), max(max(marks), 0.05)
    for place, name, value in zip(places, panel.names, panel.values, strict=True):
        told = "–" if np.isnan(value) else f"{value:.2f}"
        texts.append(
            axes.text(
                0.0,
                place - 0.1,
                f"{name} {told}",
                va="bottom",
                parse_math=False,
                fontsize=font_pt,
            )
        )
    shrink(texts, page.map_width)
    if panel.ceiling is not None:
        axes.axvline(panel.ceiling, color=INK, linestyle=":", linewidth=0.8)
    axes.set_xlim(min(low, 0.0) * 1.05, high * 1.08)
    axes.set_ylim(len(values) - 0.5, -0.9)
    axes.set_yticks([])
    unit = axes.set_xlabel(panel.unit, fontsize=look.font_pt, parse_math=False)
    shrink([unit], page.map_width)
    axes.tick_params(labelsize=look.font_pt, length=1.5, width=0.4, pad=1.5)
    axes.spines[["top", "right", "left"]].set_visible(False)
