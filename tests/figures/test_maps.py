"""Values, colours, proportions and orientation are read back from the figure."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from stentrans.figures.bricks import lay_bricks, outline
from stentrans.figures.colours import FAINT, Scale, colour_codes, colour_limits
from stentrans.figures.map_layout import TITLE_PX, Grid
from stentrans.figures.maps import site_maps
from stentrans.figures.panel import Look, SitePanel, Underlay
from stentrans.figures.screen import Screen, screen_of
from stentrans.figures.theme import LIGHT

TO_UM = np.array([[0.0, 50.0, 0.0], [86.6, 0.0, 0.0]])
SQUARE = Screen(200.0, 200.0)


def hexagonal(n_rows: int, n_cols: int, factor: int = 1) -> NDArray[np.float64]:
    row, col = np.meshgrid(np.arange(n_rows * factor), np.arange(n_cols * factor), indexing="ij")
    kept = (row + col) % 2 == 0
    return np.column_stack([row[kept], col[kept]]) / factor


def panel(array: NDArray[np.float64], values: NDArray[np.float32]) -> SitePanel:
    is_whole = (array % 1 == 0).all(axis=1) & (array.sum(axis=1) % 2 == 0)
    return SitePanel("Title", "note", array, values, np.where(is_whole, "measured", "inserted"))


def draw(*panels: SitePanel, screen: Screen = SQUARE, look: Look | None = None):
    scale = Scale(colour_limits(panels[0].values), "log1p")
    return site_maps(panels, screen, scales=[scale], look=look or Look()).figure


def ramp(array: NDArray[np.float64]) -> NDArray[np.float32]:
    return (10 * array[:, 0] + array[:, 1]).astype(np.float32)


def test_each_hexagonal_spot_owns_two_half_columns() -> None:
    array = np.array([[0, 0], [0, 2], [1, 1], [1, 3]], float)
    bricks = lay_bricks(array, np.array([1, 2, 3, 4], np.uint8))
    assert bricks.codes.tolist() == [[1, 1, 2, 2, 0], [0, 3, 3, 4, 4]]
    assert (bricks.col0, bricks.col_step) == (-0.5, 1.0)


def test_square_spot_owns_one_cell() -> None:
    array = np.array([[0, 0], [0, 1], [1, 1]], float)
    bricks = lay_bricks(array, np.array([1, 2, 3], np.uint8))
    assert bricks.codes.tolist() == [[1, 2], [0, 3]]


def test_thinned_lattice_leaves_no_empty_cells() -> None:
    bricks = lay_bricks(hexagonal(6, 8) * 2, np.full(24, 7, np.uint8))
    assert bricks.row_step == 2.0
    assert np.count_nonzero(bricks.codes == 0) == 6  # the staggered ends of six rows


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_enhanced_tiles_are_finer_by_the_factor(factor: int) -> None:
    array = hexagonal(6, 8, factor)
    bricks = lay_bricks(array, np.full(len(array), 7, np.uint8))
    assert bricks.row_step == pytest.approx(1 / factor)
    assert np.count_nonzero(bricks.codes) == 2 * len(array)


@pytest.mark.parametrize(
    "array", [[[3.0, 4.0]], [[0.0, 0.0], [0.0, 2.0]], [[0.0, 1.0], [1.0, 1.0]]]
)
def test_degenerate_sections_are_drawn(array: list[list[float]]) -> None:
    bricks = lay_bricks(np.array(array), np.full(len(array), 9, np.uint8))
    assert np.count_nonzero(bricks.codes) == len(array)


def test_outline_goes_around_the_tiles_that_belong() -> None:
    array = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
    lines = outline(lay_bricks(array, np.array([1, 1, 0, 0], np.uint8))).reshape(-1, 3, 2)
    ends = {tuple(map(tuple, line[:2].tolist())) for line in lines}
    assert ends == {
        ((-0.5, -0.5), (-0.5, 1.5)),
        ((0.5, -0.5), (0.5, 1.5)),
        ((-0.5, -0.5), (0.5, -0.5)),
        ((-0.5, 1.5), (0.5, 1.5)),
    }
    assert np.isnan(lines[:, 2]).all()


def test_no_site_is_clear_and_every_value_is_not() -> None:
    figure = draw(panel(hexagonal(6, 8), ramp(hexagonal(6, 8))))
    scale = figure.layout.coloraxis.colorscale
    assert scale[0] == (0.0, "rgba(0,0,0,0)")
    assert scale[1][1] == "rgba(0,0,0,0)"
    assert scale[1][0] < 1 / 255
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == (0, 255)
    assert colour_codes(np.array([0.0, 1.0]), (0.0, 1.0)).tolist() == [2, 255]


def test_missing_value_has_no_tile() -> None:
    assert colour_codes(np.array([np.nan, 0.5]), (0.0, 1.0)).tolist() == [0, 128]


def test_same_value_has_the_same_colour_in_every_panel() -> None:
    measured, fine = hexagonal(6, 8), hexagonal(6, 8, 2)
    figure = draw(panel(measured, ramp(measured)), panel(fine, ramp(fine)))
    first, second = (trace for trace in figure.data if trace.type == "heatmap")
    assert first.coloraxis == second.coloraxis == "coloraxis"
    # Row 2, column 4 is measured in both: row 2 of the coarse tiles, row 4 of the fine ones.
    assert first.z[2, 4] == second.z[4, 8]


def test_limits_come_from_measured_values_only() -> None:
    measured, fine = hexagonal(6, 8), hexagonal(6, 8, 2)
    quiet = draw(panel(measured, ramp(measured)), panel(fine, ramp(fine)))
    loud = draw(panel(measured, ramp(measured)), panel(fine, 100 * ramp(fine)))
    ticks = quiet.layout.coloraxis.colorbar.ticktext
    assert ticks == loud.layout.coloraxis.colorbar.ticktext
    assert ticks[-1].startswith("≥")


@pytest.mark.parametrize(
    ("values", "limits"),
    [
        (np.arange(101.0), (1.0, 99.0)),
        (np.array([0.0] * 200 + [3.0]), (0.0, 3.0)),
        (np.zeros(5), (0.0, 1.0)),
        (np.full(3, np.nan), (0.0, 1.0)),
    ],
    ids=["percentiles", "rare", "zero", "nothing"],
)
def test_limits_of_any_gene_are_apart(
    values: NDArray[np.float64], limits: tuple[float, float]
) -> None:
    assert colour_limits(values) == limits


def test_value_of_a_spot_can_be_read_from_its_point() -> None:
    array = hexagonal(6, 8)
    figure = draw(panel(array, ramp(array)))
    points = figure.data[1]
    assert points.type == "scattergl"
    assert points.name == "measured"
    at = np.flatnonzero((points.customdata[:, 1] == 3) & (points.customdata[:, 2] == 5))
    assert points.customdata[at, 0].tolist() == [35.0]


def test_origins_have_points_of_their_own() -> None:
    fine = hexagonal(6, 8, 2)
    figure = draw(panel(fine, ramp(fine)))
    assert [trace.name for trace in figure.data[1:]] == ["measured", "inserted"]
    assert sum(len(trace.x) for trace in figure.data[1:]) == len(fine)


def test_full_section_at_four_times_stays_below_the_payload_limit() -> None:
    measured, fine = hexagonal(78, 128), hexagonal(78, 128, 4)
    values = np.random.default_rng(0).normal(size=len(fine)).astype(np.float32)
    one = draw(panel(measured, ramp(measured)))
    both = draw(panel(measured, ramp(measured)), panel(fine, values))
    assert len(one.to_json()) < 300_000
    assert len(both.to_json()) - len(one.to_json()) < 300_000


@pytest.mark.parametrize(("n_rows", "n_cols"), [(78, 86), (78, 112)])
def test_twice_as_fine_with_deviations_stays_below_the_payload_limit(
    n_rows: int, n_cols: int
) -> None:
    measured, fine = hexagonal(n_rows, n_cols), hexagonal(n_rows, n_cols, 2)
    values = np.random.default_rng(0).normal(size=len(fine)).astype(np.float32)
    one = draw(panel(measured, ramp(measured)))
    both = draw(panel(measured, ramp(measured)), replace(panel(fine, values), sd=values))
    assert len(both.to_json()) - len(one.to_json()) < 300_000


def test_deviations_of_a_map_too_large_to_send_them_are_left_out() -> None:
    fine = hexagonal(78, 112, 2)
    points = draw(replace(panel(fine, ramp(fine)), sd=ramp(fine))).data[1]
    assert points.customdata.shape[1] == 1
    assert "±" not in points.hovertemplate


def test_deviation_of_a_site_can_be_read_from_its_point() -> None:
    array = hexagonal(6, 8)
    deviations = (ramp(array) / 100).astype(np.float32)
    points = draw(replace(panel(array, ramp(array)), sd=deviations)).data[1]
    assert "± %{customdata[1]:.2g} (sd, log scale)" in points.hovertemplate
    assert "row %{customdata[2]" in points.hovertemplate
    at = np.flatnonzero((points.customdata[:, 2] == 3) & (points.customdata[:, 3] == 5))
    assert points.customdata[at, 1].tolist() == pytest.approx([0.35])


def test_proportions_are_true_and_axes_are_linked() -> None:
    array = hexagonal(6, 8)
    layout = draw(*[panel(array, ramp(array))] * 3).layout
    assert (layout.yaxis.scaleanchor, layout.yaxis.scaleratio) == ("x", 1)
    assert (layout.xaxis2.matches, layout.yaxis3.matches) == ("x", "y")
    assert layout.yaxis2.scaleanchor is None
    assert {layout[f"{axis}axis{i}"].constrain for axis in "xy" for i in ("", 2, 3)} == {"domain"}


def on_screen(screen: Screen, to_pixels: NDArray[np.float64]) -> tuple[bool, bool]:
    """Say whether right on screen is right in the picture, and down is down."""
    array = hexagonal(20, 30)
    layout = draw(panel(array, ramp(array)), screen=screen).layout
    places = screen.place(array)
    pixels = array @ to_pixels[:, :2].T
    right = np.sign(layout.xaxis.range[1] - layout.xaxis.range[0])
    down = np.sign(layout.yaxis.range[0] - layout.yaxis.range[1])
    return (
        bool(np.corrcoef(right * places[:, 0], pixels[:, 0])[0, 1] > 0.99),
        bool(np.corrcoef(down * places[:, 1], pixels[:, 1])[0, 1] > 0.99),
    )


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("x_sign", [1, -1])
@pytest.mark.parametrize("y_sign", [1, -1])
def test_map_is_oriented_like_the_picture(swapped: bool, x_sign: int, y_sign: int) -> None:
    x, y = x_sign * 137.0, y_sign * 237.0
    to_pixels = (
        np.array([[1.7 * x, 2.0, 9.0], [3.0, 0.6 * y, 5.0]])
        if swapped
        else np.array([[2.0, x, 9.0], [y, 3.0, 5.0]])
    )
    screen = screen_of(TO_UM, to_pixels, pitch_um=100.0)
    assert screen.is_swapped is swapped
    assert on_screen(screen, to_pixels) == (True, True)


def test_section_without_pixels_has_rows_downwards() -> None:
    screen = screen_of(TO_UM / 100, None, pitch_um=None)
    assert not screen.is_um
    layout = draw(panel(hexagonal(6, 8), ramp(hexagonal(6, 8))), screen=screen).layout
    assert layout.yaxis.range[0] > layout.yaxis.range[1]
    assert layout.annotations[-1].text.endswith("spots")


def test_swapped_section_has_its_tiles_turned() -> None:
    array = hexagonal(6, 8)
    figure = draw(panel(array, ramp(array)), screen=Screen(86.6, 50.0, is_swapped=True))
    assert figure.data[0].z.shape == (9, 6)
    assert figure.data[0].dx == pytest.approx(86.6)


def test_scale_bar_is_as_long_as_it_says() -> None:
    array = hexagonal(40, 60)
    layout = draw(panel(array, ramp(array)), screen=Screen(86.6, 50.0)).layout
    assert layout.annotations[-1].text == "500 µm"
    assert abs(layout.shapes[0].x1 - layout.shapes[0].x0) == 500


def test_map_still_to_come_says_so() -> None:
    array = hexagonal(6, 8)
    waiting = SitePanel(
        "Enhanced", "being computed", np.empty((0, 2)), np.empty(0, np.float32), np.empty(0, str)
    )
    figure = draw(panel(array, ramp(array)), waiting)
    assert any("being computed" in note.text for note in figure.layout.annotations)


def test_gene_name_is_shown_as_text_only() -> None:
    array = hexagonal(6, 8)
    figure = draw(replace(panel(array, ramp(array)), gene="<a href='x'>"))
    assert "<a" not in json.dumps(figure.to_plotly_json()["data"][1]["hovertemplate"])


def test_veiled_site_has_a_colour_that_no_value_has() -> None:
    array = hexagonal(6, 8)
    is_faint = np.arange(len(array)) == 0
    figure = draw(replace(panel(array, ramp(array)), is_faint=is_faint))
    assert figure.data[0].z[0, 0] == FAINT
    shades = [shade for place, shade in figure.layout.coloraxis.colorscale if place < 1.4 / 255]
    assert shades[-1] == LIGHT.veil
    # Its value can still be read.
    assert figure.data[1].customdata[0, 0] == ramp(array)[0]


def test_panel_with_limits_of_its_own_tells_them() -> None:
    array = hexagonal(6, 8)
    measured = panel(array, ramp(array))
    figure = draw(measured, replace(measured, limits=(0.0, 7.0)))
    assert "0 to 7" in figure.layout.annotations[1].text
    assert (figure.data[2].z >= figure.data[0].z).all()


def test_region_is_outlined_in_every_map() -> None:
    array = hexagonal(6, 8)
    chosen = array[:, 1] < 4
    lines = outline(lay_bricks(array, chosen.astype(np.uint8)))
    figure = draw(*[panel(array, ramp(array))] * 2, look=Look(outline=lines))
    regions = [trace for trace in figure.data if trace.name == "region"]
    # A wide line in the colour of the page below a narrow one in that of ink, on every map.
    assert [trace.xaxis for trace in regions] == ["x", "x", "x2", "x2"]
    reach = np.nanmax(regions[0].x)
    assert reach == pytest.approx(SQUARE.col_step * (array[chosen, 1].max() + 1))


def test_empty_region_draws_nothing() -> None:
    array = hexagonal(6, 8)
    figure = draw(panel(array, ramp(array)), look=Look(outline=np.empty((0, 2))))
    assert not [trace for trace in figure.data if trace.name == "region"]


@pytest.mark.parametrize("x_reversed", [False, True])
@pytest.mark.parametrize("y_reversed", [False, True])
def test_picture_lies_where_its_corner_is_on_screen(x_reversed: bool, y_reversed: bool) -> None:
    array = hexagonal(6, 8)
    screen = Screen(86.6, 50.0, is_x_reversed=x_reversed, is_y_reversed=y_reversed)
    extent = np.array([[-10.0, -20.0], [400.0, 450.0]])
    look = Look(underlay=Underlay("/media/a.webp", extent))
    layout = draw(*[panel(array, ramp(array))] * 2, screen=screen, look=look).layout
    assert [image.xref for image in layout.images] == ["x", "x2"]
    image = layout.images[0]
    assert (image.x, image.y) == (400.0 if x_reversed else -10.0, 450.0 if y_reversed else -20.0)
    assert (image.sizex, image.sizey) == (410.0, 470.0)
    assert (image.layer, image.xanchor, image.yanchor) == ("below", "left", "top")


def test_measured_spots_and_gaps_can_be_marked() -> None:
    fine = hexagonal(6, 8, 2)
    marked = draw(panel(fine, ramp(fine)), look=Look(marks_origin=True)).data[1:]
    assert [trace.marker.opacity > 0 for trace in marked] == [True, False]


@pytest.mark.parametrize(("width", "columns"), [(300, 1), (1040, 3), (1800, 3)])
def test_maps_stand_beside_each_other_where_there_is_room(width: int, columns: int) -> None:
    grid = Grid(3, 1.0, width)
    assert grid.columns == columns
    lefts = {domain[0] for name, domain in grid.domains().items() if name.startswith("x")}
    assert len(lefts) == columns


def test_swipe_lays_all_maps_in_one_place_with_one_picture() -> None:
    array = hexagonal(6, 8)
    extent = np.array([[0.0, 0.0], [400.0, 450.0]])
    look = Look(is_swipe=True, underlay=Underlay("/media/a.webp", extent))
    layout = draw(*[panel(array, ramp(array))] * 2, look=look).layout
    assert layout.xaxis.domain == layout.xaxis2.domain == (0, 1)
    assert layout.yaxis.domain == layout.yaxis2.domain
    assert len(layout.images) == 1
    assert [note.xanchor for note in layout.annotations[:2]] == ["left", "right"]


def test_many_maps_send_fewer_points() -> None:
    fine = hexagonal(40, 60, 2)
    figure = draw(*[panel(fine, ramp(fine))] * 12)
    points = sum(len(trace.x) for trace in figure.data if trace.type == "scattergl")
    assert points <= 3 * 20_000


def test_rows_of_maps_leave_room_for_titles() -> None:
    grid = Grid(6, 0.8, 1040)
    inner = grid.height_px - grid.margins["t"] - grid.margins["b"]
    domains = grid.domains()
    between = (domains["yaxis"][0] - domains["yaxis4"][1]) * inner
    assert between == pytest.approx(TITLE_PX, abs=1)
    assert domains["yaxis4"][0] >= 0


def test_colour_bars_on_a_phone_lie_above_each_other() -> None:
    layout = Grid(3, 1.0, 300, bars=("a", "b")).layout()
    assert layout["coloraxis.colorbar.orientation"] == "h"
    assert layout["coloraxis.colorbar.y"] > layout["coloraxis2.colorbar.y"]
    assert layout["margin"]["t"] > 2 * 60


def test_turning_four_times_changes_nothing() -> None:
    screen = Screen(86.6, 50.0, is_x_reversed=True)
    assert screen.turned().turned().turned().turned() == screen
    assert screen.flipped().flipped() == screen


def test_quarter_turn_brings_the_left_to_the_top() -> None:
    layout = draw(panel(hexagonal(6, 8), ramp(hexagonal(6, 8))), screen=SQUARE.turned()).layout
    left, top = SQUARE.turned().place(np.array([[5.0, 0.0]]))[0]  # was the lower left corner
    assert abs(left - layout.xaxis.range[0]) < abs(left - layout.xaxis.range[1])
    assert abs(top - layout.yaxis.range[1]) < abs(top - layout.yaxis.range[0])


def test_screen_and_array_positions_undo_each_other() -> None:
    array = np.array([[3.0, 7.0], [1.5, 0.5]])
    for screen in (Screen(86.6, 50.0), Screen(86.6, 50.0, is_swapped=True)):
        assert screen.to_array(screen.place(array)) == pytest.approx(array)
