"""Means with intervals, and differences on the same draws."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from stentrans.errors import ParameterError
from stentrans.evaluation import compare, summarise

LEADING = ["log_normalised", "depth_adjusted", "deviance_explained"]
WITH_BOUNDS = {*LEADING, "spearman", "ssim", "profile"} | {
    f"coverage_{level}" for level in (50, 80, 95)
}


@pytest.fixture(scope="module")
def comparison(section):
    """Two methods on two phases, and on their permutations."""
    return compare(section, methods=("lowrank_kriging", "nearest"), repeats=2, null=True)


@pytest.fixture(scope="module")
def summary(comparison) -> pd.DataFrame:
    """Against the nearest spot."""
    return summarise(comparison, reference="nearest")


def test_a_row_for_every_method_and_metric(comparison, summary):
    keys = ["method", "protocol", "null", "metric"]
    assert not summary.duplicated(keys).any()
    asked = comparison.scores[keys].drop_duplicates()
    assert len(summary) == len(asked)


def test_mean_is_over_genes_and_repeats(comparison, summary):
    rows = comparison.scores.query("method == 'nearest' and metric == 'ssim' and not null")
    row = summary.query("method == 'nearest' and metric == 'ssim' and not null")
    expected = rows.groupby("repeat")["value"]
    assert row["mean"].item() == pytest.approx(expected.mean().mean())
    assert row["median"].item() == pytest.approx(expected.median().mean())


def test_interval_holds_the_mean_where_blocks_were_kept(summary):
    real = summary[~summary["null"]]
    bounded = real[real["low"].notna()]
    assert set(bounded["metric"]) == WITH_BOUNDS
    assert (bounded["low"] < bounded["mean"]).all()
    assert (bounded["mean"] < bounded["high"]).all()


def test_null_has_no_interval(summary):
    assert summary.loc[summary["null"], ["low", "high", "difference_low"]].isna().all(axis=None)


def test_difference_to_the_reference_is_that_of_the_means(summary):
    wide = summary[~summary["null"]].set_index(["metric", "method"])
    ours, nearest = (wide.xs(name, level="method") for name in ("lowrank_kriging", "nearest"))
    np.testing.assert_allclose(ours["difference"], ours["mean"] - nearest["mean"])
    assert (nearest["difference"] == 0).all()
    assert (ours.loc[LEADING, "difference_low"] > 0).all()


def test_paired_difference_is_known_better_than_either_mean(summary):
    row = summary.query("method == 'lowrank_kriging' and metric == 'log_normalised' and not null")
    paired = row["difference_high"] - row["difference_low"]
    assert paired.item() < (row["high"] - row["low"]).item()


def test_same_seed_gives_the_same_interval(comparison):
    pd.testing.assert_frame_equal(summarise(comparison, seed=3), summarise(comparison, seed=3))


def test_summary_without_null_and_reference_has_neither_column(section):
    summary = summarise(compare(section, methods=("nearest",), protocol="holes", repeats=3))
    assert list(summary) == ["method", "protocol", "metric", "mean", "median", "low", "high"]


def test_unknown_reference_is_refused(comparison):
    with pytest.raises(ParameterError, match=r"reference must be one of .*; got 'linear'"):
        summarise(comparison, reference="linear")
