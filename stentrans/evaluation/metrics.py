"""Scores of predictions at hidden spots: arrays in, one number per gene out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.floating]

_NULL_MIXED_IN = 0.01  # so that a predicted zero costs much but not everything
_LEAST = 1e-12
_ROUNDING = 1e-5
_SINGLE = 1e-6  # what a few float32 operations may lose


def pearson(a: Values, b: Values) -> NDArray[np.float64]:
    """Column-wise correlation, shape ``(n_genes,)``; 0 where a column does not vary."""
    a = np.asarray(a - a.mean(0), np.float64)
    b = np.asarray(b - b.mean(0), np.float64)
    power = np.sqrt((a**2).sum(0) * (b**2).sum(0))
    return np.asarray((a * b).sum(0) / (power + 1e-12))


def correlation_of_sums(n: Values, sums: Values) -> NDArray[np.float64]:
    """Correlation from sums instead of values; 0 where one of both does not vary.

    Parameters
    ----------
    n
        Number of values, any shape that goes with that of one sum.
    sums
        Sums of x, y, x², y² and xy along the first axis, shape ``(5, ...)``.
    """
    x, y, xx, yy, xy = np.asarray(sums, np.float64)
    varies = [n * square - sum_**2 for square, sum_ in ((xx, x), (yy, y))]
    # Below this, all that is left of a difference of two sums is rounding.
    is_known = (varies[0] > _ROUNDING * n * xx) & (varies[1] > _ROUNDING * n * yy)
    power = np.sqrt(np.where(is_known, varies[0] * varies[1], 1.0))
    return np.asarray(np.where(is_known, np.clip((n * xy - x * y) / power, -1, 1), 0.0))


def ranks(values: Values) -> NDArray[np.float64]:
    """Column-wise ranks, ties at their mean rank; their correlation is Spearman's."""
    from scipy.stats import rankdata  # slow to import, and only evaluation needs it

    return np.asarray(rankdata(values, axis=0))


def log_normalised(counts: Values, library: Values, target: float) -> NDArray[np.float32]:
    """Natural log1p of counts scaled to ``target``, same shape; an empty spot gives 0."""
    scaled = counts * (target / np.maximum(library, 1.0))[:, None]
    return np.log1p(scaled).astype(np.float32)


def depth_adjusted(
    counts: Values, library: Values, share: Values, null: Values
) -> NDArray[np.float64]:
    """Correlation of composition with the depth of the hidden spots taken out.

    Of the two `depth_residuals`; a map of depth alone scores 0.

    Parameters
    ----------
    counts, library, share, null
        As for `depth_residuals`.
    """
    return pearson(*depth_residuals(counts, library, share, null))


def depth_residuals(
    counts: Values, library: Values, share: Values, null: Values
) -> tuple[Values, Values]:
    """Pearson residuals around the mean composition: those predicted, and those of the counts.

    Both at the observed library, so that neither knows or needs the depth of a spot.

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
    scale = np.sqrt(np.maximum(null, _LEAST))
    depth = library[:, None]
    observed = (counts - depth * null) / (np.sqrt(np.maximum(depth, 1)) * scale)
    # A composition that is the mean one but for rounding would else correlate with the depth.
    excess = np.where(np.abs(share - null) > _SINGLE * null, share - null, 0.0)
    return excess * np.sqrt(depth) / scale, observed


def deviances(
    counts: Values, library: Values, share: Values, null: Values
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Poisson deviance that a predicted composition leaves, and that of the mean composition.

    One less their ratio, each summed over whatever is asked about, is the deviance explained: 0
    for a method that knows nothing beyond the mean, negative for one that is worse than that. One
    per cent of the mean composition is mixed into the prediction.

    Parameters
    ----------
    counts, library, share, null
        As for `depth_residuals`.

    Returns
    -------
    left, of_the_mean
        Each of shape ``(n_spots, n_genes)``.
    """
    mixed = (1 - _NULL_MIXED_IN) * np.asarray(share, np.float64) + _NULL_MIXED_IN * null
    return _poisson_deviance(counts, library, mixed), _poisson_deviance(counts, library, null)


def _poisson_deviance(counts: Values, library: Values, share: Values) -> NDArray[np.float64]:
    """Poisson deviance of each value under a composition at the observed library."""
    mean = np.maximum(np.asarray(share, np.float64) * library[:, None], _LEAST)
    ratio = np.where(counts > 0, counts * np.log(np.maximum(counts, 1) / mean), 0.0)
    return np.asarray(2 * (ratio - (counts - mean)))


def root_mean_squared_error(guess: Values, truth: Values) -> NDArray[np.float64]:
    """Per gene, on the scale of the values, shape ``(n_genes,)``."""
    squared = (np.asarray(guess, np.float64) - truth) ** 2
    return np.asarray(np.sqrt(squared.mean(0)))
