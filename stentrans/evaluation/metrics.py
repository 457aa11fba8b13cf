"""Scores of predictions at hidden spots: arrays in, one number per gene out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.floating]


def pearson(a: Values, b: Values) -> NDArray[np.float64]:
    """Column-wise correlation, shape ``(n_genes,)``; 0 where a column does not vary."""
    a = np.asarray(a - a.mean(0), np.float64)
    b = np.asarray(b - b.mean(0), np.float64)
    power = np.sqrt((a**2).sum(0) * (b**2).sum(0))
    return np.asarray((a * b).sum(0) / (power + 1e-12))


def log_normalised(counts: Values, library: Values, target: float) -> NDArray[np.float32]:
    """Natural log1p of counts scaled to ``target``, same shape; an empty spot gives 0."""
    scaled = counts * (target / np.maximum(library, 1.0))[:, None]
    return np.log1p(scaled).astype(np.float32)


def depth_adjusted(
    counts: Values, library: Values, share: Values, null: Values
) -> NDArray[np.float64]:
    """Correlation of composition with the depth of the hidden spots taken out.

    Pearson residuals of the hidden counts around the mean composition at the observed library,
    against the residuals that the predicted composition expects there. A map of depth alone
    scores 0.

    Parameters
    ----------
    counts
        Hidden counts, shape ``(n_spots, n_genes)``.
    library
        Observed library sizes of the hidden spots, shape ``(n_spots,)``.
    share
        Predicted composition, shape ``(n_spots, n_genes)``.
    null
        Pooled composition of the kept spots, shape ``(n_genes,)``, or one row per spot where
        different spots were kept for each.
    """
    scale = np.sqrt(np.maximum(null, 1e-12))
    depth = library[:, None]
    residual = (counts - depth * null) / (np.sqrt(np.maximum(depth, 1)) * scale)
    return pearson((share - null) * np.sqrt(depth) / scale, residual)


def poisson_deviance(counts: Values, library: Values, share: Values) -> NDArray[np.float64]:
    """Poisson deviance per gene of a composition at the observed library, ``(n_genes,)``."""
    mean = np.maximum(np.asarray(share, np.float64) * library[:, None], 1e-12)
    ratio = np.where(counts > 0, counts * np.log(np.maximum(counts, 1) / mean), 0.0)
    return np.asarray(2 * (ratio - (counts - mean)).sum(0))


def root_mean_squared_error(guess: Values, truth: Values) -> NDArray[np.float64]:
    """Per gene, on the scale of the values, shape ``(n_genes,)``."""
    squared = (np.asarray(guess, np.float64) - truth) ** 2
    return np.asarray(np.sqrt(squared.mean(0)))


def coverage(guess: Values, sd: Values, truth: Values, z: float) -> NDArray[np.float64]:
    """Share of hidden values within ``z`` standard deviations, per gene."""
    return np.asarray((np.abs(guess - truth) < z * np.maximum(sd, 1e-9)).mean(0))
