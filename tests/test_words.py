"""What is said of a gene's scores, wherever it is said."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from stentrans import words
from stentrans.evaluation.holdout import hidden_folds
from stentrans.section import simulate


def scores(r: float, linear: float, ceiling: float = 0.9, share: float = 0.5) -> pd.Series:
    return pd.Series(
        {"pearson": r, "pearson_linear": linear, "ceiling": ceiling, "detected_share": share}
    )


@pytest.mark.parametrize(
    ("given", "tone", "told"),
    [
        (scores(np.nan, 0.1), "poor", "Too few counts"),
        (scores(0.02, 0.0), "poor", "do not read patterns"),
        (scores(0.8, 0.5), "good", "counting noise"),
        (scores(0.5, 0.3), "good", "better than simple interpolation"),
        (scores(0.2, 0.1), "fair", "better than simple interpolation"),
        (scores(0.5, 0.49), "fair", "Smoother, not sharper"),
        (scores(0.5, 0.6, np.nan), "fair", "Smoother, not sharper"),
    ],
)
def test_verdict_follows_the_scores(given: pd.Series, tone: str, told: str) -> None:
    found_tone, sentence = words.verdict(given, "stentrans", 2_000)
    assert found_tone == tone
    assert told in sentence


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (scores(0.2, 0.0, 0.22), "Counting noise hides"),
        (scores(0.2, 0.0, 0.9), "could not be predicted"),
        (scores(0.9, 0.0, 0.9, share=0.09), "Too few counts"),
    ],
    ids=["low ceiling", "low correlation", "nine spots"],
)
def test_nothing_good_is_said_below_what_chance_gives(given: pd.Series, told: str) -> None:
    tone, sentence = words.verdict(given, "stentrans", 100)
    assert tone == "poor"
    assert told in sentence


def test_pure_noise_is_not_called_a_pattern() -> None:
    section = simulate(lattice="hexagonal", n_rows=12, n_cols=20)
    rng = np.random.default_rng(0)
    noise = rng.poisson(0.3, size=(section.n_obs, 60)).astype(np.float32)
    noisy = ad.AnnData(csr_matrix(noise), obs=section.obs.copy())
    tested = hidden_folds(noisy, method="linear").scores
    tones = {words.verdict(row, "linear", noisy.n_obs)[0] for _, row in tested.iterrows()}
    assert "good" not in tones
