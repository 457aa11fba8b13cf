"""The long table of scores, and its agreement with a score computed apart from the package."""

from __future__ import annotations

import importlib.util

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

import stentrans
from stentrans.errors import ParameterError, SectionFormatError
from stentrans.evaluation import compare


def test_table_is_long_and_complete(section):
    scores = stentrans.evaluate(section, methods=("linear", "nearest"), repeats=2)
    assert list(scores) == ["method", "protocol", "repeat", "gene", "metric", "value"]
    assert set(scores["repeat"]) == {0, 1}
    assert set(scores["gene"]) - {"all genes"} <= set(section.var_names)
    assert np.isfinite(scores["value"]).all()
    counted = scores.groupby(["method", "repeat", "metric"]).size().unstack()
    assert (counted["log_normalised"] == counted["depth_adjusted"]).all()
    assert (counted["deviance_explained"] == 1).all()
    assert (counted["profile"] == 1).all()


def test_coverage_of_the_section_is_over_all_values(section):
    scores = stentrans.evaluate(section, methods=("linear",), repeats=1)
    covered = scores[scores["metric"] == "coverage_80"]
    pooled = covered["gene"] == "all genes"
    assert covered.loc[pooled, "value"].item() == pytest.approx(
        covered.loc[~pooled, "value"].mean()
    )


def test_null_of_a_strong_pattern_scores_nothing(section):
    scores = stentrans.evaluate(section, methods=("prior",), repeats=2, null=True)
    assert list(scores) == ["method", "protocol", "repeat", "null", "gene", "metric", "value"]
    mean = scores.groupby(["metric", "null"])["value"].mean().unstack()
    for metric in ("log_normalised", "depth_adjusted", "spearman", "profile"):
        assert mean.loc[metric, False] > 0.2
        assert abs(mean.loc[metric, True]) < 0.07
    variance = mean.loc["composition_variance"]
    assert variance[True] < 0.03 * variance[False]


def test_real_scores_do_not_depend_on_the_null(section):
    alone = stentrans.evaluate(section, methods=("nearest",), repeats=1)
    beside = stentrans.evaluate(section, methods=("nearest",), repeats=1, null=True)
    real = beside[~beside["null"]].drop(columns="null").reset_index(drop=True)
    pd.testing.assert_frame_equal(real, alone)


def test_default_method_beats_interpolation_on_hidden_spots(section):
    scores = stentrans.evaluate(section, methods=("prior", "linear", "nearest"), repeats=1)
    mean = scores.groupby(["metric", "method"])["value"].mean().unstack()
    for metric in ("log_normalised", "depth_adjusted", "deviance_explained"):
        assert mean.loc[metric, "prior"] > mean.loc[metric, ["linear", "nearest"]].max()


@pytest.mark.parametrize("protocol", ["scattered", "holes", "counts"])
def test_other_protocols_run(section, protocol):
    scores = stentrans.evaluate(section, methods=("linear",), protocol=protocol, repeats=1)
    assert set(scores["protocol"]) == {protocol}


def test_unknown_method_is_refused(section):
    with pytest.raises(ParameterError, match=r"method must be one of .*; got 'magic'"):
        stentrans.evaluate(section, methods=("magic",))


def test_method_named_twice_is_refused(section):
    with pytest.raises(ParameterError, match="linear is named 2 times"):
        stentrans.evaluate(section, methods=("linear", "linear"))


def test_null_of_halved_counts_is_refused(section):
    with pytest.raises(ParameterError, match="counts hides half of the counts of every spot"):
        stentrans.evaluate(section, methods=("linear",), protocol="counts", null=True)


def test_no_method_is_refused(section):
    with pytest.raises(ParameterError, match="At least one method"):
        stentrans.evaluate(section, methods=())


@pytest.mark.slow
def test_scores_agree_with_the_independent_script(shared_data):
    path = shared_data.parent / "bench" / "strict.py"
    if not path.is_file():
        pytest.skip("the independent score (../shared/bench/strict.py) is not on this machine")
    spec = importlib.util.spec_from_file_location("strict", path)
    strict = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(strict)
    file = shared_data / "st_human_melanoma_mel1_rep1.h5ad"
    (theirs,) = strict.score_section(file, ["prior"], phases=1, seed=0)
    ours = stentrans.evaluate(stentrans.read(file), methods=("prior",), repeats=1)
    mean = ours.groupby("metric")["value"].mean()
    assert mean["depth_adjusted"] == pytest.approx(theirs["pcc_adjusted"], abs=1e-3)
    assert mean["log_normalised"] == pytest.approx(theirs["pcc_mean"], abs=1e-3)
    assert mean["deviance_explained"] == pytest.approx(theirs["deviance_explained"], abs=1e-3)


def test_spots_too_poor_to_be_scored_are_left_out():
    section = stentrans.simulate(n_rows=14, n_cols=28, seed=1)
    poor = section.copy()
    counts = poor.X.toarray()
    counts[5] = 0
    counts[5, 3] = 1
    poor.X = csr_matrix(counts)
    without = section[np.arange(section.n_obs) != 5].copy()
    found = stentrans.evaluate(poor, methods=("nearest",), protocol="holes", repeats=2)
    expected = stentrans.evaluate(without, methods=("nearest",), protocol="holes", repeats=2)
    pd.testing.assert_frame_equal(found, expected)
    assert compare(poor, methods=("nearest",), protocol="holes", repeats=1).n_left_out == 1


def test_section_of_which_too_few_spots_remain_says_that_they_were_removed(section):
    poor = section.copy()
    counts = np.zeros(poor.shape, np.float32)
    counts[:, 3] = 1
    counts[:20] = 1
    poor.X = csr_matrix(counts)
    removed = f"{len(counts) - 20} spots that show fewer were removed, which leaves 20"
    with pytest.raises(SectionFormatError, match=removed):
        stentrans.evaluate(poor, methods=("nearest",))
