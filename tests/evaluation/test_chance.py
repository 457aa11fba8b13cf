"""The level of chance is what shuffled spots reach, whatever the map."""

from __future__ import annotations

import numpy as np
import pytest

from stentrans.errors import ParameterError, ShapeError
from stentrans.evaluation.chance import chance_levels


def test_level_is_that_of_independent_numbers(rng: np.random.Generator) -> None:
    predicted, measured = rng.normal(size=(2, 400, 30))
    levels = chance_levels(predicted, measured, shuffles=400)
    # The 95th percentile of a correlation of 400 independent pairs.
    assert levels == pytest.approx(np.full(30, 1.645 / 20), abs=0.025)


def test_level_does_not_rise_with_a_perfect_prediction(rng: np.random.Generator) -> None:
    measured = rng.normal(size=(300, 5))
    assert (chance_levels(measured, measured) < 0.2).all()


def test_true_pattern_lies_above_chance_and_noise_seldom(rng: np.random.Generator) -> None:
    pattern = np.sin(np.linspace(0, 6, 300))[:, None]
    measured = pattern + 0.5 * rng.normal(size=(300, 20))
    found = np.corrcoef(pattern[:, 0], measured.T)[0, 1:]
    assert (found > chance_levels(np.repeat(pattern, 20, axis=1), measured)).all()
    noise = rng.normal(size=(300, 200))
    found = np.corrcoef(pattern[:, 0], noise.T)[0, 1:]
    beyond = found > chance_levels(np.repeat(pattern, 200, axis=1), noise)
    assert beyond.mean() == pytest.approx(0.05, abs=0.05)


def test_constant_gene_has_no_level(rng: np.random.Generator) -> None:
    predicted = rng.normal(size=(50, 2))
    measured = predicted.copy()
    measured[:, 1] = 3.0
    assert np.isnan(chance_levels(predicted, measured)).tolist() == [False, True]


def test_same_seed_same_level(rng: np.random.Generator) -> None:
    predicted, measured = rng.normal(size=(2, 60, 3))
    first = chance_levels(predicted, measured, seed=4)
    assert np.array_equal(first, chance_levels(predicted, measured, seed=4))
    assert not np.array_equal(first, chance_levels(predicted, measured, seed=5))


def test_other_spots_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"got shapes \(3, 2\) and \(4, 2\)"):
        chance_levels(np.zeros((3, 2)), np.zeros((4, 2)))


def test_too_few_shuffles_are_refused() -> None:
    with pytest.raises(ParameterError, match="shuffles must be at least 20; got 3"):
        chance_levels(np.zeros((3, 2)), np.zeros((3, 2)), shuffles=3)
