"""One method on one hold-out: what a perfect one scores, and that chunks change nothing."""

from __future__ import annotations

import numpy as np
import pytest

from stentrans.errors import Cancelled
from stentrans.evaluation import preparation
from stentrans.evaluation.metrics import log_normalised
from stentrans.evaluation.scoring import COVERAGES, score
from stentrans.methods import image_decoding, registry
from stentrans.methods.base import FitOptions, Progress
from tests.evaluation.conftest import N_GENES
from tests.evaluation.fakes import FakeDecoder, FakeFitted


@pytest.fixture(scope="module")
def measured(hold_out):
    """Hidden log values as they were measured."""
    return log_normalised(hold_out.truth.toarray(), hold_out.library, hold_out.target)


def test_method_that_returns_what_was_measured_scores_best(hold_out, measured):
    fitted = FakeFitted(FakeDecoder(measured, hold_out.truth.toarray()))
    found = score(fitted, hold_out)
    for metric in ("log_normalised", "depth_adjusted", "spearman", "ssim", "coverage_50"):
        np.testing.assert_allclose(found.per_gene[metric], 1, atol=1e-3, err_msg=metric)
    np.testing.assert_allclose(found.per_gene["rmse"], 0, atol=1e-6)
    np.testing.assert_allclose(
        found.per_gene["morans_i"], found.per_gene["morans_i_true"], atol=1e-5
    )
    assert found.of_section["profile"] == pytest.approx(1)
    assert found.of_section["deviance_explained"] > 0.95
    assert found.per_gene["gene_deviance_explained"].min() > 0.9


def test_method_that_knows_the_mean_only_scores_nothing(hold_out):
    flat = np.broadcast_to(hold_out.usual, hold_out.truth.shape)
    fitted = FakeFitted(FakeDecoder(flat, np.broadcast_to(hold_out.null, hold_out.truth.shape)))
    found = score(fitted, hold_out)
    for metric in ("log_normalised", "depth_adjusted", "spearman", "morans_i"):
        np.testing.assert_allclose(found.per_gene[metric], 0, atol=1e-3, err_msg=metric)
    assert found.per_gene["ssim"].mean() < 0.2
    assert found.of_section["deviance_explained"] == pytest.approx(0, abs=1e-6)
    assert found.of_section["composition_variance"] == pytest.approx(0, abs=1e-9)
    assert abs(found.of_section["profile"]) < 1e-3


def test_intervals_of_the_true_distribution_cover_their_level(hold_out, rates, split):
    rng = np.random.default_rng(5)
    drawn = rng.poisson(rates[split.hidden], size=(400, *hold_out.truth.shape))
    values = np.log1p(drawn * (hold_out.target / drawn.sum(2, keepdims=True)))

    def bounds(level):
        return np.quantile(values, [(1 - level) / 2, (1 + level) / 2], axis=0)

    mean = values.mean(0)
    found = score(FakeFitted(FakeDecoder(mean, np.expm1(mean), bounds=bounds)), hold_out)
    for metric, level in COVERAGES.items():
        assert found.of_section[metric] == pytest.approx(level, abs=0.03)
        assert found.of_section[metric] == pytest.approx(found.per_gene[metric].mean())


def test_profile_tells_spots_apart_not_genes(hold_out, measured):
    order = np.roll(np.arange(len(measured)), 20)
    fitted = FakeFitted(FakeDecoder(measured[order], hold_out.truth.toarray()[order]))
    # Raw profiles of any two spots are alike, because every gene has its level.
    raw = np.mean([np.corrcoef(measured[i], measured[order[i]])[0, 1] for i in range(50)])
    assert raw > 0.6
    assert score(fitted, hold_out).of_section["profile"] < 0.5


def test_composition_variance_weighs_genes_by_their_share(hold_out, rng):
    log = rng.gamma(2.0, size=hold_out.truth.shape).astype(np.float32)
    found = score(FakeFitted(FakeDecoder(log, np.expm1(log))), hold_out)
    expected = log.astype(float).var(0) @ hold_out.null
    assert found.of_section["composition_variance"] == pytest.approx(expected, rel=1e-5)


def test_chunks_of_genes_change_nothing(hold_out, monkeypatch):
    fitted = registry.load("linear").fit(hold_out.seen, hold_out.shown, FitOptions())
    whole = score(fitted, hold_out)
    monkeypatch.setattr(preparation, "GENES_PER_CHUNK", 7)
    parts = score(fitted, hold_out)
    assert parts.of_section == pytest.approx(whole.of_section, rel=1e-5)
    for metric, values in whole.per_gene.items():
        np.testing.assert_allclose(parts.per_gene[metric], values, atol=1e-5, err_msg=metric)
    for metric, sums in whole.sums.moments.items():
        np.testing.assert_allclose(parts.sums.moments[metric], sums, rtol=1e-4, atol=1e-3)
    for metric, total in whole.sums.totals.items():
        np.testing.assert_allclose(parts.sums.totals[metric], total, rtol=1e-4)
    np.testing.assert_allclose(parts.sums.deviance, whole.sums.deviance, rtol=1e-6)


def test_sums_of_blocks_give_the_scores_back(hold_out):
    fitted = registry.load("linear").fit(hold_out.seen, hold_out.shown, FitOptions())
    found = score(fitted, hold_out)
    whole = found.sums.draws(np.ones((1, 8)))
    for metric in ("log_normalised", "depth_adjusted", "spearman", "ssim", "coverage_80"):
        assert whole[metric].item() == pytest.approx(found.per_gene[metric].mean(), abs=1e-5)
    explained = found.of_section["deviance_explained"]
    assert whole["deviance_explained"].item() == pytest.approx(explained)
    assert whole["profile"].item() == pytest.approx(found.of_section["profile"])


def test_image_of_a_gene_is_doubled_for_the_total_and_once_more(hold_out, monkeypatch):
    monkeypatch.setattr(image_decoding, "GENES_AT_ONCE", 7)
    fitted = registry.load("nedi").fit(hold_out.seen, hold_out.shown, FitOptions())
    double, asked = fitted.decoder._double, []

    def counted(genes):
        asked.extend(genes)
        return double(genes)

    monkeypatch.setattr(fitted.decoder, "_double", counted)
    score(fitted, hold_out)
    assert sorted(asked) == sorted([*range(N_GENES), *range(N_GENES)])


def test_scoring_is_told_and_cancelled_between_chunks(hold_out, monkeypatch):
    monkeypatch.setattr(preparation, "GENES_PER_CHUNK", 10)
    fitted = registry.load("linear").fit(hold_out.seen, hold_out.shown, FitOptions())
    told: list[Progress] = []
    score(fitted, hold_out, on_progress=told.append)
    np.testing.assert_allclose([p.fraction for p in told], np.arange(1, 7) / 6)
    with pytest.raises(Cancelled, match="scoring"):
        score(fitted, hold_out, on_progress=lambda progress: progress.fraction < 0.6)
