"""What is printed: values, places, sizes and colours, read back from the drawing."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.collections import Collection
from matplotlib.image import AxesImage
from numpy.typing import NDArray
from PIL import Image

from stentrans.errors import ParameterError
from stentrans.figures.screen import Screen
from stentrans.figures.static.draw import draw_rows
from stentrans.figures.static.files import PrintFigure
from stentrans.figures.static.panels import BarPanel, MapPanel, Picture, PrintLook, Row

SCREEN = Screen(row_step=100 * 3**0.5 / 2, col_step=50.0)


def shifted(n_rows: int = 6, n_cols: int = 8) -> NDArray[np.float64]:
    row, place = np.meshgrid(np.arange(n_rows), np.arange(n_cols), indexing="ij")
    return np.column_stack([row.ravel(), (2 * place + row % 2).ravel()]).astype(np.float64)


def panel(title: str = "Measured", unit: str = "log1p") -> MapPanel:
    array = shifted()
    values = np.linspace(0.0, 3.0, len(array), dtype=np.float32)
    return MapPanel(title, array, values, unit=unit, limits=(0.0, 3.0))


def sites(figure: PrintFigure) -> list[Collection]:
    """Collections of sites, in the order of their panels."""
    return [c for axes in figure.axes for c in axes.collections if c.get_offsets().shape[0] > 1]


def words(figure: PrintFigure) -> list[str]:
    found = [text.get_text() for text in figure.texts]
    return found + [t.get_text() for axes in figure.axes for t in axes.texts]


def test_values_are_drawn_as_they_are() -> None:
    given = panel()
    given.values[5] = np.nan
    (drawn,) = sites(draw_rows([Row("Mbp", (given,))], SCREEN))
    array = drawn.get_array()
    assert array is not None
    assert np.array_equal(np.ma.filled(array, np.nan), given.values, equal_nan=True)
    assert drawn.get_offsets() == pytest.approx(SCREEN.place(given.array))


@pytest.mark.parametrize("dpi", [100, 150, 300])
def test_tiles_of_pixels_show_no_seam(dpi: int) -> None:
    given = panel()
    given.values[:] = 1.5
    figure = draw_rows([Row("", (given,))], SCREEN, look=PrintLook(sites="picture", width_mm=60))
    pixels = np.asarray(Image.open(BytesIO(figure.to_bytes("png", dpi=dpi))).convert("RGB"))
    (left, low), (right, high) = figure.axes[0].get_position().get_points()
    edges = [left, right, 1 - high, 1 - low]  # rows of pixels run downwards
    first_x, last_x, first_y, last_y = np.multiply(edges, np.repeat(pixels.shape[1::-1], 2))
    inner_x = slice(int(0.7 * first_x + 0.3 * last_x), int(0.3 * first_x + 0.7 * last_x))
    inner_y = slice(int(0.7 * first_y + 0.3 * last_y), int(0.3 * first_y + 0.7 * last_y))
    inner = pixels[inner_y, inner_x].reshape(-1, 3).astype(int)
    assert len(inner) > 1_000
    assert np.ptp(inner, axis=0).max() <= 8


@pytest.mark.parametrize(
    ("is_x_reversed", "is_y_reversed"), [(False, False), (True, False), (False, True)]
)
def test_first_row_and_column_lie_as_on_screen(is_x_reversed: bool, is_y_reversed: bool) -> None:
    screen = replace(SCREEN, is_x_reversed=is_x_reversed, is_y_reversed=is_y_reversed)
    figure = draw_rows([Row("", (panel(),))], screen)
    axes = figure.axes[0]
    first, last = axes.transData.transform(screen.place(np.array([[0.0, 0.0], [5.0, 15.0]])))
    # Pixels of matplotlib grow to the right and upwards.
    assert (last[0] > first[0]) is not is_x_reversed
    assert (last[1] < first[1]) is not is_y_reversed


def test_a_micrometre_is_as_long_in_both_directions() -> None:
    figure = draw_rows([Row("", (panel(), panel("Enhanced")))], SCREEN)
    for axes in figure.axes[:2]:
        origin, right, down = axes.transData.transform([[0.0, 0.0], [100.0, 0.0], [0.0, 100.0]])
        assert abs(right[0] - origin[0]) == pytest.approx(abs(down[1] - origin[1]))


@pytest.mark.parametrize("width_mm", [60.0, 85.0, 180.0])
def test_figure_is_as_wide_as_asked(width_mm: float) -> None:
    figure = draw_rows([Row("Mbp", (panel(),))], SCREEN, look=PrintLook(width_mm=width_mm))
    assert figure.get_size_inches()[0] * 25.4 == pytest.approx(width_mm)


def test_all_text_has_the_size_asked_for() -> None:
    figure = draw_rows(
        [Row("Mbp", (panel(), panel("Enhanced")))], SCREEN, look=PrintLook(font_pt=6.5)
    )
    ticks = [label for axes in figure.axes[2:] for label in axes.get_yticklabels()]
    assert {text.get_fontsize() for text in [*figure.texts, *ticks]} == {6.5}


def test_maps_that_share_their_colours_share_one_bar() -> None:
    one = draw_rows([Row("", (panel(), panel("Enhanced")))], SCREEN)
    assert len(one.axes) == 3
    other = replace(panel("Uncertainty"), limits=(0.0, 9.0))
    assert len(draw_rows([Row("", (panel(), other))], SCREEN).axes) == 4


def test_colour_bar_tells_unit_and_that_values_go_on() -> None:
    figure = draw_rows([Row("", (panel(unit="UMI counts"),))], SCREEN)
    assert "UMI counts" in words(figure)
    labels = [label.get_text() for label in figure.axes[1].get_yticklabels()]
    assert labels[0] == "0"
    assert labels[-1] == "≥ 3"


def test_same_value_has_the_same_colour_in_every_panel_of_a_row() -> None:
    figure = draw_rows([Row("", (panel(), replace(panel(), title="Enhanced")))], SCREEN)
    figure.draw_without_rendering()
    first, second = (drawn.get_facecolor() for drawn in sites(figure))
    assert np.array_equal(first, second)


def test_difference_is_pale_at_zero() -> None:
    values = np.linspace(-1.0, 1.0, len(shifted()), dtype=np.float32)
    values[10] = 0.0
    given = MapPanel("D", shifted(), values, kind="diverging", limits=(-1.0, 1.0))
    figure = draw_rows([Row("", (given,))], SCREEN)
    figure.draw_without_rendering()
    assert sites(figure)[0].get_facecolor()[10][:3].min() > 0.95


def test_scale_bar_is_as_long_as_it_says() -> None:
    figure = draw_rows([Row("", (panel(),))], SCREEN, look=PrintLook(width_mm=80))
    (bar,) = (line for line in figure.artists if line.get_gid() == "scale-bar")
    drawn_px = np.ptp(
        figure.transFigure.transform(np.column_stack([bar.get_xdata(), [0, 0]]))[:, 0]
    )
    a, b = figure.axes[0].transData.transform([[0.0, 0.0], [200.0, 0.0]])
    assert "200 µm" in words(figure)
    assert drawn_px == pytest.approx(b[0] - a[0])


def test_scale_bar_counts_spots_where_the_distance_is_unknown() -> None:
    screen = replace(SCREEN, is_um=False)
    assert any(text.endswith(" spots") for text in words(draw_rows([Row("", (panel(),))], screen)))


def test_no_scale_bar_if_not_wanted() -> None:
    figure = draw_rows([Row("", (panel(),))], SCREEN, look=PrintLook(scale_bar=False))
    assert not figure.artists


def test_long_gene_name_is_shrunk_to_its_room_not_cut() -> None:
    name = "ENSG00000123456-a/very<long>'name', with \"quotes\" & $math$_x"
    figure = draw_rows([Row(name, (panel(),))], SCREEN, look=PrintLook(width_mm=40, font_pt=9))
    (heading,) = (text for text in figure.texts if text.get_text() == name)
    assert heading.get_window_extent().x1 <= figure.bbox.x1


def test_titles_are_written_once_and_rows_lettered() -> None:
    rows = [Row(gene, (panel(), panel("Enhanced"))) for gene in ("Mbp", "Plp1")]
    told = words(draw_rows(rows, SCREEN, look=PrintLook(letters=True)))
    assert told.count("Measured") == 1
    assert [text for text in told if text in ("a", "b", "Mbp", "Plp1")] == ["a", "Mbp", "b", "Plp1"]


def test_categories_have_a_legend_and_colours_of_their_own() -> None:
    values = (np.arange(len(shifted())) % 3).astype(np.float32)
    given = MapPanel(
        "Domains", shifted(), values, kind="categories", categories=("layer 1", "layer 2", "white")
    )
    figure = draw_rows([Row("", (given,))], SCREEN)
    figure.draw_without_rendering()
    assert {"layer 1", "layer 2", "white"} <= set(words(figure))
    assert len({tuple(colour) for colour in sites(figure)[0].get_facecolor()}) == 3


def test_scores_show_value_ceiling_and_chance() -> None:
    given = BarPanel(
        "Scores", ("stEnTrans", "linear"), (0.62, float("nan")), ceiling=0.8, chance=0.1
    )
    figure = draw_rows([Row("Mbp", (given,))], SCREEN)
    assert {"stEnTrans 0.62", "linear –"} <= set(words(figure))
    assert figure.axes[0].patches[1].get_width() == pytest.approx(0.62)


def test_places_without_a_panel_stay_empty() -> None:
    figure = draw_rows([Row("", (panel(), panel())), Row("", (panel(), None))], SCREEN)
    assert len(sites(figure)) == 3


def test_picture_lies_below_its_spots() -> None:
    # Row r, column c of the array lies at pixel (10 + c, 20 + 2 r), mirrored left to right.
    pixels = np.zeros((40, 40, 3), np.uint8)
    to_array = np.array([[0.0, 0.5, -10.0], [-1.0, 0.0, 26.0]])
    figure = draw_rows([Row("", (panel(),))], SCREEN, picture=Picture(pixels, to_array))
    axes = figure.axes[0]
    (image,) = (child for child in axes.get_children() if isinstance(child, AxesImage))
    found = image.get_transform().transform(np.array([[26.0, 20.0], [11.0, 30.0]]))
    expected = axes.transData.transform(SCREEN.place(np.array([[0.0, 0.0], [5.0, 15.0]])))
    assert found == pytest.approx(expected)
    assert image.get_zorder() < sites(figure)[0].get_zorder()


@pytest.mark.parametrize(
    ("look", "match"),
    [
        ({"width_mm": 20.0}, "`width_mm` must be between 40 and 400; got 20"),
        ({"font_pt": 2.0}, "`font_pt` must be between 4 and 24; got 2"),
        ({"colours": "jet"}, "colours must be one of viridis"),
        ({"marks": "stars"}, "marks must be one of tiles, spots"),
    ],
)
def test_unprintable_look_is_refused(look: dict[str, object], match: str) -> None:
    with pytest.raises(ParameterError, match=match):
        PrintLook(**look)  # type: ignore[arg-type]


def test_too_many_panels_for_the_width_are_refused_with_the_width_needed() -> None:
    row = Row("", tuple(replace(panel(), limits=(0.0, float(i + 1))) for i in range(6)))
    with pytest.raises(ParameterError, match=r"`width_mm` must be at least \d+ for 6 panels"):
        draw_rows([row], SCREEN, look=PrintLook(width_mm=60))


def test_rows_of_different_length_are_refused() -> None:
    with pytest.raises(ParameterError, match="same number in every row; got 1, 2"):
        draw_rows([Row("", (panel(),)), Row("", (panel(), panel()))], SCREEN)


def test_settings_of_the_caller_neither_change_nor_matter() -> None:
    plain = draw_rows([Row("Mbp", (panel(),))], SCREEN).to_bytes("svg")
    with mpl.rc_context({"font.size": 30, "svg.fonttype": "path", "font.family": "serif"}):
        before = dict(mpl.rcParams)
        strange = draw_rows([Row("Mbp", (panel(),))], SCREEN).to_bytes("svg")
        assert dict(mpl.rcParams) == before
    assert strange == plain
