"""Kriging of factors, each with the Matérn length and nugget of least leave-one-out error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from stentrans.methods.local_kriging import matern
from stentrans.methods.progress import pulse

LENGTHS: Final = (0.7, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 9.0)
"""In pitches of the lattice."""
NUGGETS: Final = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""Noise variance over signal variance."""
SITES_AT_ONCE: Final = 512

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Settings:
    """What leave-one-out chose for each factor.

    Parameters
    ----------
    length, nugget, variance
        Shape ``(n_factors,)``: Matérn length in pitches, noise over signal variance, signal
        variance.
    """

    length: Floats
    nugget: Floats
    variance: Floats


def choose_settings(plane: Floats, factors: Floats) -> Settings:
    """Try all lengths and nuggets and keep each factor's best.

    Parameters
    ----------
    plane
        Shape ``(n_spots, 2)``, in pitches.
    factors
        Shape ``(n_spots, n_factors)``, of mean 0.
    """
    distance = cdist(plane, plane)
    n_factors = factors.shape[1]
    least = np.full(n_factors, np.inf)
    length_of, nugget_of, variance_of = (np.ones(n_factors) for _ in range(3))
    for length in LENGTHS:
        pulse()
        values, vectors = np.linalg.eigh(matern(distance, length))
        projected = vectors.T @ factors
        for nugget in NUGGETS:
            scale = 1 / (values + nugget)
            diagonal = (vectors**2 @ scale)[:, None]
            left_out = (vectors @ (scale[:, None] * projected)) / diagonal
            error = (left_out**2).mean(axis=0)
            better = error < least
            least[better] = error[better]
            length_of[better], nugget_of[better] = length, nugget
            # Leave-one-out variance is variance / diagonal, so this matches it to the errors.
            variance_of[better] = (left_out**2 * diagonal).mean(axis=0)[better]
    return Settings(length_of, nugget_of, variance_of)


def left_variance(explained: Floats, settings: Settings) -> Floats:
    """Signal variance that the spots leave open, from the share that they explain."""
    left: Floats = np.maximum(1 - explained, 0) * settings.variance
    return left


class ExactKriging:
    """Kriging from all spots at once: the cost per site grows with their number.

    Parameters
    ----------
    plane
        Positions of the spots, shape ``(n_spots, 2)``, in pitches.
    factors
        Shape ``(n_spots, n_factors)``, of mean 0.
    settings
        Of each factor.
    """

    def __init__(self, plane: Floats, factors: Floats, settings: Settings) -> None:
        self.plane = plane
        self.factors = factors
        self.settings = settings
        distance = cdist(plane, plane)
        lengths = np.unique(settings.length)
        self.parts = {length: np.linalg.eigh(matern(distance, length)) for length in lengths}

    def predict(self, at: Floats) -> tuple[Floats, Floats]:
        """Krige the noise-free factors.

        Parameters
        ----------
        at
            Shape ``(n_sites, 2)``, in pitches.

        Returns
        -------
        mean, variance
            Each of shape ``(n_sites, n_factors)``.
        """
        mean, explained = np.zeros((2, len(at), self.factors.shape[1]))
        for start in range(0, len(at), SITES_AT_ONCE):
            rows = slice(start, start + SITES_AT_ONCE)
            distance = cdist(at[rows], self.plane)
            for length, (values, vectors) in self.parts.items():
                pulse()
                of = np.flatnonzero(self.settings.length == length)
                scale = 1 / (values[:, None] + self.settings.nugget[of])
                carried = matern(distance, length) @ vectors
                mean[rows, of] = carried @ (scale * (vectors.T @ self.factors[:, of]))
                explained[rows, of] = carried**2 @ scale
        return mean, left_variance(explained, self.settings)

    def leave_one_out(self) -> tuple[Floats, Floats]:
        """As `predict`, at each spot from all others."""
        mean, explained = np.zeros((2, *self.factors.shape))
        for length, (values, vectors) in self.parts.items():
            pulse()
            of = np.flatnonzero(self.settings.length == length)
            nugget = self.settings.nugget[of]
            scale = 1 / (values[:, None] + nugget)
            diagonal = vectors**2 @ scale
            miss = vectors @ (scale * (vectors.T @ self.factors[:, of])) / diagonal
            mean[:, of] = self.factors[:, of] - miss
            explained[:, of] = 1 - (1 / diagonal - nugget)
        return mean, left_variance(explained, self.settings)
