"""Gaps and inserted sites: complete, unique and inside the tissue."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull, Delaunay, QhullError

from stentrans.errors import ParameterError, ShapeError
from stentrans.lattice import enhanced_sites, find_gaps, fit_lattice, sites_at


@st.composite
def ragged(draw):
    """A lattice of any kind with random spots missing, perhaps thinned."""
    kind = draw(st.sampled_from(["square", "hexagonal", "staggered"]))
    step = draw(st.sampled_from([1, 2]))
    full = np.argwhere(np.ones((6, 6)))
    if kind != "square":
        full = np.array([(r, c) for r in range(6) for c in range(r % 2, 12, 2)])
    keep = draw(st.lists(st.booleans(), min_size=36, max_size=36))
    array = full[np.array(keep) | (np.arange(36) < 14)] * step + [1, 0]
    return fit_lattice(array, array * 100.0 if kind == "staggered" else None)


factors = st.sampled_from([1, 2, 3, 4])


@settings(max_examples=60, deadline=None)
@given(ragged(), factors, st.booleans())
def test_every_measured_spot_comes_once_and_first(lattice, factor, fill_gaps):
    sites = enhanced_sites(lattice, factor, fill_gaps=fill_gaps)
    n_spots = lattice.n_spots
    np.testing.assert_array_equal(sites.array[:n_spots], lattice.array)
    np.testing.assert_array_equal(sites.spot[:n_spots], np.arange(n_spots))
    assert (sites.spot[n_spots:] == -1).all()
    assert (sites.origin[:n_spots] == 0).all()
    assert (sites.origin[n_spots:] != 0).all()
    assert len(np.unique(np.round(sites.array, 6), axis=0)) == len(sites)


@settings(max_examples=60, deadline=None)
@given(ragged(), factors, st.booleans())
def test_origin_agrees_with_look_up(lattice, factor, fill_gaps):
    sites = enhanced_sites(lattice, factor, fill_gaps=fill_gaps)
    asked = sites_at(lattice, sites.array)
    np.testing.assert_array_equal(asked.origin, sites.origin)
    np.testing.assert_array_equal(asked.spot, sites.spot)


@settings(max_examples=60, deadline=None)
@given(ragged(), factors, st.booleans())
def test_inserted_sites_lie_in_the_hull_of_occupied_neighbours(lattice, factor, fill_gaps):
    sites = enhanced_sites(lattice, factor, fill_gaps=fill_gaps)
    raster = lattice.to_raster(sites.array)
    occupied = raster[sites.origin != 1]
    for site in raster[sites.origin == 1]:
        # Corners of the cell, or ends of the edge, that holds the site.
        near = occupied[(np.abs(occupied - site) < 1.0 - 1e-6).all(axis=1)]
        assert len(near) >= 2
        assert in_hull(near, site)


def in_hull(points, site):
    """Whether a site lies in the hull of points, on a segment where these are in line."""
    try:
        equations = ConvexHull(points).equations
    except QhullError:
        ordered = points[np.lexsort((points[:, 1], points[:, 0]))]
        ends = np.linalg.norm(ordered[[0, -1]] - site, axis=1).sum()
        return np.isclose(ends, np.linalg.norm(ordered[-1] - ordered[0]))
    return (equations @ [*site, 1.0] <= 1e-9).all()


@settings(max_examples=40, deadline=None)
@given(ragged(), factors)
def test_gaps_cannot_reach_the_outside(lattice, factor):
    gaps = find_gaps(lattice)
    assert (lattice.find(gaps) == -1).all()
    if not len(gaps):
        return
    both = fit_lattice(np.concatenate([lattice.array, gaps]))
    degree = np.bincount(both.neighbours().ravel(), minlength=both.n_spots)
    # A position with a neighbour missing would open the enclosure.
    assert (degree[lattice.n_spots :] == len(both.offsets())).all() or lattice.kind == "staggered"


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_full_square_becomes_the_full_fine_lattice(square_array, factor):
    sites = enhanced_sites(fit_lattice(square_array), factor)
    assert len(sites) == (5 * factor + 1) * (6 * factor + 1)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_inserted_sites_of_a_hexagonal_lattice_are_a_finer_one(full_hexagonal_array, factor):
    lattice = fit_lattice(full_hexagonal_array)
    plane = lattice.plane(enhanced_sites(lattice, factor).array) * factor
    distance = np.linalg.norm(plane[:, None] - plane, axis=2)
    np.fill_diagonal(distance, np.inf)
    np.testing.assert_allclose(distance.min(axis=1), 1.0, atol=1e-6)


def test_enclosed_hole_is_a_gap_and_a_bay_is_not(full_hexagonal_array):
    inside = (full_hexagonal_array == [3, 7]).all(axis=1)
    border = (full_hexagonal_array == [0, 4]).all(axis=1)
    lattice = fit_lattice(full_hexagonal_array[~inside & ~border])
    np.testing.assert_array_equal(find_gaps(lattice), [[3, 7]])


def test_unfilled_gap_keeps_inserted_sites_away(square_array):
    lattice = fit_lattice(square_array[~(square_array == [2, 3]).all(axis=1)])
    bare = enhanced_sites(lattice, 2, fill_gaps=False).array.tolist()
    filled = enhanced_sites(lattice, 2).array.tolist()
    assert [2.0, 2.5] in filled
    assert [2.0, 2.5] not in bare
    assert [2.5, 3.5] in bare, "the middle of a cell with three spots lies in their hull"


def test_two_pieces_are_not_bridged():
    piece = np.argwhere(np.ones((4, 4)))
    sites = enhanced_sites(fit_lattice(np.concatenate([piece, piece + np.array([0, 7])])), 2)
    assert not ((sites.array[:, 1] > 3) & (sites.array[:, 1] < 7)).any()


def test_factor_one_adds_gaps_only(square_array):
    lattice = fit_lattice(square_array[~(square_array == [2, 3]).all(axis=1)])
    sites = enhanced_sites(lattice, 1)
    np.testing.assert_array_equal(np.bincount(sites.origin, minlength=3), [41, 0, 1])


def test_one_row_gets_sites_along_the_row():
    sites = enhanced_sites(fit_lattice([[3, c] for c in range(5)]), 2)
    np.testing.assert_array_equal(sites.array[5:], [[3, c + 0.5] for c in range(4)])


def test_new_sites_are_sorted_gaps_before_inserted(full_hexagonal_array):
    kept = ~np.isin(np.arange(len(full_hexagonal_array)), [20, 35])
    sites = enhanced_sites(fit_lattice(full_hexagonal_array[kept]), 3)
    for code in (1, 2):
        part = sites.array[sites.origin == code]
        np.testing.assert_array_equal(part, part[np.lexsort((part[:, 1], part[:, 0]))])
    assert (np.diff((sites.origin == 1).astype(int)) >= 0).all()


def test_spot_order_does_not_move_new_sites(full_hexagonal_array):
    turned = fit_lattice(full_hexagonal_array[::-1])
    there, back = enhanced_sites(fit_lattice(full_hexagonal_array), 2), enhanced_sites(turned, 2)
    np.testing.assert_array_equal(there.array[there.spot < 0], back.array[back.spot < 0])


def test_visium_times_four_is_fast(visium_array):
    lattice = fit_lattice(visium_array)
    start = time.perf_counter()
    sites = enhanced_sites(lattice, 4)
    assert time.perf_counter() - start < 1.0
    inside = Delaunay(lattice.array).find_simplex(sites.array, tol=1e-9) >= 0
    assert inside.all()


def test_sites_at_keeps_order_and_repeats(square_array):
    lattice = fit_lattice(square_array[~(square_array == [2, 3]).all(axis=1)])
    sites = sites_at(lattice, [[2, 3], [0.5, 0.5], [0, 1], [2, 3], [-40, 2]])
    np.testing.assert_array_equal(sites.origin, [2, 1, 0, 2, 1])
    np.testing.assert_array_equal(sites.spot, [-1, -1, 1, -1, -1])


def test_sites_at_refuses_bad_positions(square_array):
    lattice = fit_lattice(square_array)
    with pytest.raises(ParameterError, match="finite"):
        sites_at(lattice, [[np.nan, 0.0]])
    with pytest.raises(ShapeError, match=r"got \(1, 3\)"):
        sites_at(lattice, [[1.0, 2.0, 3.0]])


@pytest.mark.parametrize("factor", [0, 5, 1.5, True], ids=str)
def test_factor_outside_one_to_four_is_refused(square_array, factor):
    with pytest.raises(ParameterError, match="factor must be"):
        enhanced_sites(fit_lattice(square_array), factor)
