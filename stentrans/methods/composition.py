"""Decoder of the log-linear composition model: factors to expression of any gene."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stentrans.methods.base import Prediction, Scale
from stentrans.methods.intervals import Interval, interval
from stentrans.methods.log_moments import LogMoments
from stentrans.methods.own_counts import updated

_GENES_PER_CHUNK = 1024
_SITES_PER_CHUNK = 4096
# Three-point Gauss-Hermite rule: the library of a site is known only roughly.
_NODES = (-np.sqrt(3.0), 0.0, np.sqrt(3.0))
_WEIGHTS = (1 / 6, 2 / 3, 1 / 6)
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
                genes = slice(start, start + _GENES_PER_CHUNK)
                logit = self.intercept[genes] + factors[sites] @ self.slopes[:, genes]
                total[sites] += np.exp(logit).sum(1)
        return np.log(total).astype(np.float32)

    def share(self, prediction: Prediction, genes: NDArray[np.int64]) -> NDArray[np.float32]:
        """Share of a spot's counts, shape ``(n_sites, n_genes_asked)``, in [0, 1].

        Where the site itself was measured, its own counts are part of the answer.
        """
        factors = np.asarray(prediction.factors)
        logit = self.intercept[genes] + factors[:, :-1] @ self.slopes[:, genes]
        share = np.asarray(np.exp(np.minimum(logit - factors[:, -1:], 0)), np.float32)
        own = prediction.own
        if own is not None and (measured := own.spot >= 0).any():
            expected = np.exp(prediction.log_library[measured])[:, None] * share[measured]
            ratio = updated(expected, own.at(measured, genes), self.varies[genes])
            share[measured] = np.minimum(share[measured] * ratio, 1)
        return share

    def decode(
        self, prediction: Prediction, genes: NDArray[np.int64], scale: Scale
    ) -> NDArray[np.float32]:
        """Read values of ``genes``; see `stentrans.methods.base.Decoder`."""
        share = self.share(prediction, genes)
        if scale == "composition":
            return self.moments.mean(self.target * share, np.ones((1, 1)))
        if scale == "counts":
            half = 0.5 * prediction.log_library_variance
            return np.asarray(
                share * np.exp(prediction.log_library + half)[:, None], dtype=np.float32
            )
        values = np.zeros_like(share)
        for weight, library in self._libraries(prediction):
            values += weight * self.moments.mean(library * share, self.target / library)
        return values

    def sd(self, prediction: Prediction, genes: NDArray[np.int64]) -> NDArray[np.float32]:
        """Standard deviation of ``"log"`` values: factors, library and counting together."""
        share = self.share(prediction, genes)
        if prediction.variance is None:
            raise ValueError("a composition model needs the variance of its factors")
        relative = prediction.variance[:, :-1] @ self.slopes[:, genes] ** 2
        dispersion = np.broadcast_to(self.dispersion[genes], share.shape)
        own = prediction.own
        if own is not None and (measured := own.spot >= 0).any():
            # What makes spots differ is known here, as far as the spot's own counts tell.
            varies = self.varies[genes]
            relative[measured] = varies / (1 + varies * own.at(measured, genes))
            dispersion = np.where(measured[:, None], 1, dispersion)
        mean, square, counting = np.zeros_like(share), np.zeros_like(share), np.zeros_like(share)
        for weight, library in self._libraries(prediction):
            scale = self.target / library
            value = self.moments.mean(library * share, scale)
            mean += weight * value
            square += weight * value**2
            counting += weight * self.moments.variance(library * share, scale)
            if weight == max(_WEIGHTS):
                slope = self.moments.slope(library * share, scale)
        total = np.maximum(square - mean**2, 0) + counting * dispersion
        spread = np.sqrt(total + relative * slope**2) * self.sd_scale[genes]
        return np.asarray(np.maximum(spread, _LEAST_SD), np.float32)

    def interval(self, prediction: Prediction, genes: NDArray[np.int64], level: float) -> Interval:
        """Bounds of measured log values; see `stentrans.methods.base.Decoder`."""
        mean, sd = self.decode(prediction, genes, "log"), self.sd(prediction, genes)
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

    def _libraries(self, prediction: Prediction) -> list[tuple[float, NDArray[np.float32]]]:
        """Weights and library sizes, shape ``(n_sites, 1)``, of the three-point rule."""
        spread = np.sqrt(prediction.log_library_variance)
        return [
            (weight, np.exp(prediction.log_library + node * spread)[:, None])
            for node, weight in zip(_NODES, _WEIGHTS, strict=True)
        ]
