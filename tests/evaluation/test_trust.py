from __future__ import annotations

import numpy as np
import pytest

from stentrans.errors import ShapeError
from stentrans.evaluation.trust import trusted_levels


def test_levels_of_a_predictable_gene_are_trusted_at_both_ends(rng: np.random.Generator) -> None:
    truth = np.linspace(0.0, 2.0, 1000)
    levels = trusted_levels(truth, truth + rng.normal(0, 0.3, 1000))
    assert levels.holds(np.array([-1.0, 0.1, 1.9, 5.0])).all()
    assert len(levels.is_trusted) == 10


def test_level_at_the_average_says_nothing() -> None:
    truth = np.linspace(0.0, 2.0, 1000)
    levels = trusted_levels(truth, truth)
    assert levels.holds(np.array([0.1, 1.0, 1.9])).tolist() == [True, False, True]


def test_nothing_is_trusted_of_a_gene_that_cannot_be_predicted(rng: np.random.Generator) -> None:
    measured = rng.poisson(0.3, (200, 600)).astype(float)
    trusted = [trusted_levels(rng.normal(size=600), gene).is_trusted.any() for gene in measured]
    assert np.mean(trusted) < 0.06  # ten levels, three standard errors: 3 % by chance


@pytest.mark.parametrize("n_spots", [1, 2, 40])
def test_few_or_equal_spots_are_never_trusted(n_spots: int) -> None:
    assert not trusted_levels(np.arange(float(n_spots)), np.ones(n_spots)).is_trusted.any()


def test_spots_must_be_the_same() -> None:
    with pytest.raises(ShapeError, match=r"same spots; got shapes \(3,\) and \(4,\)"):
        trusted_levels(np.zeros(3), np.zeros(4))
