"""The decoder of images: saved, loaded, bounded."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from stentrans.errors import MissingKeyError, ParameterError, StoreError
from stentrans.lattice import fit_lattice
from stentrans.methods import image_decoding
from stentrans.methods.base import FitOptions
from stentrans.methods.decoding import LEAST_SD
from stentrans.methods.image_decoding import ImageDecoder, chunks
from stentrans.methods.interpolation import Linear
from stentrans.methods.nedi import Nedi
from stentrans.methods.registry import load_decoder

GENES = np.arange(12)
SITES = np.array([[1.5, 2.0], [3.0, 3.0], [2.5, 4.5]])


@pytest.fixture
def fitted(square_counts, square_array):
    return Nedi().fit(square_counts, fit_lattice(square_array), FitOptions())


def test_decoder_is_rebuilt_by_its_kind(fitted):
    prediction, decoder = fitted.predict(SITES), fitted.decoder
    loaded = load_decoder("image", decoder.to_arrays())
    for scale in ("log", "counts", "composition"):
        np.testing.assert_array_equal(
            loaded.decode(prediction, GENES, scale), decoder.decode(prediction, GENES, scale)
        )
    for one, other in zip(
        loaded.interval(prediction, GENES, 0.8),
        decoder.interval(prediction, GENES, 0.8),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


def test_counts_are_not_kept_dense(fitted):
    arrays = fitted.decoder.to_arrays()
    assert arrays["counts_data"].size == fitted.decoder.counts.nnz
    assert all(values.dtype.kind in "biuf" for values in arrays.values())


def test_log_values_are_counts_scaled_to_the_median_library(fitted):
    prediction, decoder = fitted.predict(SITES), fitted.decoder
    depth = np.exp(prediction.log_library)[:, None] / decoder.target
    expected = np.log1p(decoder.decode(prediction, GENES, "counts") / depth)
    np.testing.assert_allclose(decoder.decode(prediction, GENES, "log"), expected, rtol=1e-5)


def test_sd_is_that_of_linear_interpolation(fitted, square_counts, square_array):
    linear = Linear().fit(square_counts, fit_lattice(square_array), FitOptions())
    expected = linear.decoder.sd(linear.predict(SITES), GENES)
    np.testing.assert_array_equal(fitted.decoder.sd(fitted.predict(SITES), GENES), expected)


def test_genes_are_doubled_a_few_at_a_time(fitted, monkeypatch):
    together = fitted.decoder.decode(fitted.predict(SITES), GENES, "log")
    monkeypatch.setattr(image_decoding, "GENES_AT_ONCE", 5)
    np.testing.assert_array_equal(
        fitted.decoder.decode(fitted.predict(SITES), GENES, "log"), together
    )


class Counting:
    """An upscaler that answers above 0 everywhere and notes how many images it was shown."""

    code = 0

    def __init__(self) -> None:
        self.shown: list[int] = []

    def double(self, images, mask, spacing):
        self.shown.append(len(images))
        return np.repeat(np.repeat(images, 2, axis=1), 2, axis=2) + 1


def counting(fitted, counts) -> ImageDecoder:
    """The decoder of `fitted` on other counts, with that upscaler."""
    decoder = fitted.decoder
    return ImageDecoder(
        counts=counts.tocsc(),
        raster=decoder.raster,
        upscaler=Counting(),
        residual_sd=decoder.residual_sd,
        reach=decoder.reach,
        target=decoder.target,
    )


def test_gene_without_counts_is_zero_and_not_shown_to_the_upscaler(fitted, square_counts):
    counts = square_counts.toarray()
    counts[:, [2, 7]] = 0
    decoder, prediction = counting(fitted, csr_matrix(counts)), fitted.predict(SITES)
    for scale in ("log", "counts", "composition"):
        values = decoder.decode(prediction, GENES, scale)
        assert (values[:, [2, 7]] == 0).all()
        assert (np.delete(values, [2, 7], axis=1) > 0).all()
    assert decoder.upscaler.shown == [10]
    decoder.decode(prediction, np.array([2, 7]), "log")
    assert decoder.upscaler.shown == [10]


def test_gene_without_counts_has_the_smallest_sd(square_counts, square_array):
    counts = square_counts.toarray()
    counts[:, 2] = 0
    fitted = Nedi().fit(csr_matrix(counts), fit_lattice(square_array), FitOptions())
    sd = fitted.decoder.sd(fitted.predict(SITES), GENES)
    np.testing.assert_array_equal(sd[:, 2], np.float32(LEAST_SD))


def test_same_genes_are_doubled_once_for_other_scales_and_sites(fitted, square_counts):
    decoder, prediction = counting(fitted, square_counts), fitted.predict(SITES)
    for scale in ("log", "counts", "composition"):
        decoder.decode(prediction, GENES[:5], scale)
    decoder.interval(prediction.rows(slice(1, 3)), GENES[:5], 0.8)
    assert decoder.upscaler.shown == [5]
    decoder.decode(prediction, GENES[1:6], "log")
    assert decoder.upscaler.shown == [5, 5]


def test_large_images_are_doubled_fewer_at_a_time():
    assert [part.stop - part.start for part in chunks(600, 500)] == [256, 256, 88]
    assert len(chunks(3, image_decoding.CELLS_AT_ONCE + 1)) == 3


def test_unknown_scale_is_refused(fitted):
    with pytest.raises(ParameterError, match="scale must be one of log, counts"):
        fitted.decoder.decode(fitted.predict(SITES), GENES, "raw")


def test_missing_array_is_named(fitted):
    arrays = fitted.decoder.to_arrays()
    del arrays["counts_indptr"]
    with pytest.raises(StoreError, match="needs the array 'counts_indptr'"):
        ImageDecoder.from_arrays(arrays)


def test_unknown_upscaler_is_refused(fitted):
    arrays = fitted.decoder.to_arrays() | {"upscaler": np.array([99])}
    with pytest.raises(StoreError, match="known upscaler; got 99"):
        ImageDecoder.from_arrays(arrays)


def test_registry_lists_the_kind():
    with pytest.raises(MissingKeyError, match="image; got 'picture'"):
        load_decoder("picture", {})
