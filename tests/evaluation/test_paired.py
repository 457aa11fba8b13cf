"""Two tests on hidden spots compared."""

from __future__ import annotations

import numpy as np
import pytest

from stentrans.errors import ParameterError
from stentrans.evaluation import hidden_folds
from stentrans.evaluation.paired import paired


@pytest.fixture(scope="module")
def linear(section):
    return hidden_folds(section, method="linear")


@pytest.fixture(scope="module")
def nearest(section):
    return hidden_folds(section, method="nearest")


def test_scores_are_those_of_both_tests(section, linear, nearest) -> None:
    found = paired(section, linear, nearest)
    genes = found.scores.index
    np.testing.assert_allclose(found.scores["a"], linear.scores.loc[genes, "pearson"], atol=1e-4)
    np.testing.assert_allclose(found.scores["b"], nearest.scores.loc[genes, "pearson"], atol=1e-4)


def test_better_test_is_clearly_better_and_the_other_way_round(section, linear, nearest) -> None:
    found, back = paired(section, linear, nearest), paired(section, nearest, linear)
    assert found.difference > 0
    assert found.is_clear
    assert back.difference == pytest.approx(-found.difference)
    assert back.reach == pytest.approx(found.reach)


def test_test_does_not_differ_from_itself(section, linear) -> None:
    found = paired(section, linear, linear)
    assert found.difference == 0
    assert not found.is_clear


def test_test_of_another_section_is_refused(section, linear) -> None:
    with pytest.raises(ParameterError, match="Both tests must be of this section"):
        paired(section[:-1], linear, linear)
