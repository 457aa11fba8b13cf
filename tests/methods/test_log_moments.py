"""The table of moments against sums written out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import poisson

from stentrans.methods.log_moments import LogMoments


@pytest.mark.parametrize("scale", [0.2, 1.0, 6.0])
@pytest.mark.parametrize("mean", [0.003, 0.4, 7.0, 150.0, 900.0])
def test_moments_match_the_sum_over_counts(mean: float, scale: float):
    x = np.arange(0, int(mean + 20 * np.sqrt(mean) + 30))
    value, weight = np.log1p(scale * x), poisson.pmf(x, mean)
    expected = value @ weight
    moments = LogMoments(0.1, 10.0)
    at = np.array([mean]), np.array([scale])
    assert moments.mean(*at)[0] == pytest.approx(expected, rel=5e-3)
    assert moments.variance(*at)[0] == pytest.approx(value**2 @ weight - expected**2, rel=2e-2)


def test_slope_is_the_change_of_the_mean(rng: np.random.Generator):
    moments = LogMoments(0.1, 10.0)
    mean, scale = np.exp(rng.normal(size=50)), np.exp(rng.normal(size=50))
    step = 0.05
    change = moments.mean(mean * np.exp(step), scale) - moments.mean(mean * np.exp(-step), scale)
    np.testing.assert_allclose(moments.slope(mean, scale), change / (2 * step), atol=2e-2)


def test_values_outside_the_table_stay_finite():
    moments = LogMoments(0.5, 2.0)
    mean = np.array([0.0, 1e-9, 1e9])
    assert np.isfinite(moments.mean(mean, np.array([1e-6, 1.0, 1e6]))).all()
