"""From factors to expression: loadings of every gene, trusted as far as left-out spots allow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stentrans.methods.base import Prediction
from stentrans.methods.composition import CompositionDecoder
from stentrans.methods.count_model import Loadings, fit_loadings, trust
from stentrans.methods.factors import Observed, gene_chunks
from stentrans.methods.intervals import detection_groups, group_reach, normal_reach
from stentrans.methods.local_kriging import Kriged
from stentrans.methods.own_counts import OwnCounts, shrunken, variation
from stentrans.methods.progress import Preview, pulse

_SPOTS_FOR_SCALE = 800
_GENES_FOR_SCALE = 4096  # at once
_PSEUDO_SPOTS = 20  # weight of all genes together in a gene's own error scale
_SD_SCALES = (0.3, 3.0)


def basis_loadings(observed: Observed, factors: NDArray[np.float64]) -> Loadings:
    """Loadings of the genes that found the factors; their prior variances are learned here."""
    centred = factors - observed.library @ factors / observed.library.sum()
    return fit_loadings(observed.dense, observed.basis, observed.library, centred)


def preview_of(observed: Observed, learned: Loadings, left_out: NDArray[np.float64]) -> Preview:
    """Show what is known of a gene before the loadings of all genes are; see `Progress.preview`.

    Parameters
    ----------
    observed
        The section.
    learned
        Loadings of the genes that found the factors; of others nothing is shown.
    left_out
        Predictions of the factors at spots that were not seen, shape ``(n_spots, rank)``.
    """

    def preview(gene: int) -> NDArray[np.float32] | None:
        """Log values at the median library, the gene's total matched."""
        place = int(np.searchsorted(observed.basis, gene))
        if place >= len(observed.basis) or observed.basis[place] != gene:
            return None
        fold = np.exp(np.clip(left_out @ learned.slopes[:, place], -12, 12))
        fold *= observed.counts[:, [gene]].sum() / (observed.library @ fold)
        values = np.log1p(observed.target * fold).astype(np.float32)
        return np.where(observed.row >= 0, values[observed.row], np.float32(np.nan))

    return preview


def fit_decoder(
    observed: Observed,
    factors: NDArray[np.float64],
    learned: Loadings,
    left_out: NDArray[np.float64],
) -> tuple[CompositionDecoder, NDArray[np.float64]]:
    """Loadings of all genes and how far each factor is to be trusted.

    Parameters
    ----------
    observed, factors
        The section and its factors, shape ``(n_spots, rank)``.
    learned
        From `basis_loadings`.
    left_out
        Centred predictions of the factors at spots that were not seen, ``(n_spots, rank)``.

    Returns
    -------
    decoder
        Not yet calibrated: its ``sd_scale`` is 1 and its intervals are normal.
    belief
        Shape ``(rank,)``, in [0, 1].
    """
    library, n_genes = observed.library, observed.counts.shape[1]
    belief = trust(observed.dense, observed.basis, library, left_out, learned)
    slopes, dispersion = np.zeros((factors.shape[1], n_genes)), np.ones(n_genes)
    slopes[:, observed.basis], dispersion[observed.basis] = learned.slopes, learned.dispersion
    useful = np.flatnonzero(belief > 0)
    centred = (factors - library @ factors / library.sum())[:, useful]
    others = np.setdiff1d(np.flatnonzero(observed.share > 0), observed.basis)
    for genes in gene_chunks(others) if len(useful) else []:
        known = learned.variance[useful]
        part = fit_loadings(observed.dense, genes, library, centred, variance=known)
        slopes[np.ix_(useful, genes)], dispersion[genes] = part.slopes, part.dispersion
    slopes *= belief[:, None]
    intercept = np.full(n_genes, -np.inf)
    for genes in gene_chunks(np.arange(n_genes)):
        pulse()
        mass = library @ np.exp(np.clip(left_out @ slopes[:, genes], -12, 12))
        with np.errstate(divide="ignore"):  # a gene without counts has no share: -inf
            intercept[genes] = np.log(observed.dense(genes).sum(0) / mass)
    scale = observed.target / library
    decoder = CompositionDecoder(
        intercept=intercept,
        slopes=slopes,
        dispersion=dispersion,
        varies=np.zeros(n_genes),
        sd_scale=np.ones(n_genes),
        reach=normal_reach(n_genes),
        target=observed.target,
        scales=(float(scale.min()), float(scale.max())),
    )
    return decoder, belief


