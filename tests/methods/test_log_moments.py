"""The table of moments against sums written out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import poisson

from stentrans.methods.log_moments import LogMoments, SiteMoments


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


def test_site_moments_average_over_the_library(rng: np.random.Generator):
    moments, target, spread = LogMoments(0.05, 20.0), 1000.0, 0.4
    at = SiteMoments(moments, np.array([np.log(800.0)]), np.array([spread**2]), target)
    share = 0.004
    library = 800 * np.exp(spread * rng.normal(size=400_000))
    value = np.log1p(rng.poisson(library * share) * target / library)
    log_share = np.full((1, 1), np.log(share), np.float32)
    mean, unknown, counting, slope = (float(part[0, 0]) for part in at.mean_and_spreads(log_share))
    assert mean == at.mean(log_share)[0, 0] == pytest.approx(value.mean(), rel=1e-2)
    assert unknown + counting == pytest.approx(value.var(), rel=3e-2)
    step = np.float32(0.1)
    change = at.mean(log_share + step) - at.mean(log_share - step)
    assert slope == pytest.approx(float(change[0, 0]) / 0.2, rel=3e-2)


def test_site_moments_do_not_depend_on_how_many_genes_are_asked_for(rng: np.random.Generator):
    library, variance = rng.normal(7, 1, 12), rng.uniform(0, 0.5, 12)
    at = SiteMoments(LogMoments(0.01, 100.0), library, variance, 1000.0)
    many = rng.uniform(-22, 1, (12, 700)).astype(np.float32)
    few = many[:, :5]
    np.testing.assert_allclose(at.mean(many)[:, :5], at.mean(few), rtol=1e-5, atol=1e-6)
    for wide, narrow in zip(at.mean_and_spreads(many), at.mean_and_spreads(few), strict=True):
        np.testing.assert_allclose(wide[:, :5], narrow, rtol=1e-5, atol=1e-6)


def test_values_outside_the_table_stay_finite():
    moments = LogMoments(0.5, 2.0)
    mean = np.array([0.0, 1e-9, 1e9])
    assert np.isfinite(moments.mean(mean, np.array([1e-6, 1.0, 1e6]))).all()
