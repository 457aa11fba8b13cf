"""p-values of pair statistics if the spots were put at each other's places, without doing so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from stentrans.patterns.kernels import Kernel, Sums

_LEAST_SKEW: Final = 1e-3  # below it the gamma distribution is a normal one
_SURE: Final = 1e-12  # of a p-value from 0 and 1, where the tangent ends


@dataclass(frozen=True)
class Tested:
    """One kernel's test of every column.

    Parameters
    ----------
    statistic
        Standard deviations above what permuted spots give, shape ``(n_columns,)``.
    p_value
        Of a statistic at least as large among permuted spots, one-sided, same shape.
    mean_product
        Product of the values of two near spots, the mean by weight, same shape: with the kernel
        of neighbours, Moran's I.
    """

    statistic: NDArray[np.float64]
    p_value: NDArray[np.float64]
    mean_product: NDArray[np.float64]


def assess(values: NDArray[np.float32], kernels: list[Kernel]) -> list[Tested]:
    """Test whether near spots are more alike than spots anywhere, for each kernel.

    Parameters
    ----------
    values
        Shape ``(n_spots, n_columns)``: columns of mean 0 and variance 1, or all 0.
    kernels
        Which spots are near.

    Notes
    -----
    Mean and variance under permutation are exact (Cliff & Ord, Spatial Processes, 1981); they
    depend on the fourth moment of the values, so that rare genes are judged as such. The third
    moment is that of independent values with the column's skewness. p-values are those of a
    Pearson type III distribution with the three.
    """
    squares = values * values
    skew = np.einsum("ij,ij->j", squares, values).astype(np.float64) / len(values)
    kurtosis = np.einsum("ij,ij->j", squares, squares).astype(np.float64) / len(values)
    return [
        _tested(kernel.statistic(values, squares), kernel.sums, skew, kurtosis)
        for kernel in kernels
    ]


def combine(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Join p-values of tests that depend on each other, along the first axis.

    Parameters
    ----------
    p_values
        Shape ``(n_tests, n_columns)``.

    Returns
    -------
    joined
        By the Cauchy combination (Liu & Xie, JASA 2020), shape ``(n_columns,)``.
    """
    inside = np.clip(p_values, np.finfo(np.float64).tiny, 1 - _SURE)
    # tan((0.5 - p) pi) loses all digits for a small p, where it is 1 / (p pi).
    tangent = np.where(inside < _SURE, 1 / (inside * np.pi), np.tan((0.5 - inside) * np.pi))
    mean = tangent.mean(0)
    return np.asarray(stats.cauchy.sf(mean))


def q_values(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """False discovery rates by Benjamini and Hochberg, shape ``(n_tests,)``; none of none."""
    return np.asarray(stats.false_discovery_control(p_values)) if len(p_values) else p_values


def _tested(
    found: NDArray[np.float64],
    sums: Sums,
    skew: NDArray[np.float64],
    kurtosis: NDArray[np.float64],
) -> Tested:
    """Place a statistic in its permutation distribution."""
    varies = (kurtosis > 0) & (sums.squares > 0)
    mean = -sums.total / (sums.n - 1)
    sd = np.sqrt(np.maximum(_variance(sums, kurtosis), np.finfo(np.float64).tiny))
    third = (4 * skew**2 * sums.cubes + 8 * sums.triangles) / sd**3
    standard = np.where(varies, (found - mean) / sd, 0.0)
    p_value = np.where(varies, pearson_3(standard, third), 1.0)
    return Tested(standard, p_value, found / sums.total if sums.total else found * 0)


def _variance(sums: Sums, kurtosis: NDArray[np.float64]) -> NDArray[np.float64]:
    """Exact variance under permutation of columns of mean 0 and variance 1."""
    n, total = sums.n, sums.total
    s1, s2 = 2 * sums.squares, 4 * sums.row_squares
    even = n * ((n * n - 3 * n + 3) * s1 - n * s2 + 3 * total**2)
    peaked = kurtosis * ((n * n - n) * s1 - 2 * n * s2 + 6 * total**2)
    freedom = (n - 1.0) * (n - 2.0) * (n - 3.0)
    return np.asarray((even - peaked) / freedom - (total / (n - 1)) ** 2)


def pearson_3(standard: NDArray[np.float64], skew: NDArray[np.float64]) -> NDArray[np.float64]:
    """Upper tail of the Pearson type III distribution of mean 0, variance 1 and this skewness."""
    shape = 4 / np.maximum(np.abs(skew), _LEAST_SKEW) ** 2
    root = np.sqrt(shape)
    upper = stats.gamma.sf(shape + standard * root, shape)
    lower = stats.gamma.cdf(shape - standard * root, shape)
    skewed = np.where(skew > 0, upper, lower)
    return np.asarray(np.where(np.abs(skew) > _LEAST_SKEW, skewed, stats.norm.sf(standard)))
