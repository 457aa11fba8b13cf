"""Means with intervals, and differences on the same draws."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from stentrans.errors import ParameterError
from stentrans.evaluation import Comparison, compare, summarise
from stentrans.evaluation.bootstrap import BlockSums
from stentrans.evaluation.report import Run
from stentrans.evaluation.scoring import Scores

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


def one_score_per_repeat(protocol, by_method):
    """Comparison whose scores differ from repeat to repeat and never from block to block."""
    spots, runs, rows = np.full(10, 7.0), [], []
    for method, values in by_method.items():
        for repeat, value in enumerate(values):
            scores = Scores(
                {}, {"profile": value}, BlockSums(spots, {}, {"profile": spots * value})
            )
            runs.append(Run(method, repeat, False, np.arange(1), scores))
            rows.append((method, protocol, repeat, "all genes", "profile", value))
    columns = ["method", "protocol", "repeat", "gene", "metric", "value"]
    return Comparison(pd.DataFrame(rows, columns=columns), tuple(runs))


HOLES = np.array([0.1, 0.7, 0.2, 0.6, 0.4])


def test_interval_of_very_different_holes_is_wide():
    (row,) = summarise(one_score_per_repeat("holes", {"linear": HOLES})).to_dict("records")
    expected = t.interval(0.95, 4, HOLES.mean(), HOLES.std(ddof=1) / np.sqrt(5))
    assert (row["low"], row["high"]) == pytest.approx(expected)
    assert row["high"] - row["low"] > 0.6


def test_difference_between_methods_is_judged_hole_by_hole():
    gain = np.array([0.1, 0.12, 0.08, 0.1, 0.1])
    comparison = one_score_per_repeat("holes", {"linear": HOLES, "prior": HOLES + gain})
    row = summarise(comparison, reference="linear").set_index("method").loc["prior"]
    expected = t.interval(0.95, 4, gain.mean(), gain.std(ddof=1) / np.sqrt(5))
    assert (row["difference_low"], row["difference_high"]) == pytest.approx(expected)


def test_interval_of_one_hole_and_of_other_protocols_is_over_blocks():
    for protocol, values in (("holes", HOLES[:1]), ("scattered", HOLES)):
        row = summarise(one_score_per_repeat(protocol, {"linear": values})).iloc[0]
        assert row["high"] - row["low"] == pytest.approx(0, abs=1e-9)
