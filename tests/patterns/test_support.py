"""Hidden spots tell patterns from what smoothing makes of nothing."""

from __future__ import annotations

import numpy as np
import pytest

from stentrans.errors import Cancelled, ShapeError
from stentrans.evaluation.spatial import local_windows
from stentrans.patterns.support import agreement, supported_genes

N_GENES = 2_000


@pytest.fixture(scope="module")
def folds(lattice):
    fold = np.random.default_rng(0).permutation(lattice.n_spots) % 5
    return [np.flatnonzero(fold == k) for k in range(5)]


def predicted_from_others(values, lattice, folds):
    """Each fold as the mean of near spots of the other folds: a map that knows no spot itself."""
    windows = local_windows(lattice.plane(lattice.array)).toarray()
    guess = np.zeros_like(values)
    for spots in folds:
        kept = np.setdiff1d(np.arange(len(values)), spots)
        weights = windows[np.ix_(spots, kept)]
        guess[spots] = weights @ values[kept] / weights.sum(1, keepdims=True)
    return guess


def test_smoothed_noise_is_not_supported(lattice, folds):
    noise = np.random.default_rng(1).normal(size=(lattice.n_spots, N_GENES)).astype(np.float32)
    found = agreement(noise, predicted_from_others(noise, lattice, folds), folds)
    for level in (0.05, 0.01):
        assert (found.p_value < level).mean() <= level + 3 * np.sqrt(level / N_GENES)
    # Its bound is sharp for such a prediction: hardly more cautious than it must be.
    assert (found.p_value < 0.05).mean() > 0.02


def test_rare_noise_is_not_supported_either(lattice, folds):
    rng = np.random.default_rng(2)
    rare = (rng.random((lattice.n_spots, N_GENES)) < 0.08).astype(np.float32)
    found = agreement(rare, predicted_from_others(rare, lattice, folds), folds)
    assert (found.p_value < 0.05).mean() < 0.065
    assert (found.p_value < 0.001).mean() < 0.004


def test_pattern_is_supported(lattice, folds):
    wave = np.sin(lattice.plane(lattice.array)[:, :1] / 2).astype(np.float32)
    noisy = wave + np.random.default_rng(3).normal(size=(lattice.n_spots, 50)).astype(np.float32)
    found = agreement(noisy, predicted_from_others(noisy, lattice, folds), folds)
    assert (found.p_value < 0.01).mean() > 0.8


def test_prediction_that_is_turned_around_is_no_support(lattice, folds):
    wave = np.sin(lattice.plane(lattice.array)[:, :1] / 2).astype(np.float32)
    found = agreement(wave, -predicted_from_others(wave, lattice, folds), folds)
    assert found.p_value[0] > 0.99


def test_flat_prediction_says_nothing(folds, lattice, rng):
    measured = rng.normal(size=(lattice.n_spots, 3)).astype(np.float32)
    flat = np.full_like(measured, 0.7) + 1e-7 * measured
    found = agreement(measured, flat, folds)
    np.testing.assert_array_equal(found.p_value, 1)
    np.testing.assert_array_equal(found.statistic, 0)


def test_genes_with_a_pattern_are_supported_and_others_are_not(known_section, linear_fit):
    table = supported_genes(known_section, linear_fit[1])
    flat = table["gene"].str.startswith("Flat")
    assert (table["q_value"][~flat] < 0.05).mean() > 0.6
    assert (table["p_value"][flat] < 0.05).mean() < 0.09


def test_permuted_spots_support_nothing(permuted_section, linear_fit_of_nothing):
    table = supported_genes(permuted_section, linear_fit_of_nothing[1])
    assert (table["p_value"] < 0.05).mean() < 0.09
    assert (table["q_value"] < 0.05).sum() <= 1


def test_hold_out_of_another_section_is_refused(known_section, linear_fit):
    with pytest.raises(ShapeError, match="must be that of this section"):
        supported_genes(known_section[:, :50].copy(), linear_fit[1])


def test_cancelling_stops(known_section, linear_fit):
    with pytest.raises(Cancelled, match="Cancelled on request"):
        supported_genes(known_section, linear_fit[1], on_progress=lambda _: False)
