from __future__ import annotations

import re

import numpy as np
import pytest

from stentrans.figures.colours import LOWEST, NO_SITE
from stentrans.figures.pair import LEVELS, pair_axis, pair_codes, pair_legend
from stentrans.figures.theme import DARK, LIGHT, Theme

LIMITS = ((0.0, 2.0), (1.0, 5.0))


def colour(codes: np.ndarray, colours: Theme) -> np.ndarray:
    """What the axis shows for codes, as a browser would look it up."""
    places = [place for place, _ in pair_axis(colours)["colorscale"]]
    shades = [shade for _, shade in pair_axis(colours)["colorscale"]]
    at = np.searchsorted(places, codes / 255, side="right") - 1
    return np.array([[int(n) for n in re.findall(r"\d+", shades[i])] for i in at])


def test_codes_tell_both_genes() -> None:
    first, second = np.array([0.0, 2.0, 0.0, 2.0]), np.array([1.0, 1.0, 5.0, 5.0])
    codes = pair_codes(first, second, LIMITS) - LOWEST
    assert (codes // LEVELS).tolist() == [0, LEVELS - 1, 0, LEVELS - 1]
    assert (codes % LEVELS).tolist() == [0, 0, LEVELS - 1, LEVELS - 1]


def test_beyond_the_limits_is_the_end_and_nan_is_no_site() -> None:
    codes = pair_codes(np.array([-9.0, np.nan]), np.array([99.0, 1.0]), LIMITS)
    assert codes.tolist() == [LOWEST + LEVELS - 1, NO_SITE]


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_neither_is_like_the_page_and_all_corners_differ(colours: Theme) -> None:
    corners = pair_codes(np.array([0.0, 2, 0, 2]), np.array([1.0, 1, 5, 5]), LIMITS)
    seen = colour(corners, colours)
    page = np.array([int(colours.page[i : i + 2], 16) for i in (1, 3, 5)])
    assert np.abs(seen[0] - page).max() < 50
    apart = np.abs(seen[:, None] - seen[None]).max(axis=-1) + 255 * np.eye(4)
    assert apart.min() > 80


def test_legend_shows_every_mixture_with_both_names_as_text() -> None:
    figure = pair_legend(("A<b>", "B"), LIMITS, "log1p", LIGHT)
    assert np.array_equal(np.sort(figure.data[0].z.ravel()), LOWEST + np.arange(LEVELS**2))
    # To the right the first gene rises, upwards the second.
    assert figure.data[0].z[0, 1] == LOWEST + LEVELS
    assert figure.data[0].z[1, 0] == LOWEST + 1
    assert figure.layout.xaxis.title.text == "A&lt;b>"
    assert figure.layout.yaxis.ticktext[-1] == "≥ 5"
