"""Over-representation against what was tested, and the standing of sets in a ranking."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from stentrans.errors import Cancelled, ParameterError
from stentrans.patterns.pathways import MOST, enriched, enriched_in_ranking, without_ties

GENES = [f"G{i}" for i in range(1_000)]


@pytest.fixture(scope="module")
def background():
    """Genes seen in ever more spots."""
    return {gene: float(10 + i) for i, gene in enumerate(GENES)}


@pytest.fixture(scope="module")
def sets():
    rng = np.random.default_rng(0)
    drawn = {f"random {k}": list(rng.choice(GENES, 30, replace=False)) for k in range(15)}
    return {"low": GENES[:40], "often": GENES[-60:], "unmeasured": ["X1", "X2"], **drawn}


def test_p_value_is_hypergeometric_over_the_tested_genes(background, sets):
    table = enriched([*GENES[:25], "not tested"], sets, background).set_index("term")
    assert table.loc["low", "hits"] == 25
    assert table.loc["low", "size"] == 40
    assert table.loc["low", "expected"] == pytest.approx(1.0)
    expected = stats.hypergeom.sf(24, 1_000, 40, 25)
    assert table.loc["low", "p_value"] == pytest.approx(expected, rel=1e-6)
    assert table.index[0] == "low"


def test_q_values_count_sets_without_a_hit(background, sets):
    table = enriched(GENES[:25], sets, background)
    assert len(table) < 17
    p_value = np.ones(17)
    p_value[: len(table)] = table["p_value"]
    expected = stats.false_discovery_control(p_value)[: len(table)]
    np.testing.assert_allclose(table["q_value"], expected)


def test_often_seen_genes_are_compared_with_genes_seen_as_often(background, sets):
    rng = np.random.default_rng(1)
    often = list(rng.choice(GENES[-200:], 60, replace=False))
    found = enriched(often, sets, background).set_index("term").loc["often"]
    assert found["q_value"] < 0.01
    assert found["p_as_often_seen"] > 0.05
    assert found["expected_as_often_seen"] == pytest.approx(18, abs=2)
    assert found["expected"] == pytest.approx(3.6)


def test_list_without_a_hit_gives_an_empty_table(background):
    table = enriched(GENES[:5], {"other": GENES[100:120]}, background)
    assert table.empty
    assert "q_value" in table


def test_list_outside_the_background_is_refused(background, sets):
    with pytest.raises(ParameterError, match="none of its 2 genes is among them"):
        enriched(["A", "B"], sets, background)


@pytest.mark.parametrize("size", [4, MOST + 1])
def test_sets_of_a_size_that_says_nothing_are_refused(background, size):
    with pytest.raises(ParameterError, match="none of the 1 sets does"):
        enriched(GENES[:5], {"set": GENES[:size]}, background)


@pytest.fixture(scope="module")
def few_sets():
    """Sets of 200 genes, one at each end."""
    rng = np.random.default_rng(0)
    drawn = {f"random {k}": list(rng.choice(GENES[:200], 15, replace=False)) for k in range(8)}
    return {"low": GENES[:20:2], "often": GENES[180:200:2], **drawn}


def test_set_at_the_top_of_a_ranking_is_found(few_sets):
    ranking = pd.Series(np.linspace(4, -4, 200), index=GENES[:200])
    table = enriched_in_ranking(ranking, few_sets).set_index("term")
    assert table.loc["low", "score"] > 1.5
    assert table.loc["low", "q_value"] < 0.01
    assert table.loc["often", "score"] < -1.5
    assert "G0" in table.loc["low", "leading_genes"].split(", ")
    assert (table.loc[table.index.str.startswith("random"), "q_value"] > 0.05).mean() > 0.8


def test_ranking_gives_the_same_for_the_same_seed(few_sets):
    ranking = pd.Series(np.round(np.linspace(4, -4, 200)), index=GENES[:200])  # many ties
    one, other = (enriched_in_ranking(ranking, few_sets, seed=3) for _ in range(2))
    pd.testing.assert_frame_equal(one, other)


def test_ties_are_broken_without_moving_a_gene_past_another():
    values = pd.Series([1.0, 2.0, 2.0, 0.0], index=["d", "b", "a", "c"])
    assert list(without_ties(values).index) == ["a", "b", "d", "c"]
    assert without_ties(values).is_unique


@pytest.mark.parametrize(
    "ranking",
    [
        pd.Series([1.0, 2.0], index=["a", "b"]),
        pd.Series([np.nan, *range(10)], index=GENES[:11], dtype=float),
        pd.Series(np.arange(12.0), index=["a"] * 12),
    ],
    ids=["few", "nan", "twice"],
)
def test_ranking_that_is_none_is_refused(ranking, sets):
    with pytest.raises(ParameterError, match="A ranking must hold a finite number"):
        enriched_in_ranking(ranking, sets)


def test_looking_in_a_ranking_can_be_stopped(few_sets):
    ranking = pd.Series(np.linspace(4, -4, 200), index=GENES[:200])
    with pytest.raises(Cancelled, match="Cancelled on request"):
        enriched_in_ranking(ranking, few_sets, on_progress=lambda _: False)


def test_set_that_no_random_set_can_be_compared_with_is_left_open():
    # Half of all genes, none of the few that weigh: all random sets of this size stand at the top.
    values = np.linspace(1, 0, 200) * 0.01
    values[:10] += 100
    ranking = pd.Series(values, index=GENES[:200])
    sets = {"apart": GENES[100:200], **{f"other {k}": GENES[k:190:9] for k in range(9)}}
    table = enriched_in_ranking(ranking, sets).set_index("term")
    assert np.isnan(table.loc["apart", "q_value"])
    assert table.index[-1] == "apart"
    assert table["q_value"].drop("apart").between(0, 1).all()
