"""From factors to expression and back to arrays."""

from __future__ import annotations

import numpy as np
import pytest

from stentrans.methods.base import Prediction
from stentrans.methods.composition import CompositionDecoder
from stentrans.methods.intervals import normal_reach

N_SITES, N_GENES = 20, 6
GENES = np.arange(N_GENES)


@pytest.fixture
def decoder(rng: np.random.Generator) -> CompositionDecoder:
    """Two factors, six genes, the last of them without counts."""
    intercept = np.log(np.array([0.4, 0.3, 0.2, 0.08, 0.02, 1e-300]))
    intercept[-1] = -np.inf
    return CompositionDecoder(
        intercept=intercept,
        slopes=rng.normal(0, 0.5, (2, N_GENES)),
        dispersion=np.ones(N_GENES),
        varies=np.zeros(N_GENES),
        sd_scale=np.ones(N_GENES),
        reach=normal_reach(N_GENES),
        target=1000.0,
        scales=(0.5, 2.0),
    )


def predicted(decoder: CompositionDecoder, rng: np.random.Generator, library: float) -> Prediction:
    """Factors at some sites, all with one library size."""
    factors = rng.normal(size=(N_SITES, 2)).astype(np.float32)
    log_denominator = decoder.log_denominator(factors)[:, None]
    return Prediction(
        factors=np.hstack([factors, log_denominator]),
        variance=np.full((N_SITES, 3), 0.1, np.float32),
        log_library=np.full(N_SITES, np.log(library), np.float32),
        log_library_variance=np.zeros(N_SITES, np.float32),
    )


def test_shares_of_all_genes_sum_to_one(decoder, rng):
    share = decoder.share(predicted(decoder, rng, 1000.0), GENES)
    np.testing.assert_allclose(share.sum(1), 1, rtol=1e-5)


def test_counts_are_shares_of_the_library(decoder, rng):
    at = predicted(decoder, rng, 3000.0)
    counts = decoder.decode(at, GENES, "counts")
    np.testing.assert_allclose(counts, 3000 * decoder.share(at, GENES), rtol=1e-4)


def test_composition_does_not_know_the_library_and_log_does(decoder):
    shallow = predicted(decoder, np.random.default_rng(1), 500.0)
    deep = predicted(decoder, np.random.default_rng(1), 2000.0)
    of = [decoder.decode(at, GENES, "composition") for at in (shallow, deep)]
    np.testing.assert_array_equal(*of)
    logs = [decoder.decode(at, GENES[3:5], "log") for at in (shallow, deep)]
    assert (logs[0] < logs[1]).all()


def test_gene_without_counts_is_zero_everywhere(decoder, rng):
    at = predicted(decoder, rng, 1000.0)
    for scale in ("log", "counts", "composition"):
        assert np.abs(decoder.decode(at, GENES[-1:], scale)).max() < 1e-5


def test_sd_covers_simulated_measurements(decoder, rng):
    at = predicted(decoder, rng, 1000.0)
    certain = Prediction(
        at.factors, np.zeros_like(at.variance), at.log_library, at.log_library_variance
    )
    drawn = rng.poisson(1000.0 * decoder.share(certain, GENES[:5]), size=(4000, N_SITES, 5))
    found = np.log1p(drawn).std(0)
    np.testing.assert_allclose(decoder.sd(certain, GENES[:5]), found, rtol=0.08)
    assert (decoder.sd(at, GENES[:5]) > decoder.sd(certain, GENES[:5])).all()


def test_arrays_rebuild_the_same_decoder(decoder, rng):
    again = CompositionDecoder.from_arrays(decoder.to_arrays())
    at = predicted(decoder, rng, 1000.0)
    np.testing.assert_array_equal(decoder.sd(at, GENES), again.sd(at, GENES))
    np.testing.assert_array_equal(decoder.decode(at, GENES, "log"), again.decode(at, GENES, "log"))
