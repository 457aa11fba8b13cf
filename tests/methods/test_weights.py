"""Interpolation weights against formulas written out and against known surfaces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentrans.lattice import enhanced_sites, fit_lattice
from stentrans.methods.weights import CubicWeights, LinearWeights, NearestWeights

ALL = [NearestWeights, LinearWeights, CubicWeights]
SQUARE = np.argwhere(np.ones((8, 9)))
HEXAGONAL = np.array([(r, c) for r in range(8) for c in range(r % 2, 18, 2)])
LATTICES = {"square": fit_lattice(SQUARE), "hexagonal": fit_lattice(HEXAGONAL)}


def every(lattice):
    return np.arange(lattice.n_spots)


@pytest.fixture(params=LATTICES)
def lattice(request):
    return LATTICES[request.param]


@pytest.mark.parametrize("kind", ALL)
def test_weights_sum_to_one_everywhere(kind, lattice, rng):
    sites = rng.uniform(-4, 22, (60, 2))
    np.testing.assert_allclose(kind(lattice, every(lattice))(sites).sum(axis=1), 1, atol=1e-9)


@pytest.mark.parametrize("kind", ALL)
def test_measured_spot_gets_its_own_value_only(kind, lattice):
    weights = kind(lattice, every(lattice))(lattice.array.astype(float))
    np.testing.assert_array_equal(weights.toarray(), np.eye(lattice.n_spots))


@pytest.mark.parametrize("kind", [LinearWeights, CubicWeights])
def test_outside_the_hull_the_nearest_spot_counts_alone(kind, lattice):
    sites = lattice.array.max(axis=0) + np.array([[1.0, 3.0], [9.0, 0.0], [0.3, 0.3]])
    nearest = NearestWeights(lattice, every(lattice))(sites)
    np.testing.assert_array_equal(kind(lattice, every(lattice))(sites).toarray(), nearest.toarray())


@pytest.mark.parametrize("kind", ALL)
def test_left_out_spots_get_no_weight(kind, lattice, rng):
    kept = every(lattice)[every(lattice) % 4 != 1]
    weights = kind(lattice, kept)(rng.uniform(0, 8, (50, 2))).toarray()
    assert (weights[:, np.setdiff1d(every(lattice), kept)] == 0).all()


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 1), st.floats(0, 1), st.sampled_from(["square", "hexagonal"]))
def test_linear_and_cubic_reproduce_a_plane_inside(row, col, name):
    lattice = LATTICES[name]
    height = lattice.array @ [2.0, -0.7] + 3
    inner = np.array([[3 + row, 5 + 2 * col]])
    for kind in (LinearWeights, CubicWeights):
        found = kind(lattice, every(lattice))(inner) @ height
        np.testing.assert_allclose(found, inner @ [2.0, -0.7] + 3, atol=1e-6)


def test_cubic_reproduces_a_parabola_away_from_the_border():
    lattice = LATTICES["square"]
    row, col = lattice.array.T
    sites = np.array([[3.25, 4.5], [2.1, 5.7], [4.0, 3.5]])
    found = CubicWeights(lattice, every(lattice))(sites) @ (row**2 - row * col + 0.5 * col**2)
    row, col = sites.T
    np.testing.assert_allclose(found, row**2 - row * col + 0.5 * col**2, atol=1e-9)


def test_cubic_half_way_has_keys_weights():
    weights = CubicWeights(LATTICES["square"], every(LATTICES["square"]))(np.array([[3.0, 4.5]]))
    found = weights.toarray().reshape(8, 9)[3, 3:7]
    np.testing.assert_allclose(found, np.array([-1, 9, 9, -1]) / 16)


def test_linear_in_the_middle_of_a_square_cell_averages_all_four_corners():
    lattice = LATTICES["square"]
    weights = LinearWeights(lattice, every(lattice))(np.array([[2.5, 3.5]]))
    np.testing.assert_allclose(weights.data, 0.25)
    assert weights.nnz == 4


def test_linear_does_not_depend_on_spot_order(lattice, rng):
    order = rng.permutation(lattice.n_spots)
    turned = fit_lattice(lattice.array[order])
    sites = enhanced_sites(lattice, 3).array
    straight = LinearWeights(lattice, every(lattice))(sites).toarray()
    other = LinearWeights(turned, every(turned))(sites).toarray()
    np.testing.assert_allclose(other, straight[:, order], atol=1e-6)


def test_nearest_takes_the_first_of_equally_near_spots():
    lattice = LATTICES["square"]
    weights = NearestWeights(lattice, every(lattice))(np.array([[2.5, 3.5], [2.6, 3.6]]))
    np.testing.assert_array_equal(weights.indices, [2 * 9 + 3, 3 * 9 + 4])


def test_linear_on_one_row_is_one_dimensional():
    lattice = fit_lattice([[4, c] for c in (0, 1, 2, 5, 6)])
    weights = LinearWeights(lattice, every(lattice))
    sites = np.array([[4, 0.25], [4, 3.0], [4, 6.0], [4, 9.0], [5, 1.0]])
    found = weights(sites) @ np.arange(5.0)
    np.testing.assert_allclose(found, [0.25, 2 + 1 / 3, 4.0, 4.0, 1.0])


@pytest.mark.parametrize("kind", ALL)
def test_no_sites_give_an_empty_matrix(kind, lattice):
    assert kind(lattice, every(lattice))(np.zeros((0, 2))).shape == (0, lattice.n_spots)


@pytest.mark.parametrize("kind", ALL)
def test_thinned_lattice_is_interpolated_in_its_own_steps(kind):
    thinned = fit_lattice(SQUARE * 2)
    sites = np.array([[2.5, 3.3], [4.0, 5.0]])
    np.testing.assert_allclose(
        kind(thinned, every(thinned))(sites * 2).toarray(),
        kind(LATTICES["square"], every(thinned))(sites).toarray(),
        atol=1e-9,
    )
