"""Values, colours, proportions and orientation are read back from the figure."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from stentrans.figures.bricks import colour_codes, colour_limits, lay_bricks
from stentrans.figures.maps import SitePanel, site_maps
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


def draw(*panels: SitePanel, screen: Screen = SQUARE):
    return site_maps(panels, screen, gene="Mbp", unit="log1p", colours=LIGHT, revision="section")


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


def test_no_site_is_clear_and_every_value_is_not() -> None:
    figure = draw(panel(hexagonal(6, 8), ramp(hexagonal(6, 8))))
    scale = figure.layout.coloraxis.colorscale
    assert scale[0] == (0.0, "rgba(0,0,0,0)")
    assert scale[1][1] == "rgba(0,0,0,0)"
    assert scale[1][0] < 1 / 255
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == (0, 255)
    assert colour_codes(np.array([0.0, 1.0]), (0.0, 1.0)).tolist() == [1, 255]


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


def test_zoom_is_kept_for_the_same_section() -> None:
    array = hexagonal(6, 8)
    assert draw(panel(array, ramp(array))).layout.uirevision == "section"


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
    figure = site_maps(
        [panel(array, ramp(array))],
        SQUARE,
        gene="<a href='x'>",
        unit="log1p",
        colours=LIGHT,
        revision="section",
    )
    assert "<a" not in json.dumps(figure.to_plotly_json()["data"][1]["hovertemplate"])
