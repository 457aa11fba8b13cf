"""Holes, empty positions and the distance to the outline."""

from __future__ import annotations

import numpy as np
import pytest

from stentrans.lattice import edge_distance, find_empty, find_gaps, find_holes, fit_lattice
from stentrans.lattice.outline import hole_depth


def square(n_rows, n_cols, *, without=()):
    row, col = np.meshgrid(np.arange(n_rows), np.arange(n_cols), indexing="ij")
    array = np.column_stack([row.ravel(), col.ravel()])
    return fit_lattice(array[[tuple(place) not in set(without) for place in array.tolist()]])


def test_neighbouring_gaps_are_one_hole_and_the_largest_comes_first() -> None:
    lattice = square(9, 9, without=[(1, 1), (4, 4), (4, 5), (5, 4), (7, 7)])
    holes = find_holes(lattice)
    assert [len(hole) for hole in holes] == [3, 1, 1]
    assert holes[0].tolist() == [[4, 4], [4, 5], [5, 4]]
    assert sum(map(len, holes)) == len(find_gaps(lattice))


def test_holes_that_touch_at_corners_only_are_apart_on_a_square_lattice() -> None:
    assert len(find_holes(square(6, 6, without=[(2, 2), (3, 3)]))) == 2


def test_hexagonal_hole_is_one(hexagonal_array) -> None:
    assert [len(hole) for hole in find_holes(fit_lattice(hexagonal_array))] == [7]


def test_section_without_holes_has_none() -> None:
    assert find_holes(square(5, 5)) == []


def test_empty_positions_are_gaps_and_notches_but_not_beyond_the_section() -> None:
    lattice = square(6, 6, without=[(0, 0), (3, 3)])
    assert find_empty(lattice).tolist() == [[0, 0], [3, 3]]


def test_empty_hexagonal_positions_keep_the_parity(hexagonal_array) -> None:
    empty = find_empty(fit_lattice(hexagonal_array))
    assert (empty.sum(1) % 2 == 0).all()
    assert len(empty) == 7


def test_edge_distance_counts_spacings_from_outside() -> None:
    distance = edge_distance(square(5, 5)).reshape(5, 5)
    assert distance[0].tolist() == [1.0] * 5
    assert distance[2, 2] == 3.0


def test_hole_is_no_outside() -> None:
    lattice = square(7, 7, without=[(3, 3)])
    at = lattice.array.tolist().index([3, 2])
    assert edge_distance(lattice)[at] == 3.0


def test_edge_distance_of_a_thinned_section_counts_its_own_spacings() -> None:
    distance = edge_distance(fit_lattice(2 * square(5, 5).array))
    assert distance.max() == 3.0


@pytest.mark.parametrize(("gaps", "depth"), [([(3, 3)], 1.0), ([], 0.0)], ids=["one", "none"])
def test_hole_depth_is_the_way_to_the_nearest_spot(gaps, depth) -> None:
    lattice = square(7, 7, without=gaps)
    assert hole_depth(lattice, np.array(gaps, np.int64).reshape(-1, 2)) == depth
