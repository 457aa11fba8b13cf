"""One score for a list of genes: the mean of their z-scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stentrans.errors import ShapeError

_LEAST_SD = 1e-6


def signature_score(
    values: NDArray[np.floating], measured: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Score spots or sites by the mean of the genes' z-scores.

    Every gene counts the same, however strongly it is expressed. Mean and standard deviation are
    those of the *measured* spots for every kind of site, so that scores of measured and enhanced
    values lie on one scale.

    Parameters
    ----------
    values
        Log values of the genes at the sites to score, shape ``(n_sites, n_genes)``.
    measured
        Those of the measured spots, shape ``(n_spots, n_genes)``.

    Returns
    -------
    score
        Shape ``(n_sites,)``, float32; 0 is the average of the measured spots. Genes that do not
        vary play no part; without any that does, all scores are 0.

    Raises
    ------
    ShapeError
        If both do not have the same genes.
    """
    if values.ndim != 2 or measured.ndim != 2 or values.shape[1] != measured.shape[1]:
        raise ShapeError(
            "A signature needs the same genes at sites and at measured spots; got shapes "
            f"{values.shape} and {measured.shape}."
        )
    mean, sd = measured.mean(0, dtype=np.float64), measured.std(0, dtype=np.float64)
    varies = sd > _LEAST_SD
    if not varies.any():
        return np.zeros(len(values), np.float32)
    scores = (values[:, varies] - mean[varies]) / sd[varies]
    return np.asarray(scores.mean(1), np.float32)
