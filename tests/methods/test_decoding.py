"""The linear decoder: scales, deviations, saving."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csc_matrix, csr_matrix, issparse

from stentrans.errors import ParameterError, ShapeError, StoreError
from stentrans.methods import decoding
from stentrans.methods.base import Prediction
from stentrans.methods.decoding import LinearDecoder

LOADINGS = np.array([[1.0, 0.0, -2.0], [0.5, 1.0, 0.0]])
MEAN = np.array([0.1, 0.0, 1.0])
SD = np.array([0.5, 0.0, 0.2])
FACTORS = np.array([[1.0, 0.0], [0.0, 2.0]], np.float32)
ALL = np.arange(3)


def prediction(*, variance=None, factors=FACTORS):
    log_library = np.log([100.0, 400.0]).astype(np.float32)
    return Prediction(factors, variance, log_library, np.zeros(2, np.float32))


@pytest.fixture(params=["dense", "sparse"])
def decoder(request):
    loadings = LOADINGS if request.param == "dense" else csc_matrix(LOADINGS)
    return LinearDecoder(loadings, MEAN, SD, target=200.0)


def test_log_values_are_linear_and_clipped_at_zero(decoder):
    expected = [[1.1, 0.0, 0.0], [1.1, 2.0, 1.0]]
    np.testing.assert_allclose(decoder.decode(prediction(), ALL, "log"), expected, atol=1e-6)


def test_counts_undo_the_logarithm_at_the_predicted_library(decoder):
    counts = decoder.decode(prediction(), ALL, "counts")
    assert counts[0, 0] == pytest.approx(np.expm1(1.1) * 100 / 200, rel=1e-5)
    assert counts[1, 1] == pytest.approx(np.expm1(2.0) * 400 / 200, rel=1e-5)


def test_composition_equals_log(decoder):
    log, composition = (decoder.decode(prediction(), ALL, s) for s in ("log", "composition"))
    np.testing.assert_array_equal(log, composition)


def test_sparse_factors_give_the_same_values(decoder):
    sparse = prediction(factors=csr_matrix(FACTORS))
    np.testing.assert_allclose(
        decoder.decode(sparse, ALL, "log"), decoder.decode(prediction(), ALL, "log")
    )


def test_genes_come_in_the_order_asked_for(decoder):
    every = decoder.decode(prediction(), ALL, "log")
    some = decoder.decode(prediction(), np.array([2, 0, 2]), "log")
    np.testing.assert_array_equal(some, every[:, [2, 0, 2]])


def test_sparse_loadings_are_read_a_few_genes_at_a_time(decoder, monkeypatch):
    together = decoder.decode(prediction(), ALL, "log")
    monkeypatch.setattr(decoding, "GENES_AT_ONCE", 2)
    np.testing.assert_array_equal(decoder.decode(prediction(), ALL, "log"), together)
    assert decoder.genes_at_once == (2 if issparse(decoder.loadings) else None)


def test_sd_without_factor_variance_is_the_residual_and_never_zero(decoder):
    sd = decoder.sd(prediction(), ALL)
    np.testing.assert_allclose(sd, [[0.5, 1e-3, 0.2]] * 2, rtol=1e-6)


def test_sd_adds_what_the_factors_leave_open(decoder):
    sd = decoder.sd(prediction(variance=np.array([[4.0, 0.0], [0.0, 1.0]], np.float32)), ALL)
    assert sd[0, 2] == pytest.approx(np.sqrt(4 * 4 + 0.04), rel=1e-5)
    assert sd[1, 0] == pytest.approx(np.sqrt(0.25 + 0.25), rel=1e-5)


def test_saved_arrays_are_numeric_and_rebuild_the_decoder(decoder):
    arrays = decoder.to_arrays()
    assert all(array.dtype.kind in "fiu" for array in arrays.values())
    loaded = LinearDecoder.from_arrays(arrays)
    for scale in ("log", "counts"):
        np.testing.assert_array_equal(
            loaded.decode(prediction(), ALL, scale), decoder.decode(prediction(), ALL, scale)
        )


def test_missing_array_is_named(decoder):
    arrays = decoder.to_arrays()
    del arrays["mean"]
    with pytest.raises(StoreError, match="needs the array 'mean'"):
        LinearDecoder.from_arrays(arrays)


def test_unknown_scale_is_refused(decoder):
    with pytest.raises(ParameterError, match="scale must be one of log, counts, composition"):
        decoder.decode(prediction(), ALL, "raw")


def test_parts_of_different_length_are_refused():
    with pytest.raises(ShapeError, match=r"mean must have shape \(3,\); got \(2,\)"):
        LinearDecoder(LOADINGS, MEAN[:2], SD, target=1.0)
