"""Methods judged strictly and as published, saved and loaded again."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from stentrans.errors import MissingKeyError, ParameterError, StoreError
from stentrans.evaluation import evaluate, summarise
from stentrans.evaluation.judgement import Judgement, judge
from stentrans.evaluation.metric_words import METRICS
from stentrans.evaluation.report import compare


@pytest.fixture(scope="module")
def judgement(section) -> Judgement:
    return judge(section, methods=("linear", "nearest"), repeats=2, seed=1)


def test_scores_per_gene_are_those_of_evaluate(section, judgement) -> None:
    scores = evaluate(section, methods=("linear", "nearest"), repeats=2, seed=1)
    gene = judgement.genes[3]
    expected = scores[(scores["gene"] == gene) & (scores["metric"] == "depth_adjusted")]
    found = judgement.of_metric("depth_adjusted").loc[gene]
    np.testing.assert_allclose(found, expected.groupby("method")["value"].mean(), rtol=1e-5)
    np.testing.assert_allclose(judgement.of_gene(gene).loc["depth_adjusted"], found)


def test_published_score_stands_beside_the_strict_ones_under_its_own_name(judgement) -> None:
    rows = judgement.means.set_index(["method", "protocol", "metric", "null"])["mean"]
    assert rows["linear", "published", "published_pearson", False] > 0
    assert set(judgement.means.query("protocol == 'published'")["metric"]) == {"published_pearson"}
    assert judgement.of_metric("published_pearson").notna().any().all()


def test_null_is_near_zero_and_apart(judgement) -> None:
    rows = judgement.means.set_index(["method", "metric", "null"])["mean"]
    assert abs(rows["linear", "depth_adjusted", True]) < 0.1
    assert rows["linear", "depth_adjusted", False] > 0.1


def test_differences_are_those_of_the_summary(section, judgement) -> None:
    strict = compare(section, methods=("linear", "nearest"), repeats=2, null=True, seed=1)
    expected = summarise(strict, reference="nearest", seed=1).set_index(["method", "metric"])
    rows = judgement.differences.set_index(["method", "reference", "metric"])
    found = rows.loc[("linear", "nearest", "log_normalised")]
    wanted = expected[~expected["null"].astype(bool)].loc[("linear", "log_normalised")]
    assert found["difference"] == pytest.approx(wanted["difference"])
    assert found["difference_low"] == pytest.approx(wanted["difference_low"])
    back = rows.loc[("nearest", "linear", "log_normalised")]
    assert back["difference"] == pytest.approx(-found["difference"])


def test_saved_judgement_loads_as_it_was(judgement, tmp_path) -> None:
    judgement.save(tmp_path)
    again = Judgement.load(tmp_path)
    np.testing.assert_array_equal(again.per_gene, judgement.per_gene)
    pd.testing.assert_frame_equal(again.table(), judgement.table())
    pd.testing.assert_frame_equal(again.differences, judgement.differences)
    assert again.means["null"].tolist() == judgement.means["null"].tolist()
    assert again.about == judgement.about


def test_damaged_judgement_is_refused(judgement, tmp_path) -> None:
    judgement.save(tmp_path)
    (tmp_path / "per_gene.npz").write_bytes(b"")
    with pytest.raises(StoreError, match="complete saved scores"):
        Judgement.load(tmp_path)


def test_every_metric_is_explained_in_words(judgement) -> None:
    assert set(judgement.means["metric"]) <= set(METRICS)
    assert all("\n" not in words.meaning for words in METRICS.values())


def test_summary_tells_one_number_per_method(judgement) -> None:
    assert set(judgement.summary) == {"linear", "nearest"}
    assert judgement.summary["linear"] > judgement.summary["nearest"] > 0


def test_table_has_a_column_per_method_and_metric(judgement) -> None:
    assert {"linear: rmse", "nearest: published_pearson"} <= set(judgement.table().columns)


def test_unknown_gene_is_refused(judgement) -> None:
    with pytest.raises(MissingKeyError, match="'no such'"):
        judgement.of_gene("no such")


def test_protocol_that_hides_no_spot_is_refused(section) -> None:
    with pytest.raises(ParameterError, match="protocol must be one of thinning, scattered, holes"):
        judge(section, methods=("linear",), protocol="counts")


def test_section_too_small_for_the_published_protocol_is_told_so(square_section) -> None:
    with pytest.raises(ParameterError, match=r"this section has 12\. Leave"):
        judge(square_section, methods=("linear",), protocol="scattered", repeats=1)


def test_progress_never_goes_back_and_ends(section) -> None:
    seen = []
    judge(
        section,
        methods=("nearest",),
        repeats=1,
        null=False,
        on_progress=lambda progress: seen.append(progress.fraction),
    )
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
