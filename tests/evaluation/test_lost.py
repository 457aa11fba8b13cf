"""Lost areas filled, and the same shapes hidden elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

import stentrans
from stentrans.errors import ParameterError
from stentrans.evaluation.lost import Filled, areas_of, fill, like_areas
from stentrans.lattice import find_gaps, fit_lattice
from stentrans.section import check_section, lattice_of

BLOCK = [(row, column) for row in range(6, 9) for column in range(6, 10)]


@pytest.fixture(scope="module")
def gaps(section):
    return find_gaps(lattice_of(section))


@pytest.fixture(scope="module")
def filled(section, gaps) -> Filled:
    return fill(section, gaps, method="nearest", rivals=("linear",), repeats=2)


def shape_of(places):
    return {tuple(place) for place in (places - places.min(0)).tolist()}


def test_lost_positions_are_predicted_and_marked_as_gaps(section, gaps, filled) -> None:
    sites = filled.enhancement.sites
    is_gap = (sites["origin"] == "gap").to_numpy()
    found = sites.loc[is_gap, ["array_row", "array_col"]].to_numpy()
    assert {tuple(place) for place in found} == {tuple(place) for place in gaps.tolist()}
    assert (filled.enhancement.expression("Ring-03")[is_gap] >= 0).all()
    assert (sites["origin"] == "measured").sum() == section.n_obs


def test_measured_spot_that_is_declared_lost_is_not_used(section) -> None:
    other = check_section(section)
    spots = lattice_of(other).find(np.array(BLOCK))
    spots = spots[spots >= 0]
    counts = other.X.tolil()
    counts[spots] = counts[spots] * 50
    other.X = counts.tocsr()
    one = fill(section, BLOCK, method="linear", rivals=(), repeats=1)
    two = fill(other, BLOCK, method="linear", rivals=(), repeats=1)
    np.testing.assert_array_equal(
        one.enhancement.expression("Ring-03"), two.enhancement.expression("Ring-03")
    )
    assert len(one.enhancement.sites) == len(
        np.unique(np.concatenate([lattice_of(section).array, BLOCK]), axis=0)
    )


def test_small_area_is_copied_until_there_is_enough_to_score() -> None:
    row, column = np.meshgrid(np.arange(16), np.arange(16), indexing="ij")
    lattice = fit_lattice(np.column_stack([row.ravel(), column.ravel()]))
    corner = np.array([(0, 0), (0, 1), (1, 0), (2, 0)])
    assert len(like_areas(lattice, [corner], np.random.default_rng(0))) == 32
    assert len(like_areas(lattice, [np.array(BLOCK)], np.random.default_rng(0))) == 36


def test_large_area_is_copied_once_and_keeps_its_shape() -> None:
    row, column = np.meshgrid(np.arange(20), np.arange(20), indexing="ij")
    array = np.column_stack([row.ravel(), column.ravel()])
    lost = np.array([(r, c) for r in range(3, 8) for c in range(3, 10)])
    is_lost = (array[:, None] == lost[None]).all(2).any(1)
    lattice = fit_lattice(array[~is_lost])
    hidden = like_areas(lattice, [lost], np.random.default_rng(1))
    assert shape_of(lattice.array[hidden]) == shape_of(lost)
    assert lattice.find(lost).max() == -1


def test_hole_is_moved_to_where_it_is_surrounded() -> None:
    row, column = np.meshgrid(np.arange(12), np.arange(12), indexing="ij")
    lattice = fit_lattice(np.column_stack([row.ravel(), column.ravel()]))
    lost = np.array([(r, c) for r in range(6) for c in range(6)])
    for seed in range(5):
        hidden = like_areas(lattice, [lost], np.random.default_rng(seed))
        assert lattice.array[hidden].min() >= 1
        assert lattice.array[hidden].max() <= 10


def test_hexagonal_shape_keeps_the_parity(hexagonal_array) -> None:
    section = stentrans.simulate(lattice="hexagonal", n_rows=12, n_cols=24)
    lattice = lattice_of(section)
    lost = np.array([(5, 9), (5, 11), (6, 10), (4, 10)])
    hidden = like_areas(lattice, areas_of(lattice, lost), np.random.default_rng(0))
    assert len(hidden) == 32


def test_score_of_the_test_areas_comes_with_bounds_over_places(filled) -> None:
    rows = filled.judgement.means.set_index(["method", "metric"])
    low, high = rows.loc[("nearest", "log_normalised"), ["low", "high"]]
    assert low < high
    assert len(filled.places) == 2
    assert len(filled.places[0]) >= 30


def test_saved_area_loads_as_it_was(filled, tmp_path) -> None:
    filled.save(tmp_path)
    again = Filled.load(tmp_path)
    np.testing.assert_array_equal(again.places[1], filled.places[1])
    np.testing.assert_array_equal(
        again.enhancement.expression("Ring-03"), filled.enhancement.expression("Ring-03")
    )


@pytest.mark.parametrize(
    ("lost", "words"),
    [
        (np.zeros((0, 2)), "none is given"),
        ([(3.5, 4)], "row 3.5, column 4 is none"),
        ([(r, c) for r in range(20) for c in range(12)], "smaller than a third"),
    ],
    ids=["nothing", "between", "too much"],
)
def test_useless_area_is_refused(section, lost, words) -> None:
    with pytest.raises(ParameterError, match=words):
        fill(section, lost, method="nearest")


def test_position_of_the_wrong_parity_is_refused() -> None:
    section = stentrans.simulate(lattice="hexagonal", n_rows=12, n_cols=20)
    with pytest.raises(ParameterError, match="hexagonal lattice; row 4, column 5"):
        fill(section, [(4, 5)], method="nearest")
