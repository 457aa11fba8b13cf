"""Kriging against formulas written out, and what it makes of noise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from stentrans.methods.averaged_kriging import AveragedKriging
from stentrans.methods.local_kriging import LocalKriging, NoPattern, Setting, matern


@pytest.fixture
def plane() -> np.ndarray:
    """A square lattice of 6 x 7 positions."""
    return np.stack(np.meshgrid(np.arange(7.0), np.arange(6.0)), -1).reshape(-1, 2)


@pytest.fixture
def wave(plane: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A smooth factor with a little noise, and one that is all noise."""
    smooth = np.sin(plane[:, 0] / 2) + np.cos(plane[:, 1] / 2)
    both = np.column_stack([smooth, np.zeros(len(plane))])
    return both + rng.normal(0, [0.05, 1.0], both.shape)


def test_local_kriging_solves_the_kriging_system(plane, wave, rng):
    of, one = np.array([0]), np.ones(1)
    setting = Setting(1.5, 2.0, 0.3, of, one, np.array([0.2]), one)
    none = NoPattern(np.zeros(1), np.zeros(1), np.zeros(1))
    spots = np.arange(30)  # fewer than the neighbours asked for, so that all take part
    noise = rng.uniform(0.5, 2.0, 30)
    kriging = LocalKriging(plane[spots], wave[spots, :1], noise, [setting], none)
    at = np.array([[1.5, 0.5], [3.0, 2.25]])
    system = matern(cdist(plane[spots], plane[spots]), 2.0, 1.5) + 0.3 * np.diag(noise)
    towards = matern(cdist(at, plane[spots]), 2.0, 1.5)
    weights = np.linalg.solve(system, towards.T).T
    found = kriging.predict(at)
    np.testing.assert_allclose(found.mean, 0.2 + weights @ (wave[spots, :1] - 0.2))
    np.testing.assert_allclose(found.variance[:, 0], 1 - (weights * towards).sum(1))


def test_leaving_one_out_equals_never_having_seen_it(plane, wave):
    noise, seed = np.ones(len(plane)), 0
    kriging = AveragedKriging(plane, wave, noise, np.random.default_rng(seed))
    other = wave.copy()
    other[10] += 50.0
    changed = AveragedKriging(plane, other, noise, np.random.default_rng(seed))
    changed.local.settings = kriging.local.settings
    changed.local.no_pattern = kriging.local.no_pattern
    same = kriging.local.leave_one_out().mean[10]
    np.testing.assert_allclose(changed.local.leave_one_out().mean[10], same)


def test_pattern_is_found_and_noise_is_not(plane, wave, rng):
    kriging = AveragedKriging(plane, wave, np.ones(len(plane)), rng)
    assert kriging.no_pattern.weight[0] < 0.01
    assert kriging.no_pattern.weight[1] > 0.5
    between = kriging.predict(plane + 0.5).mean
    truth = np.sin((plane[:, 0] + 0.5) / 2) + np.cos((plane[:, 1] + 0.5) / 2)
    inside = (plane < [6, 5]).all(1)
    np.testing.assert_allclose(between[inside, 0], truth[inside], atol=0.15)
    assert between[:, 1].std() < 0.3 * wave[:, 1].std()


def test_many_spots_are_answered_from_neighbours_as_few_are_from_all(plane, wave, rng):
    whole = AveragedKriging(plane, wave, np.ones(len(plane)), rng).predict(plane + 0.3).mean
    part = AveragedKriging(plane, wave, np.ones(len(plane)), rng, exact_up_to=40)
    assert part.full is None
    np.testing.assert_allclose(part.predict(plane + 0.3).mean[:, 0], whole[:, 0], atol=0.1)


def test_far_from_all_spots_the_constant_remains(plane, wave, rng):
    kriging = AveragedKriging(plane, wave, np.ones(len(plane)), rng)
    far = kriging.predict(np.array([[1e4, 1e4]]))
    assert np.abs(far.mean).max() < 2.0
    assert far.variance[0, 0] > 10 * kriging.predict(plane).variance[:, 0].max()
