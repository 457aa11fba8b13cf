"""Loadings against a general optimiser, and what the evidence makes of noise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.optimize import minimize

from stentrans.methods.count_model import _Regression, fit_loadings, trust

N_SPOTS = 150


def reader(counts: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Read some genes of dense counts."""
    return lambda genes: counts[:, genes]


def genes_of(counts: np.ndarray) -> np.ndarray:
    """Index every gene."""
    return np.arange(counts.shape[1])


@pytest.fixture
def exposure(rng: np.random.Generator) -> np.ndarray:
    """Library sizes that vary fourfold."""
    return rng.uniform(500, 2000, N_SPOTS)


@pytest.fixture
def factors(rng: np.random.Generator, exposure: np.ndarray) -> np.ndarray:
    """Two factors, centred by library."""
    drawn = rng.normal(size=(N_SPOTS, 2))
    return drawn - exposure @ drawn / exposure.sum()


def test_slopes_minimise_the_penalised_deviance(rng, exposure, factors):
    counts = rng.poisson(exposure * 0.01 * np.exp(factors @ [0.5, -0.3]))[:, None].astype(float)
    prior = np.array([0.2, 0.05])
    fitted = fit_loadings(reader(counts), genes_of(counts), exposure, factors, variance=prior)

    def objective(parameters: np.ndarray) -> float:
        mean = exposure * np.exp(parameters[0] + factors @ parameters[1:])
        deviance = (mean - counts[:, 0] * np.log(mean)).sum() / fitted.dispersion[0]
        return deviance + 0.5 * (parameters[1:] ** 2 / prior).sum()

    best = minimize(objective, np.array([-4.6, 0.0, 0.0])).x[1:]
    np.testing.assert_allclose(fitted.slopes[:, 0], best, atol=2e-3)


def test_evidence_silences_a_factor_that_no_gene_follows(rng, exposure, factors):
    slopes = np.vstack([rng.normal(0, 0.4, 200), np.zeros(200)])
    counts = rng.poisson(exposure[:, None] * 0.01 * np.exp(factors @ slopes)).astype(float)
    fitted = fit_loadings(reader(counts), genes_of(counts), exposure, factors)
    assert fitted.variance[0] == pytest.approx(0.16, rel=0.3)
    assert fitted.variance[1] < 0.005


def test_gene_without_counts_gets_no_slope(exposure, factors):
    fitted = fit_loadings(
        reader(np.zeros((N_SPOTS, 1))), np.arange(1), exposure, factors, variance=np.ones(2)
    )
    assert np.array_equal(fitted.slopes, np.zeros((2, 1)))


def test_trust_is_one_for_a_factor_that_is_known_and_none_for_one_that_is_not(
    rng, exposure, factors
):
    slopes = rng.normal(0, 0.4, (2, 200))
    counts = rng.poisson(exposure[:, None] * 0.01 * np.exp(factors @ slopes)).astype(float)
    loadings = fit_loadings(reader(counts), genes_of(counts), exposure, factors)
    guess = np.column_stack([factors[:, 0], rng.normal(size=N_SPOTS)])
    belief = trust(reader(counts), genes_of(counts), exposure, guess, loadings)
    assert belief[0] > 0.9
    assert belief[1] < 0.2


def test_first_curvature_is_that_of_every_gene_by_itself(rng: np.random.Generator):
    library = rng.uniform(100, 5000, 80)
    factors = rng.normal(size=(80, 6))
    factors -= library @ factors / library.sum()
    counts = rng.poisson(library[:, None] * rng.uniform(1e-4, 1e-2, 30)).astype(float)
    counts[:, 3] = 0
    model = _Regression(counts, library, factors)
    prior, dispersion = rng.uniform(1e-3, 0.1, 6), rng.uniform(1, 3, 30)
    expected = model.evaluate(np.zeros((6, 30))).expected
    np.testing.assert_allclose(
        model.inverse_at_zero(prior, dispersion),
        model.inverse_hessian(expected, prior, dispersion),
        atol=1e-7,
    )
