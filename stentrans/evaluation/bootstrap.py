"""How far a score could move: spatial blocks drawn again, from sums kept per block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from stentrans.evaluation.metrics import Values, correlation_of_sums

N_BLOCKS: Final = 10
N_DRAWS: Final = 200
_LEVEL: Final = 0.95
_GENES_PER_CHUNK: Final = 512
_FEWEST: Final = 3  # spots that a correlation needs


@dataclass(frozen=True, eq=False)
class BlockSums:
    """What the scores of one method on one hold-out are made of, block by block.

    Parameters
    ----------
    n
        Scored spots of each block, shape ``(n_blocks,)``.
    moments
        For each correlation, sums of x, y, x², y² and xy per block and gene, float32, shape
        ``(5, n_blocks, n_genes)``.
    totals
        For each score that is a mean over spots, its sum over the spots of a block, shape
        ``(n_blocks,)``.
    deviance
        Deviance left and deviance of the mean composition, over all genes, shape
        ``(2, n_blocks)``; None where it is not scored.
    """

    n: NDArray[np.float64]
    moments: Mapping[str, NDArray[np.float32]]
    totals: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    deviance: NDArray[np.float64] | None = None

    def draws(self, weights: NDArray[np.float64]) -> Mapping[str, NDArray[np.float64]]:
        """Each score had the blocks been drawn as in ``weights``, by metric.

        Parameters
        ----------
        weights
            How often each draw has each block, shape ``(n_draws, n_blocks)``.

        Returns
        -------
        drawn
            Shape ``(n_draws,)`` each; NaN for a draw that has too few of these spots.
        """
        drawn = {name: self._correlation(name, weights) for name in self.moments}
        n = weights @ self.n
        drawn |= {name: _ratio(weights @ total, n) for name, total in self.totals.items()}
        if self.deviance is not None:
            drawn["deviance_explained"] = 1 - _ratio(*(self.deviance @ weights.T))
        return drawn

    def _correlation(self, name: str, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean over genes of one correlation, for every draw."""
        moments = self.moments[name]
        n, total = weights @ self.n, np.zeros(len(weights))
        for start in range(0, moments.shape[2], _GENES_PER_CHUNK):
            part = moments[:, :, start : start + _GENES_PER_CHUNK].astype(np.float64)
            # (n_draws, n_blocks) x (5, n_blocks, n_genes) -> (5, n_draws, n_genes)
            total += correlation_of_sums(n[:, None], weights @ part).sum(1)
        return np.where(n >= _FEWEST, total / moments.shape[2], np.nan)


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """Part of the whole; NaN where there is none."""
    return np.asarray(part / np.where(whole > 0, whole, np.nan))


def spatial_blocks(plane: NDArray[np.float64], n_blocks: int) -> NDArray[np.int64]:
    """Part spots into compact blocks of about equal size, shape ``(n_spots,)``.

    Halves again and again across the longer side, so that blocks are about as wide as high.

    Parameters
    ----------
    plane
        Isotropic positions, shape ``(n_spots, 2)``.
    n_blocks
        At least 1; never more blocks than spots are made.
    """
    block = np.zeros(len(plane), np.int64)
    for i, spots in enumerate(_parts(plane, np.arange(len(plane)), min(n_blocks, len(plane)))):
        block[spots] = i
    return block


def _parts(
    plane: NDArray[np.float64], spots: NDArray[np.int64], n_parts: int
) -> Iterator[NDArray[np.int64]]:
    """Spots of each part, in the order in which they were cut."""
    if n_parts <= 1:
        yield spots
        return
    longer = int(np.ptp(plane[spots], axis=0).argmax())
    order = spots[np.argsort(plane[spots, longer], kind="stable")]
    first = n_parts // 2
    cut = round(len(order) * first / n_parts)
    yield from _parts(plane, order[:cut], first)
    yield from _parts(plane, order[cut:], n_parts - first)


def membership(block: NDArray[np.int64], n_blocks: int) -> NDArray[np.float32]:
    """1 where a spot belongs to a block, shape ``(n_blocks, n_spots)``."""
    return np.asarray(block == np.arange(n_blocks)[:, None], np.float32)


def block_moments(x: Values, y: Values, members: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sums of x, y, x², y² and xy per block and gene, shape ``(5, n_blocks, n_genes)``.

    Parameters
    ----------
    x, y
        Shape ``(n_spots, n_genes)``; each gene is centred first, which changes no correlation
        and keeps the sums exact.
    members
        From `membership`.
    """
    x, y = (np.asarray(values - values.mean(0), np.float32) for values in (x, y))
    return np.stack([members @ values for values in (x, y, x * x, y * y, x * y)])


def draw_weights(n_blocks: int, n_draws: int, seed: int) -> NDArray[np.float64]:
    """How often each block is drawn, with replacement, shape ``(n_draws, n_blocks)``."""
    rng = np.random.default_rng(seed)
    even = np.full(n_blocks, 1 / n_blocks)
    return rng.multinomial(n_blocks, even, size=n_draws).astype(np.float64)


def reach_of(draws: NDArray[np.float64], n_blocks: int) -> float:
    """Half-width of the 95 % interval that the draws give.

    Their standard deviation times Student's t: with ten blocks, quantiles of the draws would be
    too narrow. NaN where fewer than two blocks or draws can tell.
    """
    seen = draws[np.isfinite(draws)]
    if n_blocks < 2 or len(seen) < 2:
        return float("nan")
    return float(seen.std(ddof=1) * _student_t(n_blocks - 1))


def reach_of_mean(values: NDArray[np.float64]) -> float:
    """Half-width of the 95 % interval of the mean of independent values; NaN for fewer than two."""
    if len(values) < 2:
        return float("nan")
    return float(values.std(ddof=1) / np.sqrt(len(values)) * _student_t(len(values) - 1))


def _student_t(freedom: int) -> float:
    """Quantile of Student's t that bounds the interval."""
    return float(stdtrit(freedom, (1 + _LEVEL) / 2))
