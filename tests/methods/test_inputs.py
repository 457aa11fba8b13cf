"""Checks and normalisation that all methods share."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from stentrans.errors import ParameterError, ShapeError
from stentrans.lattice import fit_lattice
from stentrans.methods.inputs import (
    check_counts,
    check_positions,
    check_settings,
    library_size,
    log_normalise,
    median_library,
)


def test_log_normalise_equals_the_dense_formula(square_counts):
    dense = square_counts.toarray()
    expected = np.log1p(dense / dense.sum(axis=1, keepdims=True) * 50.0)
    np.testing.assert_allclose(log_normalise(square_counts, 50.0).toarray(), expected, rtol=1e-5)


def test_log_normalise_leaves_the_counts(square_counts):
    before = square_counts.copy()
    log_normalise(square_counts, 50.0)
    assert (square_counts != before).nnz == 0


def test_empty_spot_stays_zero_and_counts_as_one():
    counts = csr_matrix(np.array([[0, 0], [3, 1]], np.float32))
    np.testing.assert_array_equal(library_size(counts), [1, 4])
    np.testing.assert_array_equal(log_normalise(counts, 10.0).toarray()[0], [0, 0])


def test_median_library_is_at_least_one():
    assert median_library(csr_matrix((5, 4), dtype=np.float32)) == 1.0


@pytest.mark.parametrize("allowed", [(), ("rank", "depth")], ids=["none", "some"])
def test_unknown_setting_names_the_allowed_ones(allowed):
    known = "no settings" if not allowed else "the settings depth, rank"
    with pytest.raises(ParameterError, match=f"The method linear takes {known}; got 'a', 'b'"):
        check_settings("linear", {"a": 1, "b": 2}, allowed)


def test_negative_counts_are_refused(square_counts, square_array):
    square_counts.data[0] = -1
    with pytest.raises(ParameterError, match="not negative"):
        check_counts(square_counts, fit_lattice(square_array))


def test_counts_of_other_spots_are_refused(square_counts, square_array):
    with pytest.raises(ShapeError, match=r"one row per measured spot \(42\); got shape \(41, 12\)"):
        check_counts(square_counts[:41], fit_lattice(square_array))


def test_positions_must_be_pairs():
    with pytest.raises(ShapeError, match=r"\(n_sites, 2\); got \(3,\)"):
        check_positions([1.0, 2.0, 3.0])
