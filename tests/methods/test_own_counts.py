"""What a spot's own counts add, against simulated truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csc_matrix

from stentrans.methods.own_counts import OwnCounts, shrunken, updated, variation

N_SPOTS, N_GENES = 4000, 30


def _simulated(rng: np.random.Generator, varies: float) -> tuple[np.ndarray, ...]:
    """Expected counts, true counts around them and a Poisson draw."""
    expected = rng.uniform(0.5, 3, (N_SPOTS, N_GENES))
    true = expected * rng.gamma(1 / varies, varies, expected.shape)
    return expected, true, rng.poisson(true).astype(float)


def test_variation_finds_what_counting_noise_does_not_explain(rng: np.random.Generator):
    for varies in (0.1, 0.5):
        expected, _, seen = _simulated(rng, varies)
        found, precision = variation(expected, seen)
        assert found.mean() == pytest.approx(varies, rel=0.1)
        assert found.std() < 3 / np.sqrt(precision.mean())


def test_pure_counting_noise_is_not_taken_for_variation(rng: np.random.Generator):
    expected = rng.uniform(0.2, 2, (400, N_GENES))
    seen = rng.poisson(expected).astype(float)
    found = shrunken(*variation(expected, seen), np.linspace(0.1, 0.9, N_GENES))
    assert found.max() < 0.1


def test_updated_is_closer_to_the_truth_than_prediction_and_count(rng: np.random.Generator):
    expected, true, seen = _simulated(rng, 0.3)
    answer = expected * updated(expected, seen, np.full(N_GENES, 0.3))
    error = ((answer - true) ** 2).mean()
    assert error < 0.8 * ((expected - true) ** 2).mean()
    assert error < 0.8 * ((seen - true) ** 2).mean()


def test_a_gene_without_variation_keeps_its_prediction():
    ratio = updated(np.array([[2.0, 2.0]]), np.array([[9.0, 9.0]]), np.array([0.0, 1e6]))
    np.testing.assert_allclose(ratio, [[1, 4.5]], rtol=1e-4)


def test_few_spots_borrow_from_genes_seen_as_often(rng: np.random.Generator):
    varies = np.array([0.2, 0.3, 0.1, 5.0] * 10)
    precision = np.array([1e3, 1e3, 1e3, 1e-2] * 10)
    drawn = shrunken(varies, precision, np.full(40, 0.5))
    assert drawn[3::4].max() < 1
    np.testing.assert_allclose(drawn[:3], varies[:3], atol=0.06)


def test_counts_go_to_their_sites():
    counts = csc_matrix(np.arange(12, dtype=np.float32).reshape(4, 3))
    own = OwnCounts.of(counts, np.array([2, -1, 0]))
    measured = own.spot >= 0
    np.testing.assert_array_equal(own.at(measured, np.array([1])), [[7], [1]])
    np.testing.assert_array_equal(own.at(measured, np.array([2, 0, 1])), [[8, 6, 7], [2, 0, 1]])
    np.testing.assert_array_equal(own.rows(slice(1, 3)).spot, [-1, 0])
