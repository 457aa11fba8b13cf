"""Kriging of factors, averaged over covariance settings by their evidence.

One setting picked by leave-one-out error follows noise; the average over settings, with members
that know no space at all among them, answers "nothing" where there is nothing to be seen.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from stentrans.methods.local_kriging import (
    NEIGHBOURS,
    SMOOTHNESSES,
    Kriged,
    LocalKriging,
    NoPattern,
    Setting,
    matern,
)
from stentrans.methods.progress import pulse, within

LENGTHS = tuple(float(length) for length in np.geomspace(0.7, 14.0, 9))
NUGGETS = tuple(float(nugget) for nugget in np.geomspace(0.03, 300.0, 10))
NO_PATTERN_PRIOR = 0.5

EXACT_UP_TO = 1100  # spots; beyond it the settings come from a subset and neighbours answer
_BLOCKS = 5  # compact groups in that subset: neighbours tell short lengths, the rest long ones
_SITES_PER_CHUNK = 4096
_LEAST_WEIGHT = 1e-3  # settings with less posterior weight for every factor are skipped
_QUICK_NEIGHBOURS = 16
_KEPT_SETTINGS = 4  # per factor, for kriging from neighbours in large sections


class AveragedKriging:
    """Kriging of several factors that share one noise profile over the spots.

    Parameters
    ----------
    plane
        Positions of the spots, shape ``(n_spots, 2)``, in lattice pitches.
    factors
        Values to interpolate, shape ``(n_spots, rank)``.
    noise
        Relative noise variance per spot, shape ``(n_spots,)``, positive: shallow spots count less.
    rng
        Draws the subset on which settings are learned in large sections.
    exact_up_to
        Most spots from which settings are learned and the full average is taken.

    Notes
    -----
    Every combination of smoothness, length and nugget is weighed per factor by its restricted
    marginal likelihood with the variance profiled out; half of the prior weight lies on two
    members without spatial correlation (noise as given, noise constant).
    """

    def __init__(
        self,
        plane: NDArray[np.float64],
        factors: NDArray[np.float64],
        noise: NDArray[np.float64],
        rng: np.random.Generator,
        *,
        exact_up_to: int = EXACT_UP_TO,
    ) -> None:
        noise = noise / np.exp(np.log(noise).mean())
        is_small = len(plane) <= exact_up_to
        chosen = np.arange(len(plane)) if is_small else _subset(plane, exact_up_to, rng)
        grid = _Grid(plane[chosen], factors[chosen], noise[chosen])
        self.no_pattern = grid.no_pattern
        # The full average costs the square of the spots: affordable, and better, when they are few.
        self.full = grid if is_small else None

        def local(kept: int, neighbours: int) -> LocalKriging:
            settings = grid.shortlist(kept)
            return LocalKriging(
                plane, factors, noise, settings, grid.no_pattern, neighbours=neighbours
            )

        self.quick = local(1, _QUICK_NEIGHBOURS)
        """The best setting of each factor alone: for variances, and for many small predictions."""
        self.local = self.quick if is_small else local(_KEPT_SETTINGS, NEIGHBOURS)

    def predict(self, at: NDArray[np.float64]) -> Kriged:
        """Krige the factors at ``at``, shape ``(n, 2)``; spots there count as known, with noise."""
        if self.full is None:
            return self.local.predict(at)
        with within(0.0, 0.5):
            local = self.local.predict(at)
        with within(0.5, 1.0):
            return Kriged(self.full.mean(at), local.variance)

    def leave_one_out(self) -> Kriged:
        """Krige each spot from all others, shape ``(n_spots, rank)``."""
        local = self.local.leave_one_out()
        return local if self.full is None else Kriged(self.full.leave_one_out(), local.variance)


class _Grid:
    """All settings on one set of spots, through one eigendecomposition per kernel."""

    def __init__(
        self,
        plane: NDArray[np.float64],
        factors: NDArray[np.float64],
        noise: NDArray[np.float64],
    ) -> None:
        self.plane, self.factors, self.noise = plane, factors, noise
        self.root = np.sqrt(noise)[:, None]
        self.kernels = list(product(SMOOTHNESSES, LENGTHS))
        between = cdist(plane, plane)
        self.parts = [self._decompose(matern(between, length, nu)) for nu, length in self.kernels]
        shape = (len(self.kernels), len(NUGGETS), factors.shape[1])
        self.centre, self.variance, evidence = np.empty(shape), np.empty(shape), np.empty(shape)
        for k, n in np.ndindex(shape[:2]):
            pulse()
            self.centre[k, n], self.variance[k, n], evidence[k, n] = self._profile(k, n)
        self._weigh(evidence)
        strongest = self.weight.max((1, 2))
        self.used = [int(k) for k in np.flatnonzero(strongest >= _LEAST_WEIGHT)]
        # What skipped kernels carried goes to the constant, not to zero.
        self.skipped = self.weight[strongest < _LEAST_WEIGHT].sum((0, 1))

    def mean(self, at: NDArray[np.float64]) -> NDArray[np.float64]:
        """Averaged kriging mean at ``at``, shape ``(n, rank)``."""
        none = self.no_pattern
        out = np.tile((none.weight + self.skipped) * none.mean, (len(at), 1))
        for turn, k in enumerate(self.used):
            values = np.zeros_like(self.factors)
            for n in range(len(NUGGETS)):
                scale, centred = self._solved(k, n)
                values += self.weight[k, n] * scale[:, None] * centred
            carried = self.parts[k][1] @ values / self.root
            out += (self.weight[k] * self.centre[k]).sum(0)
            smoothness, length = self.kernels[k]
            for start in range(0, len(at), _SITES_PER_CHUNK):
                pulse((turn + start / len(at)) / len(self.used))
                rows = slice(start, start + _SITES_PER_CHUNK)
                kernel = matern(cdist(at[rows], self.plane), length, smoothness)
                out[rows] += kernel @ carried
        return np.asarray(out)

    def leave_one_out(self) -> NDArray[np.float64]:
        """Averaged leave-one-out mean, shape ``(n_spots, rank)``, centre re-estimated each time."""
        out = np.tile(self.skipped * self.no_pattern.mean, (len(self.plane), 1))
        for weight, noise in zip(self.null_weights, self._null_noises(), strict=True):
            precision = 1 / noise[:, None]
            sums = (precision * self.factors).sum(0) - precision * self.factors
            out += weight * sums / (precision.sum() - precision)
        for k in self.used:
            _, basis, _, ones = self.parts[k]
            squared = basis * basis
            for n in range(len(NUGGETS)):
                pulse()
                scale, centred = self._solved(k, n)
                hat = squared @ scale - (basis @ (scale * ones)) ** 2 / (ones**2 @ scale)
                residual = basis @ (scale[:, None] * centred) / hat[:, None] * self.root
                out += self.weight[k, n] * (self.factors - residual)
        return np.asarray(out)

    def shortlist(self, count: int) -> list[Setting]:
        """Keep the best settings of each factor; they share all of its spatial weight."""
        flat = self.weight.reshape(-1, self.factors.shape[1])
        order = np.argsort(-flat, axis=0)[:count]
        kept = np.zeros_like(flat)
        np.put_along_axis(kept, order, np.take_along_axis(flat, order, 0), 0)
        kept *= (1 - self.no_pattern.weight) / np.maximum(kept.sum(0), 1e-300)
        settings = []
        for index in np.flatnonzero(kept.max(1) >= _LEAST_WEIGHT):
            k, n = divmod(int(index), len(NUGGETS))
            of = np.flatnonzero(kept[index])
            centre, variance = self.centre[k, n, of], self.variance[k, n, of]
            settings.append(
                Setting(*self.kernels[k], NUGGETS[n], of, kept[index, of], centre, variance)
            )
        return settings

    def _decompose(self, covariance: NDArray[np.float64]) -> tuple[NDArray[np.floating], ...]:
        """Eigenvalues, eigenvectors, rotated factors and rotated ones of the whitened kernel."""
        pulse()
        whitened = (covariance / self.root / self.root.T).astype(np.float32)
        # Single precision is half the time, and far finer than the smallest nugget.
        values, basis = eigh(whitened, overwrite_a=True, check_finite=False, driver="evd")
        rotated = basis.T @ (self.factors / self.root)
        values = np.maximum(values.astype(np.float64), 0)
        return values, basis, rotated, (basis.T @ (1 / self.root))[:, 0]

    def _solved(self, k: int, n: int) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """Inverse eigenvalues ``(n_spots,)`` and rotated centred factors ``(n_spots, rank)``."""
        values, _, rotated, ones = self.parts[k]
        return 1 / (values + NUGGETS[n]), rotated - ones[:, None] * self.centre[k, n]

    def _profile(
        self, k: int, n: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Best centre and variance per factor and the log evidence of one setting."""
        values, _, rotated, ones = self.parts[k]
        scale = 1 / (values + NUGGETS[n])
        mass = (ones**2 * scale).sum()
        centre = (ones * scale) @ rotated / mass
        centred = rotated - ones[:, None] * centre
        spread = (scale[:, None] * centred**2).sum(0)
        log_determinant = np.log(self.noise).sum() - np.log(scale).sum()
        return centre, *_evidence(spread, log_determinant, mass, len(values) - 1)

    def _null_noises(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Noise profiles of the two members without spatial correlation."""
        return self.noise, np.ones_like(self.noise)

    def _weigh(self, evidence: NDArray[np.float64]) -> None:
        """Turn evidence into weights, the members without space among them."""
        n_settings = evidence.shape[0] * evidence.shape[1]
        nulls, means, variances = [], [], []
        for noise in self._null_noises():
            precision = 1 / noise
            mean = precision @ self.factors / precision.sum()
            spread = precision @ (self.factors - mean) ** 2
            variance, log_evidence = _evidence(
                spread, np.log(noise).sum(), precision.sum(), len(noise) - 1
            )
            means.append(mean)
            variances.append(variance / precision.sum())
            nulls.append(log_evidence)
        spatial = evidence + np.log((1 - NO_PATTERN_PRIOR) / n_settings)
        null = np.array(nulls) + np.log(NO_PATTERN_PRIOR / len(nulls))
        top = np.maximum(spatial.max((0, 1)), null.max(0))
        spatial, null = np.exp(spatial - top), np.exp(null - top)
        mass = spatial.sum((0, 1)) + null.sum(0)
        self.weight, self.null_weights = spatial / mass, null / mass
        total = self.null_weights.sum(0)
        share = (self.null_weights + 1e-300) / (total + len(null) * 1e-300)
        self.no_pattern = NoPattern(
            total, (share * np.array(means)).sum(0), (share * np.array(variances)).sum(0)
        )


def _evidence(
    spread: NDArray[np.float64], log_determinant: float, mass: float, freedom: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Profiled variance per factor and restricted log marginal likelihood."""
    variance = np.maximum(spread / freedom, 1e-300)
    return variance, -0.5 * (freedom * np.log(variance) + log_determinant + np.log(mass))


def _subset(plane: NDArray[np.float64], size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Spots on which settings are learned: compact blocks, topped up with scattered ones."""
    centres = plane[rng.choice(len(plane), _BLOCKS, replace=False)]
    near = cKDTree(plane).query(centres, k=size // (2 * _BLOCKS))[1].ravel()
    chosen = np.unique(near)
    rest = np.setdiff1d(np.arange(len(plane)), chosen)
    extra = rng.choice(rest, size - len(chosen), replace=False)
    return np.sort(np.concatenate([chosen, extra]))
