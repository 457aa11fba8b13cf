"""The highest correlation that counting noise allows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stentrans.evaluation.metrics import Values, log_normalised, pearson

_HALVINGS = 3


def noise_ceiling(
    counts: Values, library: Values, target: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Correlation that a perfect prediction would reach, per gene, by binomial halving.

    Counts are halved at random, the halves correlated, and the result corrected for the halved
    depth: ``sqrt(2 r / (1 + r))``.

    Parameters
    ----------
    counts
        Whole numbers, shape ``(n_spots, n_genes)``.
    library
        Of all genes, shape ``(n_spots,)``; each half is scaled by half of it.
    target
        Library size that values are scaled to.
    rng
        Draws the halves.
    """
    whole = np.asarray(counts, np.int64)
    found = []
    for _ in range(_HALVINGS):
        half = rng.binomial(whole, 0.5)
        halves = half.astype(np.float32), (whole - half).astype(np.float32)
        one, other = (log_normalised(counted, library / 2, target) for counted in halves)
        found.append(pearson(one, other))
    r = np.clip(np.mean(found, axis=0), 0, None)
    return np.asarray(np.sqrt(2 * r / (1 + r)))
