"""Kernels are never written out; here they are, for a small lattice."""

from __future__ import annotations

import numpy as np
import pytest

from stentrans.patterns import kernels
from stentrans.patterns.kernels import bump_kernels, neighbour_kernel


def written_out(kernel):
    """Weights of all pairs, shape (n_spots, n_spots)."""
    values = kernel.features
    dense = np.asarray(values.todense() if hasattr(values, "todense") else values, np.float64)
    if kernel.diagonal is None:
        return dense
    weights = dense @ dense.T
    np.fill_diagonal(weights, 0)
    return weights


@pytest.fixture(params=["dense", "sparse"])
def all_kernels(request, monkeypatch, lattice):
    """Neighbours and bumps of a lattice, bumps as dense or sparse matrices."""
    monkeypatch.setattr(kernels, "DENSE_UP_TO", 512 if request.param == "dense" else 0)
    spots = np.arange(lattice.n_spots)
    found = [neighbour_kernel(lattice, spots)]
    return [*found, *bump_kernels(lattice, spots, np.random.default_rng(0))]


def test_ranges_double_up_to_a_quarter_of_the_section(all_kernels):
    assert [kernel.range_spots for kernel in all_kernels] == [1, 2, 4]


def test_sums_are_those_of_the_weights(all_kernels):
    for kernel in all_kernels:
        w, sums = written_out(kernel), kernel.sums
        assert sums.n == len(w)
        assert sums.total == pytest.approx(w.sum(), rel=1e-4)
        assert sums.squares == pytest.approx((w**2).sum(), rel=1e-4)
        assert sums.cubes == pytest.approx((w**3).sum(), rel=1e-4)
        assert sums.row_squares == pytest.approx((w.sum(1) ** 2).sum(), rel=1e-4)
        assert sums.triangles == pytest.approx(np.trace(w @ w @ w), rel=1e-4)


def test_statistic_adds_products_of_pairs(all_kernels, rng):
    n = all_kernels[0].sums.n
    values = rng.normal(size=(n, 3)).astype(np.float32)
    values -= values.mean(0)
    for kernel in all_kernels:
        expected = np.einsum("ij,ik,jk->k", written_out(kernel), values, values)
        found = kernel.statistic(values, values**2)
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-2)


def test_cubes_of_a_large_section_are_estimated_from_some_rows(monkeypatch, lattice):
    spots = np.arange(lattice.n_spots)
    exact = bump_kernels(lattice, spots, np.random.default_rng(0))
    monkeypatch.setattr(kernels, "ROWS_SUMMED", 60)
    some = bump_kernels(lattice, spots, np.random.default_rng(0))
    for one, other in zip(exact, some, strict=True):
        assert one.sums.cubes != other.sums.cubes
        assert one.sums.cubes == pytest.approx(other.sums.cubes, rel=0.3)


def test_spots_left_out_take_no_part(lattice):
    spots = np.arange(0, lattice.n_spots, 2)
    assert neighbour_kernel(lattice, spots).sums.n == len(spots)
    assert all(
        kernel.features.shape[0] == len(spots)
        for kernel in bump_kernels(lattice, spots, np.random.default_rng(0))
    )
