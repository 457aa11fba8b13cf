from __future__ import annotations

import numpy as np
import pytest

from stentrans.errors import ShapeError
from stentrans.evaluation.trust import trusted_levels


def test_levels_of_a_predictable_gene_are_trusted_at_both_ends(rng: np.random.Generator) -> None:
    truth = np.linspace(0.0, 2.0, 1000)
    levels = trusted_levels(truth, truth + rng.normal(0, 0.3, 1000))
    assert levels.holds(np.array([-1.0, 0.1, 1.9, 5.0])).all()


def test_level_at_the_average_says_nothing() -> None:
    truth = np.linspace(0.0, 2.0, 1000)
    levels = trusted_levels(truth, truth)
    assert levels.holds(np.array([0.1, 1.0, 1.9])).tolist() == [True, False, True]


def test_nothing_is_trusted_of_a_gene_that_cannot_be_predicted(rng: np.random.Generator) -> None:
    measured = rng.poisson(0.3, (200, 600)).astype(float)
    trusted = [trusted_levels(rng.normal(size=600), gene).is_trusted.any() for gene in measured]
    assert np.mean(trusted) < 0.03


def test_what_lies_beyond_a_trusted_level_is_trusted(rng: np.random.Generator) -> None:
    rate = np.where(np.arange(1000) < 800, 0.2, 0.6)
    for _ in range(20):
        found = trusted_levels(np.arange(1000.0), rng.poisson(rate).astype(float)).is_trusted
        middle = np.flatnonzero(~found)
        assert (np.diff(middle) == 1).all()  # one stretch around the average, if any
        assert found[-1]


@pytest.mark.parametrize("n_spots", [1, 2, 40])
def test_few_or_equal_spots_are_never_trusted(n_spots: int) -> None:
    assert not trusted_levels(np.arange(float(n_spots)), np.ones(n_spots)).is_trusted.any()


def test_spots_must_be_the_same() -> None:
    with pytest.raises(ShapeError, match=r"same spots; got shapes \(3,\) and \(4,\)"):
        trusted_levels(np.zeros(3), np.zeros(4))
