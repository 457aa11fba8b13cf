"""Every spot predicted while hidden."""

from __future__ import annotations

import numpy as np
import pytest

import stentrans
from stentrans.errors import MissingKeyError, StoreError
from stentrans.evaluation import HeldOut, hidden_folds


@pytest.fixture(scope="module")
def held_out() -> HeldOut:
    """Predictions of a small simulated section."""
    section = stentrans.simulate(lattice="square", n_rows=14, n_cols=14, seed=1)
    return hidden_folds(section, method="prior")


def test_every_spot_is_predicted_once(held_out):
    hidden = np.concatenate([fold.hidden for fold in held_out.folds])
    assert sorted(hidden) == list(range(len(hidden)))
    values = held_out.expression(list(held_out.genes[:3]))
    assert values.shape == (len(hidden), 3)
    assert np.isfinite(values).all()


def test_scores_have_rivals_and_a_ceiling_per_gene(held_out):
    assert list(held_out.scores.index) == list(held_out.genes)
    columns = {"pearson", "pearson_cubic", "pearson_linear", "pearson_nearest"}
    columns |= {"pearson_lowrank_kriging"}
    assert columns | {"depth_adjusted", "ceiling", "detected_share"} <= set(held_out.scores)
    assert held_out.summary["pearson"] > held_out.summary["pearson_nearest"]


def test_method_that_knows_depth_only_scores_nothing_depth_adjusted():
    section = stentrans.simulate(lattice="square", n_rows=14, n_cols=14, seed=1)
    pooled = np.asarray(section.X.sum(0)).ravel()
    library = np.asarray(section.X.sum(1)).ravel()
    rng = np.random.default_rng(0)
    drawn = rng.poisson(library[:, None] * pooled / pooled.sum()).astype(np.float32)
    section.X = type(section.X)(drawn)
    assert abs(hidden_folds(section, method="prior").summary["depth_adjusted"]) < 0.03


def test_prediction_of_a_spot_does_not_use_its_own_counts():
    section = stentrans.simulate(lattice="square", n_rows=14, n_cols=14, seed=1)
    other = section.copy()
    dense = other.X.toarray()
    dense[5] = dense[5][::-1]
    other.X = type(section.X)(dense)
    gene = section.var_names[0]
    first, second = (hidden_folds(s, method="linear").expression(gene)[5] for s in (section, other))
    np.testing.assert_array_equal(first, second)


def test_saved_and_loaded_agree(held_out, tmp_path):
    held_out.save(tmp_path / "held")
    again = HeldOut.load(tmp_path / "held")
    names = list(held_out.genes)
    np.testing.assert_array_equal(held_out.expression(names), again.expression(names))
    np.testing.assert_allclose(held_out.scores, again.scores)
    assert list(again.scores.index) == names


def test_missing_fold_is_one_sentence(held_out, tmp_path):
    held_out.save(tmp_path)
    (tmp_path / "fold-2.npz").unlink()
    with pytest.raises(StoreError, match="could not be read"):
        HeldOut.load(tmp_path)


def test_unknown_gene_is_refused(held_out):
    with pytest.raises(MissingKeyError, match="'NOPE' is not"):
        held_out.expression("NOPE")