def assemble(
    decoder: CompositionDecoder,
    kriged: Kriged,
    library: Kriged,
    centre: NDArray[np.float64],
    library_error: float,
) -> Prediction:
    """Turn kriged factors and log library into what the decoder reads.

    Parameters
    ----------
    decoder
        Gives the softmax's denominator, which becomes the last factor.
    kriged, library
        Factors, shape ``(n, rank)``, and log library, shape ``(n, 1)``.
    centre
        Where the factors are 0 for the decoder, shape ``(rank,)``.
    library_error
        Variance of the log library around its prediction.
    """
    factors = (kriged.mean - centre).astype(np.float32)
    denominator = decoder.log_denominator(factors)
    none = np.zeros((len(factors), 1), np.float32)
    return Prediction(
        factors=np.hstack([factors, denominator[:, None]]),
        variance=np.hstack([kriged.variance.astype(np.float32), none]),
        log_library=library.mean[:, 0].astype(np.float32),
        log_library_variance=np.full(len(factors), library_error, np.float32),
    )


def with_own_counts(
    prediction: Prediction, observed: Observed, spot: NDArray[np.int64]
) -> Prediction:
    """Add what was measured at the sites themselves; ``spot`` as in `OwnCounts`."""
    is_spot = spot >= 0
    if not is_spot.any():
        return prediction
    log_library = prediction.log_library.copy()
    log_library[is_spot] = np.log(observed.library[spot[is_spot]])
    return replace(
        prediction,
        log_library=log_library,
        log_library_variance=np.where(is_spot, 0, prediction.log_library_variance),
        own=OwnCounts.of(observed.counts, spot),
    )


def calibrate(
    decoder: CompositionDecoder,
    observed: Observed,
    at_spots: Prediction,
    rng: np.random.Generator,
) -> CompositionDecoder:
    """Learn from left-out spots how far each gene strays from its prediction.

    Scales its sd and intervals so that the spots lie as far off as these say, and finds how much
    a spot's own counts are worth beside the prediction.

    ``at_spots`` predicts each spot from the others. Genes with few counts say little about their
    own scale and are drawn to that of all genes.
    """
    n_spots, n_genes = observed.counts.shape
    rows = np.sort(rng.choice(n_spots, min(n_spots, _SPOTS_FOR_SCALE), replace=False))
    part, measured = at_spots.rows(rows), observed.counts[rows]
    library = observed.library[rows][:, None]
    off = np.empty((len(rows), n_genes), np.float32)
    varies, precision = np.zeros(n_genes), np.ones(n_genes)
    scale = (observed.target / library).astype(np.float32)
    for genes in gene_chunks(np.arange(n_genes), _GENES_FOR_SCALE):
        pulse()
        counts = measured[:, genes].toarray()
        mean, sd = decoder.mean_and_sd(part, genes)
        off[:, genes] = np.abs(np.log1p(counts * scale) - mean) / sd
        expected = library * decoder.share(part, genes)
        varies[genes], precision[genes] = variation(expected, counts)
    seen = np.diff(observed.counts.indptr)
    squared = np.square(off, dtype=np.float64).mean(0)
    common = np.average(squared, weights=seen)
    scales = np.sqrt((seen * squared + _PSEUDO_SPOTS * common) / (seen + _PSEUDO_SPOTS))
    scales = np.clip(scales, *_SD_SCALES)
    off /= scales.astype(np.float32)
    reach = normal_reach(n_genes)
    for genes in detection_groups(seen / n_spots):
        reach[:, genes] = group_reach(off[:, genes])
    learned = {
        "varies": shrunken(varies, precision, seen / n_spots),
        "sd_scale": scales,
        "reach": reach,
    }
    return CompositionDecoder.from_arrays(decoder.to_arrays() | learned)
