"""What a spot's own counts add to its prediction: a Gamma-Poisson posterior."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix

from stentrans.methods.intervals import detection_groups

_STEPS = 3
_GROUP_STEPS = 8
_MOST = 20.0  # a squared coefficient of variation beyond this is an outlier, not biology
_LEAST = 1e-6


@dataclass(frozen=True)
class OwnCounts:
    """Counts measured at the very sites that are predicted.

    Parameters
    ----------
    counts
        CSC, shape ``(n_spots, n_genes)``.
    by_spot
        The same, CSR.
    spot
        Row of ``counts`` per site, -1 where nothing was measured, shape ``(n_sites,)``.
    """

    counts: csc_matrix
    by_spot: csr_matrix
    spot: NDArray[np.int64]

    @classmethod
    def of(cls, counts: csc_matrix, spot: NDArray[np.int64]) -> OwnCounts:
        """Make from counts in one order."""
        return cls(counts, counts.tocsr(), spot)

    def rows(self, sites: slice | NDArray[np.int64]) -> OwnCounts:
        """Those of some sites."""
        return OwnCounts(self.counts, self.by_spot, self.spot[sites])

    def at(self, measured: NDArray[np.bool_], genes: NDArray[np.int64]) -> NDArray[np.float32]:
        """Counts at the measured sites, shape ``(n_measured, n_genes_asked)``."""
        spots = self.spot[measured]
        # Whichever selection leaves less to go through comes first.
        few_genes = len(genes) < len(spots)
        chosen = self.counts[:, genes][spots] if few_genes else self.by_spot[spots][:, genes]
        return np.asarray(chosen.toarray(), np.float32)


def updated(
    expected: NDArray[np.floating], seen: NDArray[np.floating], varies: NDArray[np.floating]
) -> NDArray[np.float32]:
    """How much more than expected a spot has of each gene, given what was seen there.

    Parameters
    ----------
    expected, seen
        Predicted and measured counts, shape ``(n_spots, n_genes)``.
    varies
        From `shrunken`, shape ``(n_genes,)``. At 0 the prediction stands; as it grows the answer
        goes to ``seen / expected``.

    Returns
    -------
    ratio
        Posterior mean of the true share over the predicted one, same shape, positive.
    """
    return np.asarray((1 + varies * seen) / (1 + varies * expected), np.float32)


def variation(
    expected: NDArray[np.float64], seen: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Squared coefficient of variation of the true share around the predicted one.

    Parameters
    ----------
    expected, seen
        Counts predicted without the spot and measured there, shape ``(n_spots, n_genes)``.

    Returns
    -------
    varies
        Per gene, by moments: what the squared errors hold beyond counting noise. May be negative.
    precision
        Inverse of its sampling variance.
    """
    beyond = (seen - expected) ** 2 - expected
    varies = np.full(expected.shape[1], 0.1)
    for _ in range(_STEPS):
        variance = expected + np.clip(varies, _LEAST, _MOST) * expected**2
        # Sampling variance of a squared error with this variance, roughly.
        weight = expected**2 / np.maximum(variance * (1 + 2 * variance), 1e-12)
        precision = np.maximum((weight * expected**2).sum(0), 1e-12)
        varies = (weight * beyond).sum(0) / precision
    return varies, precision


def shrunken(
    varies: NDArray[np.float64], precision: NDArray[np.float64], detected: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Draw each gene's variation to that of the genes that are seen as often.

    Empirical Bayes with a normal prior per group; shape ``(n_genes,)``, in [0, 20].
    """
    drawn = np.zeros(len(varies))
    for genes in detection_groups(detected):
        mine, noise = varies[genes], 1 / precision[genes]
        between = 1.0
        for _ in range(_GROUP_STEPS):
            weight = 1 / (between + noise)
            centre = np.average(mine, weights=weight)
            excess = weight**2 @ ((mine - centre) ** 2 - noise) / (weight**2).sum()
            between = max(float(excess), _LEAST)
        drawn[genes] = (mine * between + centre * noise) / (between + noise)
    return np.clip(drawn, 0, _MOST)
