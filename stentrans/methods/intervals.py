"""Intervals that hold what they promise: widths taken from left-out spots, not from a normal."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from stentrans.errors import ParameterError

LEVELS: Final = (0.5, 0.8, 0.95)
"""Shares of measurements that an interval may be asked to hold."""
_NORMAL: Final = (0.6745, 1.2816, 1.9600)
_GROUPS: Final = 10
_LEAST: Final = 1e-6

Interval = tuple[NDArray[np.float32], NDArray[np.float32]]


def normal_reach(n_genes: int) -> NDArray[np.float32]:
    """Half-widths in standard deviations of a normal distribution, shape ``(3, n_genes)``."""
    return np.repeat(np.array(_NORMAL, np.float32)[:, None], n_genes, axis=1)


def detection_groups(detected: NDArray[np.floating]) -> list[NDArray[np.int64]]:
    """Genes in at most ten groups of equal size, from seldom to often seen.

    Values of a gene that is seldom seen are mostly 0, far from a normal distribution: its 50 %
    interval is much narrower beside its 95 % one. One gene alone has too few spots to say how
    much, so that the genes of a group share their widths.
    """
    order = np.argsort(detected, kind="stable")
    return np.array_split(order, min(_GROUPS, len(detected)))


def group_reach(off: NDArray[np.floating]) -> NDArray[np.float32]:
    """Half-widths that left-out spots ask for, in standard deviations, shape ``(3, 1)``.

    Parameters
    ----------
    off
        Absolute error over standard deviation at left-out spots for the genes of one group, shape
        ``(n_spots, n_genes_of_group)``.
    """
    quantiles = np.asarray(np.quantile(off, LEVELS), np.float32)
    return np.maximum(quantiles, np.float32(_LEAST))[:, None]


def interval(
    mean: NDArray[np.float32],
    sd: NDArray[np.float32],
    reach: NDArray[np.float32],
    level: float,
) -> Interval:
    """Lower and upper bounds around ``mean``, same shape, at least 0.

    Parameters
    ----------
    mean, sd
        Shape ``(n_sites, n_genes)``.
    reach
        From `group_reach`, for the same genes, shape ``(3, n_genes)``.
    level
        One of `LEVELS`.

    Raises
    ------
    ParameterError
        If ``level`` is none of them.
    """
    if level not in LEVELS:
        known = ", ".join(map(str, LEVELS))
        raise ParameterError(f"level must be one of {known}; got {level}.")
    half = sd * reach[LEVELS.index(level)]
    low: NDArray[np.float32] = np.maximum(mean - half, 0)
    return low, mean + half
