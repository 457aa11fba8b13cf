"""Chosen spots hidden, predicted and uncovered."""

from __future__ import annotations

import numpy as np
import pytest

from stentrans.errors import MissingKeyError, ParameterError, StoreError
from stentrans.evaluation.revealed import Revealed, reveal
from stentrans.section import check_section

HIDDEN = np.arange(40, 80)


@pytest.fixture(scope="module")
def revealed(section) -> Revealed:
    return reveal(section, HIDDEN, method="nearest", rivals=("linear",))


def test_prediction_does_not_change_with_what_is_hidden(section, revealed) -> None:
    other = check_section(section)
    counts = other.X.toarray()
    counts[HIDDEN] = counts[HIDDEN][::-1] * 3
    other.X = type(other.X)(counts)
    again = reveal(other, HIDDEN, method="nearest", rivals=("linear",))
    gene = revealed.genes[7]
    assert again.target == revealed.target
    np.testing.assert_array_equal(again.genes, revealed.genes)
    for method in ("nearest", "linear"):
        np.testing.assert_array_equal(
            again.expression(method, gene), revealed.expression(method, gene)
        )


def test_score_is_the_correlation_with_the_truth(section, revealed) -> None:
    gene = "Ring-03"
    counts = section[:, gene].X.toarray()[:, 0]
    library = np.asarray(section.X.sum(1)).ravel()
    truth = np.log1p(counts * revealed.target / library)[HIDDEN]
    for method in ("nearest", "linear"):
        expected = np.corrcoef(revealed.expression(method, gene), truth)[0, 1]
        found = revealed.judgement.of_gene(gene).loc["log_normalised", method]
        assert found == pytest.approx(expected, abs=1e-5)


def test_rivals_stand_beside_the_method_with_bounds(revealed) -> None:
    assert revealed.judgement.methods == ("nearest", "linear")
    rows = revealed.judgement.means.set_index(["method", "metric"])
    assert (
        rows.loc[("linear", "log_normalised"), "low"]
        < rows.loc[("linear", "log_normalised"), "high"]
    )
    assert len(revealed.judgement.differences)


def test_rare_gene_is_scored_but_counts_in_no_mean(section) -> None:
    sparse = check_section(section)
    counts = sparse.X.tolil()
    counts[:, 0] = 0
    counts[[0, 1, 2, 45], 0] = 1
    sparse.X = counts.tocsr()
    found = reveal(sparse, HIDDEN, method="nearest", rivals=())
    assert section.var_names[0] in found.judgement.genes
    assert found.judgement.about["n_usual"] < len(found.genes)


def test_gene_of_hidden_spots_alone_cannot_be_predicted(section) -> None:
    only = check_section(section)
    counts = only.X.tolil()
    counts[np.setdiff1d(np.arange(only.n_obs), HIDDEN), 0] = 0
    only.X = counts.tocsr()
    found = reveal(only, HIDDEN, method="nearest", rivals=())
    with pytest.raises(MissingKeyError, match=str(section.var_names[0])):
        found.expression("nearest", str(section.var_names[0]))


def test_saved_reveal_loads_as_it_was(revealed, tmp_path) -> None:
    revealed.save(tmp_path)
    again = Revealed.load(tmp_path)
    np.testing.assert_array_equal(again.hidden, HIDDEN)
    for method in ("nearest", "linear"):
        np.testing.assert_array_equal(
            again.expression(method, "Ring-03"), revealed.expression(method, "Ring-03")
        )
    assert again.target == revealed.target


def test_damaged_reveal_is_refused(revealed, tmp_path) -> None:
    revealed.save(tmp_path)
    (tmp_path / "fold-0.npz").unlink()
    with pytest.raises(StoreError, match="complete saved predictions"):
        Revealed.load(tmp_path)


@pytest.mark.parametrize(
    ("hidden", "words"),
    [
        (range(3), "At least 10 spots must be hidden"),
        ([*range(20), 10_000], "must be among the"),
        (range(5, 400), "keep at least 30 spots"),
    ],
    ids=["few", "unknown", "nearly all"],
)
def test_useless_choice_is_refused(section, hidden, words) -> None:
    with pytest.raises(ParameterError, match=words):
        reveal(section, [spot for spot in hidden if spot < section.n_obs - 5 or spot > 9_999])
