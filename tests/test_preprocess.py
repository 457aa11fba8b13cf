"""The same numbers sparse and dense, also where a spot is empty."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from stentrans.errors import ParameterError
from stentrans.preprocess import (
    detected_share,
    keep_genes,
    library_size,
    log_normalise,
    median_library,
)


@pytest.fixture
def dense(rng) -> np.ndarray:
    """Counts of 20 spots and 9 genes; the fourth spot and the last gene are empty."""
    counts = rng.poisson(1.5, size=(20, 9)).astype(np.float32)
    counts[3] = 0
    counts[:, 8] = 0
    return counts


def test_library_size_is_the_same_sparse_and_dense(dense):
    np.testing.assert_array_equal(library_size(dense), dense.sum(axis=1))
    np.testing.assert_array_equal(library_size(csr_matrix(dense)), dense.sum(axis=1))


def test_median_library_ignores_empty_spots(dense):
    filled = dense.sum(axis=1)[dense.sum(axis=1) > 0]
    assert median_library(dense) == np.median(filled)


def test_median_library_of_nothing_is_one():
    assert median_library(np.zeros((3, 2), dtype=np.float32)) == 1.0


def test_log_normalise_is_the_same_sparse_and_dense(dense):
    sparse = log_normalise(csr_matrix(dense), 12.0)
    np.testing.assert_array_equal(sparse.toarray(), log_normalise(dense, 12.0))
    assert sparse.dtype == np.float32


def test_log_normalise_follows_its_formula(dense):
    full = np.delete(dense, 3, axis=0)
    expected = np.log1p(full / full.sum(axis=1, keepdims=True) * 12.0)
    np.testing.assert_allclose(log_normalise(full, 12.0), expected, rtol=1e-6)


def test_log_normalise_leaves_an_empty_spot_zero(dense):
    assert not log_normalise(dense, 12.0)[3].any()
    assert not log_normalise(csr_matrix(dense), 12.0)[3].toarray().any()


def test_log_normalise_leaves_its_input(dense):
    given = csr_matrix(dense)
    result = log_normalise(given, 5.0)
    result.data[:] = -1
    result.indices[:] = 0
    np.testing.assert_array_equal(given.toarray(), dense)


def test_log_normalise_refuses_a_target_of_zero(dense):
    with pytest.raises(ParameterError, match="target must be between"):
        log_normalise(dense, 0.0)


def test_detected_share_is_the_same_sparse_and_dense(dense):
    expected = (dense > 0).mean(axis=0)
    np.testing.assert_array_equal(detected_share(dense), expected)
    np.testing.assert_array_equal(detected_share(csr_matrix(dense)), expected)


def test_detected_share_ignores_stored_zeros():
    stored = csr_matrix((np.array([0.0, 2.0]), ([0, 1], [0, 0])), shape=(2, 1))
    assert detected_share(stored)[0] == 0.5


def test_keep_genes_needs_more_than_the_share():
    counts = np.zeros((10, 2), dtype=np.float32)
    counts[0, 0] = 1
    counts[:2, 1] = 1
    assert keep_genes(counts, 0.1).tolist() == [False, True]


def test_keep_genes_with_zero_drops_only_empty_genes(dense):
    assert keep_genes(dense, 0.0).tolist() == [True] * 8 + [False]


def test_keep_genes_refuses_a_share_above_one(dense):
    with pytest.raises(ParameterError, match="min_share must be between"):
        keep_genes(dense, 10.0)
