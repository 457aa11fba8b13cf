"""What correlation comes by chance: the same predictions against shuffled spots."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from stentrans.errors import ShapeError
from stentrans.validate import check_integer, check_seed

SHUFFLES: Final = 200
SHARE: Final = 0.95
"""So many of the shuffles stay below the level that is returned."""


def chance_levels(
    predicted: NDArray[np.floating],
    measured: NDArray[np.floating],
    *,
    shuffles: int = SHUFFLES,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Return the correlation that a gene's predictions reach where there is nothing to find.

    The measurements are dealt to the spots at random, all genes alike, and correlated with the
    predictions as they are, again and again.

    Parameters
    ----------
    predicted, measured
        Shape ``(n_spots, n_genes)``; left as they were.
    shuffles
        How often spots are shuffled, at least 20.
    seed
        Draws the shuffles.

    Returns
    -------
    levels
        Shape ``(n_genes,)``: 95 % of the shuffles stay below; NaN where either map is constant.

    Raises
    ------
    ShapeError
        If the shapes differ.
    ParameterError
        If ``shuffles`` is below 20.
    """
    if predicted.shape != measured.shape or predicted.ndim != 2:
        raise ShapeError(
            "Predicted and measured values must belong to the same spots and genes; got shapes "
            f"{predicted.shape} and {measured.shape}."
        )
    times = check_integer("shuffles", shuffles, low=20)
    rng = np.random.default_rng(check_seed(seed))
    guess, truth = _standardised(predicted), _standardised(measured)
    found = np.empty((times, predicted.shape[1]))
    for shuffle in range(times):
        dealt = truth[rng.permutation(len(truth))]
        found[shuffle] = np.einsum("ij,ij->j", guess, dealt)
    return np.asarray(np.quantile(found, SHARE, axis=0), np.float64)


def _standardised(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Columns with mean 0 and length 1; NaN where a column is constant."""
    centred = values - values.mean(axis=0, dtype=np.float64)
    length = np.sqrt((centred**2).sum(axis=0))
    return np.asarray(centred / np.where(length > 1e-12, length, np.nan), np.float64)
