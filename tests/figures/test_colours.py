from __future__ import annotations

import re
from typing import get_args

import numpy as np
import pytest

from stentrans.figures.colours import (
    Palette,
    Scale,
    colour_axis,
    colour_limits,
    shades,
    symmetric_limits,
)
from stentrans.figures.theme import DARK, LIGHT, Theme


def test_extremes_are_limits_where_they_are_asked_for() -> None:
    assert colour_limits(np.arange(101.0), "extremes") == (0.0, 100.0)


@pytest.mark.parametrize(
    ("values", "reach"), [([-4.0, 1.0], 3.97), ([0.0, 0.0], 1.0), ([np.nan], 1.0)]
)
def test_limits_of_a_difference_lie_around_zero(values: list[float], reach: float) -> None:
    low, high = symmetric_limits(np.array(values))
    assert (low, high) == pytest.approx((-reach, reach))


def test_tiny_differences_do_not_fill_the_scale() -> None:
    assert symmetric_limits(np.array([-1e-7, 2e-7]), least=0.2) == (-0.2, 0.2)


def luminance(shade: str) -> float:
    numbers = [float(part) for part in re.findall(r"[\d.]+", shade)]
    if shade.startswith("#"):
        numbers = [int(shade[i : i + 2], 16) for i in (1, 3, 5)]
    parts = [
        c / 12.92 if c <= 0.04 else ((c + 0.055) / 1.055) ** 2.4
        for c in (part / 255 for part in numbers[:3])
    ]
    return float(np.dot(parts, [0.2126, 0.7152, 0.0722]))


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("palette", ["auto", "viridis", "cividis", "magma"])
def test_expression_is_never_the_colour_of_the_page(palette: Palette, colours: Theme) -> None:
    page = luminance(colours.page)
    for shade in shades(palette, colours):
        light, dark = sorted((luminance(shade), page), reverse=True)
        assert (light + 0.05) / (dark + 0.05) > 1.08, shade


@pytest.mark.parametrize("palette", ["auto", "viridis", "cividis", "magma"])
@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_higher_is_always_lighter(palette: Palette, colours: Theme) -> None:
    assert (np.diff([luminance(shade) for shade in shades(palette, colours)]) > 0).all()


def test_purples_let_the_picture_through_at_zero() -> None:
    low, high = shades("purples", LIGHT)[0], shades("purples", LIGHT)[-1]
    assert low.endswith(",0.000)")
    assert high.endswith(",0.950)")


@pytest.mark.parametrize("palette", get_args(Palette))
def test_every_palette_makes_a_whole_axis(palette: Palette) -> None:
    axis = colour_axis(Scale((0.0, 1.0), "log1p", palette), DARK)
    places = [place for place, _ in axis["colorscale"]]
    assert places == sorted(places)
    assert (places[0], places[-1]) == (0.0, 1.0)


def test_bar_says_that_values_beyond_its_ends_exist() -> None:
    words = colour_axis(Scale((1.0, 3.0), "log1p"), LIGHT)["colorbar"]["ticktext"]
    assert (words[0], words[-1]) == ("≤ 1", "≥ 3")
    whole = Scale((1.0, 3.0), "log1p", is_open=False)
    assert colour_axis(whole, LIGHT)["colorbar"]["ticktext"][0] == "1"


def test_bar_of_maps_with_their_own_scales_shows_no_numbers() -> None:
    bar = colour_axis(Scale((1.0, 3.0), "log1p", is_own=True), LIGHT)["colorbar"]
    assert not re.search(r"\d", "".join(bar["ticktext"]))
