"""Moments and p-values against spots that are really permuted."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from stentrans.patterns.kernels import bump_kernels, neighbour_kernel
from stentrans.patterns.permutation import assess, combine

N_DRAWS = 4_000


@pytest.fixture(scope="module")
def all_kernels(lattice):
    spots = np.arange(lattice.n_spots)
    bumps = bump_kernels(lattice, spots, np.random.default_rng(0))
    return [neighbour_kernel(lattice, spots), *bumps]


def column(kind, n):
    """A normal gene, one seen in a few spots, or one with an outlier; mean 0 and variance 1."""
    rng = np.random.default_rng(7)
    values = {
        "normal": rng.normal(size=n),
        "rare": (rng.random(n) < 0.1).astype(float),
        "outlier": np.r_[12.0, rng.normal(size=n - 1)],
    }[kind]
    return ((values - values.mean()) / values.std()).astype(np.float32)[:, None]


@pytest.mark.parametrize(("kind", "least"), [("normal", 0.7), ("rare", 0.7), ("outlier", 0.0)])
def test_permuted_values_have_standard_moments_and_even_p_values(kind, least, all_kernels):
    rng = np.random.default_rng(8)
    values = column(kind, all_kernels[0].sums.n)
    draws = np.concatenate([rng.permutation(values) for _ in range(N_DRAWS)], axis=1)
    for tested in assess(draws, all_kernels):
        assert tested.statistic.mean() == pytest.approx(0, abs=0.06)
        assert tested.statistic.std() == pytest.approx(1, abs=0.06)
        for level in (0.05, 0.01):
            share = (tested.p_value < level).mean()
            assert share <= level + 3 * np.sqrt(level / N_DRAWS)
            assert share >= least * level  # a lone outlier makes it cautious


def test_mean_product_of_neighbours_is_morans_i(lattice, all_kernels):
    values = column("normal", lattice.n_spots)
    one, other = lattice.neighbours().T
    tested = assess(values, all_kernels[:1])[0]
    expected = (values[one] * values[other]).mean() / (values**2).mean()
    assert tested.mean_product[0] == pytest.approx(expected, rel=1e-4)


def test_alike_neighbours_have_a_small_p_value_and_unlike_ones_a_large(lattice, all_kernels):
    x, y = lattice.plane(lattice.array).T
    wave = np.column_stack([np.sin(x / 2), np.cos(np.pi * x) * np.cos(np.pi * y)])
    wave = ((wave - wave.mean(0)) / wave.std(0)).astype(np.float32)
    found = assess(wave, all_kernels)[0].p_value
    assert found[0] < 1e-6
    assert found[1] > 0.9


def test_constant_column_has_no_pattern(all_kernels):
    constant = np.zeros((all_kernels[0].sums.n, 1), np.float32)
    for tested in assess(constant, all_kernels):
        assert tested.p_value[0] == 1
        assert tested.statistic[0] == 0


def test_combined_is_the_cauchy_combination():
    p_values = np.array([[0.2, 0.5], [0.01, 0.5]])
    t = np.tan((0.5 - p_values) * np.pi).mean(0)
    np.testing.assert_allclose(combine(p_values), stats.cauchy.sf(t))


def test_combined_keeps_tiny_and_sure_values_apart():
    joined = combine(np.array([[1e-30, 1.0, 0.0], [0.5, 1.0, 1.0]]))
    assert joined[0] == pytest.approx(2e-30, rel=1e-6)
    assert joined[1] > 0.99
    assert joined[2] < 1e-300
