"""Scores against numpy and scipy, and what they make of depth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

from stentrans.evaluation import metrics
from stentrans.evaluation.ceiling import noise_ceiling


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


def deviance_explained(counts, library, share, null):
    """Over all genes."""
    left, of_the_mean = metrics.deviances(counts, library, share, null)
    return 1 - left.sum() / of_the_mean.sum()


def test_correlation_of_ranks_is_scipys_spearman_with_many_ties(rng):
    a, b = rng.poisson(1.0, size=(2, 80, 4)).astype(float)
    expected = [spearmanr(a[:, i], b[:, i]).statistic for i in range(4)]
    np.testing.assert_allclose(
        metrics.pearson(metrics.ranks(a), metrics.ranks(b)), expected, atol=1e-9
    )


def test_correlation_of_sums_is_that_of_the_values(rng):
    x, y = rng.normal(size=(2, 50, 6))
    sums = np.stack([v.sum(0) for v in (x, y, x * x, y * y, x * y)])
    np.testing.assert_allclose(
        metrics.correlation_of_sums(np.array(50), sums), metrics.pearson(x, y), atol=1e-9
    )


def test_correlation_of_sums_of_a_constant_is_zero_in_spite_of_rounding(rng):
    x, y = np.full((50, 1), 0.1, np.float32), rng.normal(size=(50, 1)).astype(np.float32)
    sums = np.stack([v.sum(0) for v in (x, y, x * x, y * y, x * y)])
    assert metrics.correlation_of_sums(np.array(50), sums).tolist() == [0.0]


def test_ceiling_is_what_the_truth_itself_reaches(rng, library, share):
    counts = rng.poisson(library[:, None] * share).astype(float)
    target = float(np.median(library))
    measured = metrics.log_normalised(counts, library, target)
    reached = metrics.pearson(np.log1p(share * target), measured)
    ceiling = noise_ceiling(counts, library, target, rng)
    assert ceiling.mean() == pytest.approx(reached.mean(), abs=0.04)
