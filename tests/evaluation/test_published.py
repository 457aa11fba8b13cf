"""The published protocol rewards memory, and cannot be taken for a strict one."""

from __future__ import annotations

import numpy as np
import pytest

import stentrans
from stentrans.errors import ParameterError
from stentrans.evaluation import compare, summarise
from stentrans.evaluation.published import IMAGE_METHODS, trained_on
from stentrans.methods import registry


def test_memory_scores_one_as_published_and_nothing_strictly(section, with_memory):
    published = stentrans.evaluate(section, methods=("paper",), protocol="published")
    assert published["value"].to_numpy() == pytest.approx(1, abs=1e-6)
    strict = stentrans.evaluate(section, methods=("paper",), repeats=1)
    mean = strict.groupby("metric")["value"].mean()
    assert abs(mean["log_normalised"]) < 0.05
    assert abs(mean["depth_adjusted"]) < 0.05


def test_published_shares_no_metric_with_the_strict_protocols(section):
    published = stentrans.evaluate(section, methods=("nearest",), protocol="published")
    strict = stentrans.evaluate(section, methods=("nearest",), repeats=1)
    assert set(published["metric"]) == {"published_pearson"}
    assert not set(published["metric"]) & set(strict["metric"])
    assert set(published["protocol"]) == {"published"}


def test_genes_are_those_of_all_spots_and_kept_spots_are_scored_too(section):
    published = stentrans.evaluate(section, methods=("nearest",), protocol="published")
    seen = np.asarray((section.X > 0).mean(0)).ravel() > 0.1
    assert list(published["gene"]) == list(section.var_names[seen])
    # A quarter of the spots is known to it, which no hidden spot is.
    strict = stentrans.evaluate(section, methods=("nearest",), repeats=1)
    hidden = strict.loc[strict["metric"] == "log_normalised", "value"].mean()
    assert published["value"].mean() > hidden + 0.1


def test_every_image_method_offers_what_it_predicts_from_the_quarter(section):
    known = IMAGE_METHODS & set(registry.METHODS)
    if "nedi" not in known:
        pytest.skip("no fast image method is registered")
    scores = stentrans.evaluate(section, methods=("nedi",), protocol="published")
    assert np.isfinite(scores["value"]).all()


def test_null_of_the_published_protocol_is_refused(section):
    with pytest.raises(ParameterError, match="hides nothing"):
        stentrans.evaluate(section, methods=("nearest",), protocol="published", null=True)


def test_second_repeat_of_the_published_protocol_is_refused(section):
    with pytest.raises(ParameterError, match=r"which has one repeat .*; got 2"):
        stentrans.evaluate(section, methods=("nearest",), protocol="published", repeats=2)


def test_published_scores_have_no_bounds(section):
    summary = summarise(compare(section, methods=("nearest",), protocol="published"))
    assert np.isfinite(summary["mean"]).all()
    assert summary[["low", "high"]].isna().all(axis=None)


def test_every_image_method_but_the_untrained_learns_from_what_is_scored():
    assert {name: trained_on(name) for name in ("paper", "dist", "nedi", "linear")} == {
        "paper": "the pair that is scored",
        "dist": "the pair that is scored",
        "nedi": "nothing",
        "linear": "the quarter alone",
    }
