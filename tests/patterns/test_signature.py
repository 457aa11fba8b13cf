from __future__ import annotations

import numpy as np
import pytest

from stentrans.errors import ShapeError
from stentrans.patterns.signature import signature_score


def test_measured_spots_score_zero_on_average(rng: np.random.Generator) -> None:
    measured = rng.gamma(2.0, 1.0, (200, 3))
    score = signature_score(measured, measured)
    assert score.mean() == pytest.approx(0, abs=1e-6)
    assert score.dtype == np.float32


def test_every_gene_counts_the_same_however_strong() -> None:
    measured = np.array([[0.0, 0.0], [1.0, 100.0]])
    assert signature_score(measured, measured).tolist() == [-1.0, 1.0]
    half = np.array([[1.0, 50.0]])
    assert signature_score(half, measured).tolist() == pytest.approx([0.5])


def test_smoothed_values_are_not_stretched_to_the_scale_of_measured_ones() -> None:
    measured = np.array([[0.0], [2.0]])
    assert signature_score(np.array([[0.9], [1.1]]), measured) == pytest.approx([-0.1, 0.1])


def test_gene_that_does_not_vary_plays_no_part() -> None:
    measured = np.array([[0.0, 3.0], [2.0, 3.0]])
    assert signature_score(measured, measured).tolist() == [-1.0, 1.0]
    assert signature_score(np.ones((4, 1)), np.ones((2, 1))).tolist() == [0.0] * 4


def test_other_genes_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"same genes .* shapes \(2, 3\) and \(2, 2\)"):
        signature_score(np.ones((2, 3)), np.ones((2, 2)))
