"""Mean and variance of ``log1p(scale * x)`` for Poisson counts ``x``, from a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

_EXACT_BELOW = 200.0  # above it a Poisson is close enough to a normal for Gauss-Hermite
_HERMITE_NODES = 41
_LEAST = 1e-12
_LOG_SHARES = np.linspace(np.log(1e-9), 0, 240).astype(np.float32)
# Three-point Gauss-Hermite rule: the library of a site is known only roughly.
_NODES = (-np.sqrt(3.0), 0.0, np.sqrt(3.0))
_WEIGHTS = (1 / 6, 2 / 3, 1 / 6)

WorkOut = Callable[[NDArray[np.float32]], list[NDArray[np.float32]]]


class LogMoments:
    """Table of the first two moments of ``log1p(scale * x)``, ``x ~ Poisson(mean)``.

    A log-normalised value is ``log1p(x * target / library)``. Its expectation is not the
    logarithm of the expected count and depends on the library, which is how depth leaks into
    maps of composition; the table gives the exact expectation instead.

    Parameters
    ----------
    low_scale, high_scale
        Range of ``target / library`` that will be asked for; values outside are clamped.
    """

    def __init__(self, low_scale: float, high_scale: float) -> None:
        self.log_mean = np.linspace(np.log(1e-6), np.log(1e6), 240)
        n_scales = int(np.clip(np.log(high_scale / low_scale) / 0.1, 8, 64))
        self.log_scale = np.linspace(np.log(low_scale) - 1e-3, np.log(high_scale) + 1e-3, n_scales)
        rows = [_moments(float(np.exp(m)), np.exp(self.log_scale)) for m in self.log_mean]
        mean, variance = (np.array(part) for part in zip(*rows, strict=True))
        step = self.log_mean[1] - self.log_mean[0]
        self.mean_table, self.variance_table = mean.astype(np.float32), variance.astype(np.float32)
        self.slope_table = np.gradient(mean, step, axis=0).astype(np.float32)

    def mean(self, mean: NDArray[np.floating], scale: NDArray[np.floating]) -> NDArray[np.float32]:
        """Expected log value, broadcast over ``mean`` (expected count) and ``scale``."""
        return self.read((self.mean_table,), np.log(np.maximum(mean, _LEAST)), np.log(scale))[0]

    def variance(
        self, mean: NDArray[np.floating], scale: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        """Variance of the log value from counting alone, broadcast alike."""
        return self.read((self.variance_table,), np.log(np.maximum(mean, _LEAST)), np.log(scale))[0]

    def read(
        self,
        tables: Sequence[NDArray[np.float32]],
        log_mean: NDArray[np.floating],
        log_scale: NDArray[np.floating],
    ) -> list[NDArray[np.float32]]:
        """Read tables bilinearly in the logarithms of expected count and scale, broadcast."""
        i, a = _place(self.log_mean, log_mean)
        j, b = _place(self.log_scale, log_scale)
        width = len(self.log_scale)
        first = i * width + j
        found = []
        for table in tables:
            flat = table.ravel()
            low = flat[first] * (1 - b) + flat[first + 1] * b
            high = flat[first + width] * (1 - b) + flat[first + width + 1] * b
            found.append(low + (high - low) * a)
        return found


class SiteMoments:
    """The same at sites whose library is known roughly, as functions of a gene's log share.

    Each function is linear between the points of one grid of shares, so that it is worked out
    at the grid alone where many genes are asked for, and around the values where few are.

    Parameters
    ----------
    moments
        Of log values.
    log_library, variance
        Mean and variance of the log library of each site, shape ``(n_sites,)``.
    target
        Library size that the values are scaled to.
    """

    def __init__(
        self,
        moments: LogMoments,
        log_library: NDArray[np.floating],
        variance: NDArray[np.floating],
        target: float,
    ) -> None:
        self.moments, self.log_target = moments, float(np.log(target))
        self.log_library = np.asarray(log_library, np.float32)[:, None]
        self.spread = np.sqrt(np.asarray(variance, np.float32))[:, None]

    def mean(self, log_share: NDArray[np.float32]) -> NDArray[np.float32]:
        """Expected log value, shape ``(n_sites, n_genes)``, where ``log_share`` has that shape."""
        return self._between(log_share, self._means)[0]

    def mean_and_spreads(self, log_share: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """`mean`, and what makes the log value vary, four arrays of the shape of ``log_share``.

        Variance from not knowing the library, variance from counting, and change of the value
        per unit of the log share.
        """
        return self._between(log_share, self._mean_and_spreads)

    def _between(
        self, log_share: NDArray[np.float32], work_out: WorkOut
    ) -> list[NDArray[np.float32]]:
        """Linear between the two points of the grid that enclose each log share."""
        cell, part = _place(_LOG_SHARES, log_share)
        if log_share.shape[1] < len(_LOG_SHARES):
            ends = (work_out(_LOG_SHARES[cell + i]) for i in (0, 1))
            return [low + (high - low) * part for low, high in zip(*ends, strict=True)]
        every = np.broadcast_to(_LOG_SHARES, (len(log_share), len(_LOG_SHARES)))
        first = cell + np.arange(len(log_share), dtype=np.int32)[:, None] * len(_LOG_SHARES)
        found = []
        for table in work_out(every):
            flat = table.ravel()
            low = flat[first]
            found.append(low + (flat[first + 1] - low) * part)
        return found

    def _means(self, log_share: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        total = np.zeros(log_share.shape, np.float32)
        for weight, library in self._libraries():
            total += weight * self._read((self.moments.mean_table,), log_share, library)[0]
        return [total]

    def _mean_and_spreads(self, log_share: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        mean, square, counting = (np.zeros(log_share.shape, np.float32) for _ in range(3))
        tables = (self.moments.mean_table, self.moments.variance_table)
        for weight, library in self._libraries():
            value, variance = self._read(tables, log_share, library)
            mean += weight * value
            square += weight * value**2
            counting += weight * variance
        slope = self._read((self.moments.slope_table,), log_share, self.log_library)[0]
        return [mean, np.maximum(square - mean**2, 0), counting, slope]

    def _read(
        self,
        tables: Sequence[NDArray[np.float32]],
        log_share: NDArray[np.float32],
        log_library: NDArray[np.float32],
    ) -> list[NDArray[np.float32]]:
        return self.moments.read(tables, log_share + log_library, self.log_target - log_library)

    def _libraries(self) -> list[tuple[float, NDArray[np.float32]]]:
        """Weights and log libraries, ``(n_sites, 1)``, of the three-point Gauss-Hermite rule."""
        return [
            (weight, np.asarray(self.log_library + node * self.spread, np.float32))
            for node, weight in zip(_NODES, _WEIGHTS, strict=True)
        ]


def _place(
    grid: NDArray[np.floating], value: NDArray[np.floating]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Cell and position within it of ``value`` on an even grid, clamped to its ends."""
    at = np.asarray(value, np.float32) - np.float32(grid[0])
    at *= np.float32(1 / (grid[1] - grid[0]))
    np.clip(at, 0, len(grid) - 1, out=at)
    cell = np.minimum(at.astype(np.int32), len(grid) - 2)
    at -= cell
    return cell, at


@cache
def _hermite() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nodes and weights of the rule for a standard normal."""
    nodes, weight = np.polynomial.hermite_e.hermegauss(_HERMITE_NODES)
    return nodes, weight / weight.sum()


def _moments(
    mean: float, scales: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Exact mean and variance of log1p(scale * x) for each scale, shape ``(n_scales,)`` each."""
    if mean < _EXACT_BELOW:
        x = np.arange(int(mean + 12 * np.sqrt(mean) + 25), dtype=np.float64)
        weight = np.exp(x * np.log(mean) - mean - gammaln(x + 1))
    else:
        nodes, weight = _hermite()
        x = np.maximum(mean + np.sqrt(mean) * nodes, 0)
    value = np.log1p(scales[:, None] * x)
    first = value @ weight
    return first, np.maximum((value**2) @ weight - first**2, 0)
