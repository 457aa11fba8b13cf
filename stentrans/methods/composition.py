"""Decoder of the log-linear composition model: factors to expression of any gene."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stentrans.methods.base import Prediction, Scale
from stentrans.methods.intervals import Interval, interval
from stentrans.methods.log_moments import LogMoments, SiteMoments
from stentrans.methods.own_counts import updated
from stentrans.methods.progress import pulse

_GENES_PER_CHUNK = 1024
_SITES_PER_CHUNK = 4096
_LEAST_SD = 1e-4


class CompositionDecoder:
    """Shares of a spot's counts as a softmax of the factors, read on several scales.

    Parameters
    ----------
    intercept
        Log share of each gene at the centre, shape ``(n_genes,)``; ``-inf`` for a gene without
        counts.
    slopes
        Shape ``(rank, n_genes)``.
    dispersion
        Overdispersion of the counts per gene, at least 1, shape ``(n_genes,)``.
    varies
        Squared coefficient of variation of a spot's true share around its prediction, per gene;
        how much its own counts say where there are some, shape ``(n_genes,)``.
    sd_scale
        Factor that makes the standard deviations fit left-out spots, shape ``(n_genes,)``.
    reach
        Half-widths of intervals in standard deviations, shape ``(3, n_genes)``.
    target
        Median library size of the section; log values are scaled to it.
    scales
        Lowest and highest ``target / library`` of the measured spots.

    Notes
    -----
    `Prediction.factors` carries the log of the softmax's denominator as its last column, so that
    one gene can be read without the others.
    """

    kind = "composition"
    genes_at_once = None

    def __init__(
        self,
        *,
        intercept: NDArray[np.floating],
        slopes: NDArray[np.floating],
        dispersion: NDArray[np.floating],
        varies: NDArray[np.floating],
        sd_scale: NDArray[np.floating],
        reach: NDArray[np.floating],
        target: float,
        scales: tuple[float, float],
    ) -> None:
        self.intercept = np.asarray(intercept, np.float32)
        self.slopes = np.asarray(slopes, np.float32)
        self.dispersion = np.asarray(dispersion, np.float32)
        self.varies = np.asarray(varies, np.float32)
        self.sd_scale = np.asarray(sd_scale, np.float32)
        self.reach = np.asarray(reach, np.float32)
        self.target = float(target)
        self.scales = (float(scales[0]), float(scales[1]))
        self.moments = LogMoments(min(self.scales[0], 1.0) / 4, max(self.scales[1], 1.0) * 4)

    def log_denominator(self, factors: NDArray[np.floating]) -> NDArray[np.float32]:
        """Log of the softmax's denominator, shape ``(n_sites,)``; bounded memory."""
        factors = np.asarray(factors, np.float32)
        total = np.zeros(len(factors))
        for first in range(0, len(factors), _SITES_PER_CHUNK):
            sites = slice(first, first + _SITES_PER_CHUNK)
            for start in range(0, len(self.intercept), _GENES_PER_CHUNK):
                pulse()
                genes = slice(start, start + _GENES_PER_CHUNK)
                logit = self.intercept[genes] + factors[sites] @ self.slopes[:, genes]
                total[sites] += np.exp(logit).sum(1)
        return np.log(total).astype(np.float32)

    def share(self, prediction: Prediction, genes: NDArray[np.int64]) -> NDArray[np.float32]:
        """Share of a spot's counts, shape ``(n_sites, n_genes_asked)``, in [0, 1].

        Where the site itself was measured, its own counts are part of the answer, gene by gene;
        such shares are posterior means, each by itself, and need not sum to exactly 1.
        """
        return np.asarray(np.exp(self._log_share(prediction, genes)))

    def decode(
        self, prediction: Prediction, genes: NDArray[np.int64], scale: Scale
    ) -> NDArray[np.float32]:
        """Read values of ``genes``; see `stentrans.methods.base.Decoder`."""
        if scale == "log":
            values = np.empty((len(prediction.log_library), len(genes)), np.float32)
            for rows, part in self._parts(prediction):
                values[rows] = self._at(part).mean(self._log_share(part, genes))
            return values
        share = self.share(prediction, genes)
        if scale == "composition":
            return self.moments.mean(self.target * share, np.ones((1, 1)))
        half = 0.5 * prediction.log_library_variance
        share *= np.exp(prediction.log_library + half).astype(np.float32)[:, None]
        return share

    def sd(self, prediction: Prediction, genes: NDArray[np.int64]) -> NDArray[np.float32]:
        """Standard deviation of ``"log"`` values: factors, library and counting together."""
        return self.mean_and_sd(prediction, genes)[1]

    def mean_and_sd(
        self, prediction: Prediction, genes: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Log values and their sd; see `stentrans.methods.base.Decoder`."""
        if prediction.variance is None:
            raise ValueError("a composition model needs the variance of its factors")
        mean, sd = np.empty((2, len(prediction.log_library), len(genes)), np.float32)
        for rows, part in self._parts(prediction):
            mean[rows], sd[rows] = self._mean_and_sd(part, genes)
        return mean, sd

    def _mean_and_sd(
        self, prediction: Prediction, genes: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Those of one part of the sites."""
        log_share = self._log_share(prediction, genes)
        mean, library, counting, slope = self._at(prediction).mean_and_spreads(log_share)
        relative = np.asarray(prediction.variance)[:, :-1] @ self.slopes[:, genes] ** 2
        dispersion = np.broadcast_to(self.dispersion[genes], relative.shape)
        own = prediction.own
        if own is not None and (measured := own.spot >= 0).any():
            # What makes spots differ is known here, as far as the spot's own counts tell.
            varies = self.varies[genes]
            relative[measured] = varies / (1 + varies * own.at(measured, genes))
            dispersion = np.where(measured[:, None], np.float32(1), dispersion)
        total = library + counting * dispersion + relative * slope**2
        spread = np.sqrt(total, out=total)
        spread *= self.sd_scale[genes]
        return mean, np.asarray(np.maximum(spread, _LEAST_SD), np.float32)

    def _log_share(self, prediction: Prediction, genes: NDArray[np.int64]) -> NDArray[np.float32]:
        """Log of `share`, at most 0."""
        factors = np.asarray(prediction.factors, np.float32)
        log_share = factors[:, :-1] @ self.slopes[:, genes]
        log_share += self.intercept[genes]
        log_share -= factors[:, -1:]
        own = prediction.own
        if own is not None and (measured := own.spot >= 0).any():
            expected = np.exp(prediction.log_library[measured, None] + log_share[measured])
            ratio = updated(expected, own.at(measured, genes), self.varies[genes])
            log_share[measured] += np.log(ratio)
        return np.asarray(np.minimum(log_share, 0), np.float32)

    def _parts(self, prediction: Prediction) -> Iterator[tuple[slice, Prediction]]:
        """Sites in parts that need little memory at once."""
        for first in range(0, len(prediction.log_library), _SITES_PER_CHUNK):
            rows = slice(first, first + _SITES_PER_CHUNK)
            yield rows, prediction.rows(rows)

    def _at(self, prediction: Prediction) -> SiteMoments:
        """Moments of log values at the sites."""
        return SiteMoments(
            self.moments, prediction.log_library, prediction.log_library_variance, self.target
        )

    def interval(self, prediction: Prediction, genes: NDArray[np.int64], level: float) -> Interval:
        """Bounds of measured log values; see `stentrans.methods.base.Decoder`."""
        mean, sd = self.mean_and_sd(prediction, genes)
        return interval(mean, sd, self.reach[:, genes], level)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Everything as plain arrays; `from_arrays` is the inverse."""
        return {
            "intercept": self.intercept,
            "slopes": self.slopes,
            "dispersion": self.dispersion,
            "varies": self.varies,
            "sd_scale": self.sd_scale,
            "reach": self.reach,
            "target": np.array(self.target),
            "scales": np.array(self.scales),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> CompositionDecoder:
        """Rebuild from `to_arrays`."""
        low, high = arrays["scales"]
        return cls(
            intercept=arrays["intercept"],
            slopes=arrays["slopes"],
            dispersion=arrays["dispersion"],
            varies=arrays["varies"],
            sd_scale=arrays["sd_scale"],
            reach=arrays["reach"],
            target=float(arrays["target"]),
            scales=(float(low), float(high)),
        )
