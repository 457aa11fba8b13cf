"""Axial and raster coordinates, neighbours and look-ups."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stentrans.errors import ShapeError
from stentrans.lattice import fit_lattice


@st.composite
def lattices(draw):
    """Random subsets of a lattice of any kind, shifted and thinned."""
    kind = draw(st.sampled_from(["square", "hexagonal", "staggered"]))
    step = draw(st.sampled_from([1, 2, 3]))
    shift = draw(st.tuples(st.integers(-3, 9), st.integers(-3, 9)))
    full = np.argwhere(np.ones((7, 9)))
    if kind != "square":
        full = np.array([(r, c) for r in range(7) for c in range(r % 2, 16, 2)])
    keep = draw(st.lists(st.booleans(), min_size=len(full), max_size=len(full)))
    array = full[np.array(keep) | (np.arange(len(full)) < 20)] * step + shift
    pixels = array[:, ::-1] * 100.0 if kind == "staggered" else None
    return fit_lattice(array, pixels)


@settings(max_examples=50, deadline=None)
@given(lattices())
def test_axial_round_trip_returns_the_array(lattice):
    np.testing.assert_allclose(lattice.to_axial(lattice.array), lattice.axial, atol=1e-9)
    np.testing.assert_allclose(lattice.to_array(lattice.axial), lattice.array, atol=1e-9)


@settings(max_examples=50, deadline=None)
@given(lattices(), st.lists(st.tuples(st.floats(-9, 30), st.floats(-9, 30)), min_size=1))
def test_raster_round_trip_keeps_fractions(lattice, points):
    np.testing.assert_allclose(lattice.from_raster(lattice.to_raster(points)), points, atol=1e-9)


@settings(max_examples=50, deadline=None)
@given(lattices())
def test_raster_of_measured_spots_is_whole_and_starts_at_zero(lattice):
    raster = lattice.to_raster(lattice.array)
    np.testing.assert_allclose(raster, np.rint(raster), atol=1e-9)
    np.testing.assert_allclose(raster.min(axis=0), 0, atol=1e-9)


@settings(max_examples=50, deadline=None)
@given(lattices())
def test_neighbours_agree_with_distances_written_out(lattice):
    plane = lattice.plane(lattice.array)
    distance = np.linalg.norm(plane[:, None] - plane, axis=2)
    expected = {(i, j) for i, j in np.argwhere(np.abs(distance - 1) < 1e-6) if i < j}
    pairs = [tuple(sorted(pair)) for pair in lattice.neighbours()]
    assert len(pairs) == len(set(pairs))
    assert set(pairs) == expected


@settings(max_examples=30, deadline=None)
@given(lattices())
def test_find_returns_own_index_and_minus_one_between(lattice):
    np.testing.assert_array_equal(lattice.find(lattice.array), np.arange(lattice.n_spots))
    assert (lattice.find(lattice.array + 0.25) == -1).all()
    assert (lattice.find(lattice.array + 1000) == -1).all()


@pytest.mark.parametrize(("shape", "count"), [("square", 4), ("hexagonal", 6)])
def test_offsets_have_pitch_one_and_cancel(full_arrays, shape, count):
    lattice = fit_lattice(full_arrays[shape])
    offsets = lattice.offsets()
    assert offsets.shape == (count, 2)
    np.testing.assert_array_equal(offsets.sum(axis=0), [0, 0])
    here = lattice.plane(lattice.to_array(offsets)) - lattice.plane(lattice.to_array([[0, 0]]))
    np.testing.assert_allclose(np.linalg.norm(here, axis=1), 1.0)


def test_to_axial_refuses_other_shapes(square_array):
    with pytest.raises(ShapeError, match=r"\(n_sites, 2\); got \(2,\)"):
        fit_lattice(square_array).to_axial([1.0, 2.0])
