"""Kriging from the nearest spots with known settings: linear cost, any number of sites."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from stentrans.methods.progress import pulse

SMOOTHNESSES = (0.5, 1.5)
NEIGHBOURS = 32
_SITES_PER_CHUNK = 2000


@dataclass(frozen=True)
class Kriged:
    """Kriged factors.

    Parameters
    ----------
    mean, variance
        Shape ``(n, rank)``, float64.
    """

    mean: NDArray[np.float64]
    variance: NDArray[np.float64]


@dataclass(frozen=True)
class Setting:
    """One covariance and the factors that keep it.

    Parameters
    ----------
    smoothness, length, nugget
        Of the Matérn covariance; length in pitches, nugget relative to the factor's variance.
    factors
        Indices of the factors, shape ``(n_factors,)``.
    weight, centre, variance
        Weight of this setting, mean and variance of each of these factors under it.
    """

    smoothness: float
    length: float
    nugget: float
    factors: NDArray[np.int64]
    weight: NDArray[np.float64]
    centre: NDArray[np.float64]
    variance: NDArray[np.float64]


@dataclass(frozen=True)
class NoPattern:
    """What remains of each factor where space says nothing.

    Parameters
    ----------
    weight
        Probability that the factor has no spatial pattern, shape ``(rank,)``.
    mean, variance
        Its mean, and the variance of that mean, shape ``(rank,)``.
    """

    weight: NDArray[np.float64]
    mean: NDArray[np.float64]
    variance: NDArray[np.float64]


def matern(
    distance: NDArray[np.float64], length: float, smoothness: float = SMOOTHNESSES[1]
) -> NDArray[np.float64]:
    """Matérn correlation for smoothness 1/2 or 3/2, same shape as ``distance``."""
    if smoothness == SMOOTHNESSES[0]:
        return np.asarray(np.exp(-distance / length))
    scaled = np.sqrt(3.0) * distance / length
    return np.asarray((1 + scaled) * np.exp(-scaled))


class LocalKriging:
    """Kriging of several factors from the nearest spots.

    Parameters
    ----------
    plane
        Positions of the spots, shape ``(n_spots, 2)``, in lattice pitches.
    factors
        Shape ``(n_spots, rank)``.
    noise
        Relative noise variance per spot, shape ``(n_spots,)``.
    settings
        Covariances with their weights.
    no_pattern
        The share of each factor that is taken for constant.
    neighbours
        Spots that a site is kriged from.
    """

    def __init__(
        self,
        plane: NDArray[np.float64],
        factors: NDArray[np.float64],
        noise: NDArray[np.float64],
        settings: Sequence[Setting],
        no_pattern: NoPattern,
        *,
        neighbours: int = NEIGHBOURS,
    ) -> None:
        self.plane, self.factors, self.noise = plane, factors, noise
        self.settings, self.no_pattern = settings, no_pattern
        self.neighbours = neighbours
        self.tree = cKDTree(plane)

    def of_spots(self, spots: NDArray[np.int64]) -> LocalKriging:
        """The same settings with only some of the spots visible."""
        return LocalKriging(
            self.plane[spots],
            self.factors[spots],
            self.noise[spots],
            self.settings,
            self.no_pattern,
            neighbours=self.neighbours,
        )

    def predict(self, at: NDArray[np.float64]) -> Kriged:
        """Krige at positions, shape ``(n, 2)``; a spot there counts as known, with its noise."""
        return self._in_chunks(at, skip=0)

    def leave_one_out(self) -> Kriged:
        """Krige each spot from all others."""
        return self._in_chunks(self.plane, skip=1)

    def nearest(
        self, at: NDArray[np.float64], count: int
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Distance to and index of the nearest spots, shape ``(n, count)`` each."""
        distance, near = self.tree.query(at, k=np.arange(1, count + 1))
        return np.asarray(distance), np.asarray(near, np.int64)

    def _in_chunks(self, at: NDArray[np.float64], *, skip: int) -> Kriged:
        """Krige from the nearest spots but the first ``skip`` (a spot is nearest to itself)."""
        shape = (len(at), self.factors.shape[1])
        mean, variance = np.empty(shape), np.empty(shape)
        n_near = min(self.neighbours + skip, len(self.plane))
        for start in range(0, len(at), _SITES_PER_CHUNK):
            pulse(start / len(at))
            rows = slice(start, min(start + _SITES_PER_CHUNK, len(at)))
            distance, near = self.nearest(at[rows], n_near)
            mean[rows], variance[rows] = self._chunk(distance[:, skip:], near[:, skip:])
        return Kriged(mean, variance)

    def _chunk(
        self, distance: NDArray[np.float64], near: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and variance for sites whose neighbours are known, ``(n, n_near)`` each."""
        none, shape = self.no_pattern, (len(near), self.factors.shape[1])
        mean = np.broadcast_to(none.weight * none.mean, shape).copy()
        square = np.broadcast_to(none.weight * none.mean**2, shape).copy()
        within = np.broadcast_to(none.weight * none.variance, shape).copy()
        points = self.plane[near]
        between = np.linalg.norm(points[:, :, None] - points[:, None], axis=-1)
        kernel, among, towards = (0.0, 0.0), between, distance
        diagonal, values, noise = np.arange(near.shape[1]), self.factors[near], self.noise[near]
        for setting in self.settings:
            pulse()
            if (setting.smoothness, setting.length) != kernel:
                kernel = (setting.smoothness, setting.length)
                among = matern(between, setting.length, setting.smoothness)
                towards = matern(distance, setting.length, setting.smoothness)
            system = among.copy()
            system[:, diagonal, diagonal] += setting.nugget * noise
            weights = np.linalg.solve(system, towards[:, :, None])[:, :, 0]
            of = setting.factors
            guess = setting.centre + np.einsum(
                "nk,nkf->nf", weights, values[:, :, of] - setting.centre
            )
            left = np.maximum(1 - (weights * towards).sum(1), 1e-9)[:, None]
            mean[:, of] += setting.weight * guess
            square[:, of] += setting.weight * guess**2
            within[:, of] += setting.weight * setting.variance * left
        return mean, within + np.maximum(square - mean**2, 0)
