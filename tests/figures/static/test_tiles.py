"""Tiles leave no gap and do not overlap, on every lattice and at every factor."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from stentrans.figures.screen import Screen
from stentrans.figures.static.tiles import radius_of, tile_of

HEXAGONAL = Screen(row_step=100 * 3**0.5 / 2, col_step=50.0)
STAGGERED = Screen(row_step=50.0, col_step=50.0)
SQUARE = Screen(row_step=200.0, col_step=200.0)


def area(corners: NDArray[np.float64]) -> float:
    x, y = corners.T
    return float(abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2)


def shifted(n_rows: int, n_cols: int) -> NDArray[np.float64]:
    row, place = np.meshgrid(np.arange(n_rows), np.arange(n_cols), indexing="ij")
    return np.column_stack([row.ravel(), (2 * place + row % 2).ravel()]).astype(np.float64)


def straight(n_rows: int, n_cols: int) -> NDArray[np.float64]:
    return np.argwhere(np.ones((n_rows, n_cols))).astype(np.float64)


@pytest.mark.parametrize(
    ("array", "screen", "n_corners"),
    [
        (shifted(6, 8), HEXAGONAL, 6),
        (shifted(6, 8) / 2, HEXAGONAL, 6),
        (shifted(6, 8) / 3, HEXAGONAL, 6),
        (shifted(6, 8), STAGGERED, 6),
        (straight(5, 7), SQUARE, 4),
        (straight(5, 7) / 4, SQUARE, 4),
    ],
    ids=["hexagonal", "hexagonal x2", "hexagonal x3", "staggered", "square", "square x4"],
)
def test_tile_is_as_large_as_the_cell_of_its_lattice(
    array: NDArray[np.float64], screen: Screen, n_corners: int
) -> None:
    corners = tile_of(array, screen)
    assert len(corners) == n_corners
    places = screen.place(array)
    # A cell of a lattice has the area spanned by two steps: along a row, and to the next row.
    along = np.diff(np.unique(places[places[:, 1] == places[0, 1], 0])).min()
    across = np.diff(np.unique(places[:, 1])).min()
    assert area(corners) == pytest.approx(along * across)


def test_hexagon_of_visium_is_regular() -> None:
    corners = tile_of(shifted(6, 8), HEXAGONAL)
    sides = np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1)
    assert sides == pytest.approx(np.full(6, 100 / 3**0.5))


def test_staggered_array_has_square_cells() -> None:
    corners = tile_of(shifted(6, 8), STAGGERED)
    assert set(map(tuple, np.abs(np.rint(corners)).tolist())) == {(0.0, 50.0), (50.0, 0.0)}


def test_tile_turns_with_the_screen() -> None:
    turned = Screen(row_step=100 * 3**0.5 / 2, col_step=50.0, is_swapped=True)
    flat = tile_of(shifted(6, 8), HEXAGONAL)
    assert np.ptp(tile_of(shifted(6, 8), turned), axis=0) == pytest.approx(
        np.ptp(flat, axis=0)[::-1]
    )


def test_spots_do_not_touch() -> None:
    assert 2 * radius_of(shifted(6, 8), HEXAGONAL, 0.55) == pytest.approx(55.0)
    assert 2 * radius_of(straight(5, 7) / 2, SQUARE, 0.5) == pytest.approx(50.0)
