"""Mean and variance of ``log1p(scale * x)`` for Poisson counts ``x``, from a table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

_EXACT_BELOW = 200.0  # above it a Poisson is close enough to a normal for Gauss-Hermite
_HERMITE_NODES = 41


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
        self.mean_table = np.array([row[0] for row in rows])
        self.variance_table = np.array([row[1] for row in rows])
        step = self.log_mean[1] - self.log_mean[0]
        self.slope_table = np.gradient(self.mean_table, step, axis=0)

    def mean(self, mean: NDArray[np.floating], scale: NDArray[np.floating]) -> NDArray[np.float32]:
        """Expected log value, broadcast over ``mean`` (expected count) and ``scale``."""
        return self._read(self.mean_table, mean, scale)

    def variance(
        self, mean: NDArray[np.floating], scale: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        """Variance of the log value from counting alone, broadcast alike."""
        return self._read(self.variance_table, mean, scale)

    def slope(self, mean: NDArray[np.floating], scale: NDArray[np.floating]) -> NDArray[np.float32]:
        """Change of the expected log value per unit of the log expected count."""
        return self._read(self.slope_table, mean, scale)

    def _read(
        self, table: NDArray[np.float64], mean: NDArray[np.floating], scale: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        """Read ``table`` bilinearly in the logarithms."""
        i, a = _place(self.log_mean, np.log(np.maximum(mean, 1e-12)))
        j, b = _place(self.log_scale, np.log(scale))
        flat = table.astype(np.float32).ravel()
        width = table.shape[1]
        first = i * width + j
        low = flat[first] * (1 - b) + flat[first + 1] * b
        high = flat[first + width] * (1 - b) + flat[first + width + 1] * b
        return np.asarray(low * (1 - a) + high * a, dtype=np.float32)


def _place(
    grid: NDArray[np.float64], value: NDArray[np.floating]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Cell and position within it of ``value`` on an even grid, clamped to its ends."""
    at = np.clip((value - grid[0]) / (grid[1] - grid[0]), 0, len(grid) - 1.000001)
    cell = at.astype(np.int32)
    return cell, (at - cell).astype(np.float32)


def _moments(
    mean: float, scales: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Exact mean and variance of log1p(scale * x) for each scale, shape ``(n_scales,)`` each."""
    if mean < _EXACT_BELOW:
        x = np.arange(int(mean + 12 * np.sqrt(mean) + 25), dtype=np.float64)
        weight = np.exp(x * np.log(mean) - mean - gammaln(x + 1))
    else:
        nodes, weight = np.polynomial.hermite_e.hermegauss(_HERMITE_NODES)
        weight = weight / weight.sum()
        x = np.maximum(mean + np.sqrt(mean) * nodes, 0)
    value = np.log1p(scales[:, None] * x)
    first = value @ weight
    return first, np.maximum((value**2) @ weight - first**2, 0)
