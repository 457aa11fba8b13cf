"""From factors to expression: loadings of every gene, trusted as far as left-out spots allow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stentrans.methods.base import Prediction
from stentrans.methods.composition import CompositionDecoder
from stentrans.methods.count_model import Loadings, fit_loadings, trust
from stentrans.methods.factors import Observed, gene_chunks
from stentrans.methods.local_kriging import Kriged

_SPOTS_FOR_SCALE = 800
_PSEUDO_SPOTS = 20  # weight of all genes together in a gene's own error scale
_SD_SCALES = (0.3, 3.0)


def basis_loadings(observed: Observed, factors: NDArray[np.float64]) -> Loadings:
    """Loadings of the genes that found the factors; their prior variances are learned here."""
    centred = factors - observed.library @ factors / observed.library.sum()
    return fit_loadings(observed.dense, observed.basis, observed.library, centred)


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
        Not yet calibrated: its ``sd_scale`` is 1.
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
        mass = library @ np.exp(np.clip(left_out @ slopes[:, genes], -12, 12))
        with np.errstate(divide="ignore"):  # a gene without counts has no share: -inf
            intercept[genes] = np.log(observed.dense(genes).sum(0) / mass)
    scale = observed.target / library
    decoder = CompositionDecoder(
        intercept=intercept,
        slopes=slopes,
        dispersion=dispersion,
        sd_scale=np.ones(n_genes),
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


def calibrate(
    decoder: CompositionDecoder,
    observed: Observed,
    at_spots: Prediction,
    rng: np.random.Generator,
) -> CompositionDecoder:
    """Scale each gene's sd so that left-out spots lie as far off as it says.

    ``at_spots`` predicts each spot from the others. Genes with few counts say little about their
    own scale and are drawn to that of all genes.
    """
    n_spots, n_genes = observed.counts.shape
    rows = np.sort(rng.choice(n_spots, min(n_spots, _SPOTS_FOR_SCALE), replace=False))
    part = replace(
        at_spots,
        factors=at_spots.factors[rows],
        variance=None if at_spots.variance is None else at_spots.variance[rows],
        log_library=at_spots.log_library[rows],
        log_library_variance=at_spots.log_library_variance[rows],
    )
    scale = (observed.target / observed.library[rows])[:, None]
    squared = np.ones(n_genes)
    for genes in gene_chunks(np.arange(n_genes)):
        truth = np.log1p(observed.dense(genes)[rows] * scale)
        off = (truth - decoder.decode(part, genes, "log")) / decoder.sd(part, genes)
        squared[genes] = (off**2).mean(0)
    seen = np.diff(observed.counts.indptr)
    common = np.average(squared, weights=seen)
    scales = np.sqrt((seen * squared + _PSEUDO_SPOTS * common) / (seen + _PSEUDO_SPOTS))
    arrays = decoder.to_arrays() | {"sd_scale": np.clip(scales, *_SD_SCALES)}
    return CompositionDecoder.from_arrays(arrays)
