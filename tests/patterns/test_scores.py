"""Scores of gene sets are means of residuals, measured and predicted in the same units."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from stentrans.patterns import scores
from stentrans.patterns.residuals import CountResiduals
from stentrans.patterns.scores import map_scores, measured_scores, membership

SETS = {"layer": ["Layer1-01", "Layer1-02", "nobody"], "none": ["nobody"], "one": ["Ring-01"]}


@pytest.fixture(scope="module")
def weights(known_section):
    everything = np.ones(known_section.n_vars, bool)
    return membership(SETS, known_section.var_names, everything)


def test_membership_shares_a_set_among_its_known_genes():
    genes = pd.Index(["a", "b", "c"])
    found = membership({"ab": ["a", "b", "b", "x"], "c": ["c"]}, genes, np.array([1, 1, 0], bool))
    np.testing.assert_allclose(found.toarray(), [[0.5, 0], [0.5, 0], [0, 0]])


def test_membership_of_no_sets_has_no_columns():
    assert membership({}, pd.Index(["a"]), np.array([True])).shape == (1, 0)


def test_measured_score_is_the_mean_residual(known_section, weights, monkeypatch):
    residuals = CountResiduals(known_section.X)
    genes = known_section.var_names.get_indexer(["Layer1-01", "Layer1-02", "Ring-01"])
    expected = residuals.of(genes)
    monkeypatch.setattr("stentrans.patterns.residuals.GENES_AT_ONCE", 2)
    found = measured_scores(residuals, weights)
    np.testing.assert_allclose(found[:, 0], expected[:, :2].mean(1), atol=1e-5)
    np.testing.assert_allclose(found[:, 2], expected[:, 2], atol=1e-5)
    assert not found[:, 1].any()


def test_predicted_scores_follow_measured_ones(known_section, weights, linear_fit, monkeypatch):
    monkeypatch.setattr(scores, "GENES_AT_ONCE", 2)
    residuals = CountResiduals(known_section.X)
    measured = measured_scores(residuals, weights)
    enhanced = map_scores(linear_fit[0], residuals, weights)[: known_section.n_obs]
    assert np.corrcoef(measured[:, 0], enhanced[:, 0])[0, 1] > 0.8
    slope = np.polyfit(enhanced[:, 0], measured[:, 0], 1)[0]
    assert 0.6 < slope < 1.7


def test_scores_of_sets_without_genes_are_zero(known_section, linear_fit):
    empty = membership({"none": []}, known_section.var_names, np.ones(known_section.n_vars, bool))
    residuals = CountResiduals(known_section.X)
    assert not measured_scores(residuals, empty).any()
    assert map_scores(linear_fit[0], residuals, empty).shape == (len(linear_fit[0].sites), 1)
