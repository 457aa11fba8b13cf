"""Scores against numpy and scipy, and what they make of depth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import pearsonr

from stentrans.evaluation import metrics
from stentrans.evaluation.ceiling import noise_ceiling
from stentrans.evaluation.report import deviance_explained


@pytest.fixture
def library(rng: np.random.Generator) -> np.ndarray:
    """Library sizes of 300 spots."""
    return rng.uniform(500, 4000, 300)


@pytest.fixture
def share(rng: np.random.Generator) -> np.ndarray:
    """True composition of 300 spots and 40 genes."""
    raw = rng.dirichlet(np.full(40, 3.0)) * np.exp(rng.normal(0, 0.5, (300, 40)))
    return raw / raw.sum(1, keepdims=True)


def test_pearson_is_scipys(rng):
    a, b = rng.normal(size=(2, 50, 3))
    expected = [pearsonr(a[:, i], b[:, i]).statistic for i in range(3)]
    np.testing.assert_allclose(metrics.pearson(a, b), expected, atol=1e-9)


def test_constant_gene_scores_zero(rng):
    assert metrics.pearson(np.ones((20, 1)), rng.normal(size=(20, 1))).tolist() == [0.0]


def test_map_of_depth_alone_scores_nothing_depth_adjusted(rng, library, share):
    null = share.mean(0)
    counts = rng.poisson(library[:, None] * share).astype(float)
    flat = np.broadcast_to(null, share.shape)
    assert abs(metrics.depth_adjusted(counts, library, flat, null).mean()) < 1e-6
    assert metrics.depth_adjusted(counts, library, share, null).mean() > 0.5


def test_deviance_explained_is_zero_for_the_mean_and_most_for_the_truth(rng, library, share):
    counts = rng.poisson(library[:, None] * share).astype(float)
    null = counts.sum(0) / counts.sum()
    flat = np.broadcast_to(null, share.shape)
    assert deviance_explained(counts, library, flat, null) == pytest.approx(0, abs=1e-12)
    best = deviance_explained(counts, library, share, null)
    worse = deviance_explained(counts, library, share[::-1], null)
    assert worse < 0 < best


def test_coverage_of_normal_errors_is_nominal(rng):
    truth, sd = rng.normal(size=(5000, 2)), np.ones((5000, 2))
    covered = metrics.coverage(np.zeros((5000, 2)), sd, truth, 1.282)
    np.testing.assert_allclose(covered, 0.8, atol=0.02)


def test_ceiling_is_what_the_truth_itself_reaches(rng, library, share):
    counts = rng.poisson(library[:, None] * share).astype(float)
    target = float(np.median(library))
    measured = metrics.log_normalised(counts, library, target)
    reached = metrics.pearson(np.log1p(share * target), measured)
    ceiling = noise_ceiling(counts, library, target, rng)
    assert ceiling.mean() == pytest.approx(reached.mean(), abs=0.04)
