"""Residuals have mean 0 and variance 1 wherever the spot is deep or shallow."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from stentrans.patterns.residuals import CountResiduals


@pytest.fixture(scope="module")
def counts():
    """Overdispersed counts of one composition at depths from 500 to 20,000, gene 3 never seen."""
    rng = np.random.default_rng(1)
    share = np.array([0.6, 0.2, 0.15, 0.0, 0.05])
    depth = np.geomspace(500, 20_000, 4_000)[:, None]
    rate = depth * share * rng.gamma(10, 0.1, (len(depth), len(share)))
    return csr_matrix(rng.poisson(rate).astype(np.float32))


def test_residuals_are_alike_at_every_depth(counts):
    residuals = CountResiduals(counts).of(np.array([1, 2, 4]))
    shallow, deep = residuals[:1_000], residuals[-1_000:]
    assert np.abs(shallow.mean(0) - deep.mean(0)).max() < 0.15
    np.testing.assert_allclose(shallow.std(0), 1, atol=0.15)
    np.testing.assert_allclose(deep.std(0), 1, atol=0.15)


def test_residuals_are_centred_and_scaled(counts):
    residuals = CountResiduals(counts).of(np.array([0, 1, 2, 4]))
    np.testing.assert_allclose(residuals.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(residuals.std(0), 1, atol=1e-4)


def test_gene_without_counts_is_zero(counts):
    assert not CountResiduals(counts).of(np.array([3])).any()


def test_chunks_are_the_genes_asked_for(counts, monkeypatch):
    monkeypatch.setattr("stentrans.patterns.residuals.GENES_AT_ONCE", 2)
    residuals = CountResiduals(counts)
    genes = np.array([4, 0, 2])
    parts = list(residuals.chunks(genes))
    assert [(part.start, part.stop) for part, _ in parts] == [(0, 2), (2, 3)]
    joined = np.concatenate([values for _, values in parts], axis=1)
    np.testing.assert_allclose(joined, residuals.of(genes), atol=1e-5)


def test_counts_are_left_as_they_were(counts):
    before = counts.copy()
    CountResiduals(counts).of(np.array([0]))
    assert (counts != before).nnz == 0
