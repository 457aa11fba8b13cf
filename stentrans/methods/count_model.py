"""Poisson regression of counts on factors, one gene per column, shrunk by the evidence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stentrans.methods.progress import pulse

ReadCounts = Callable[[NDArray[np.int64]], NDArray[np.float64]]

_STEPS = 10
_SETTLED = 0.01  # largest change of a slope, per unit-variance factor, that ends the fit
_TRUST_STEPS = 25
_TRUST_SETTLED = 1e-3
_NEW_CURVATURE = (1, 3)  # steps at which it is worth its price; at the first it is nearly free
_GENES_PER_CHUNK = 1024
_GENES_FOR_VARIANCE = 1024
_ROUNDING = 1e-6  # relative loss of objective that single precision may pretend
_CLIP = 60.0  # |log fold change|: beyond it a step is judged hopeless without overflow
_START_VARIANCE = 0.05
_LEAST_VARIANCE = 1e-7


@dataclass(frozen=True)
class Loadings:
    """How expression follows the factors: ``log share = intercept + (factors - centre) @ slopes``.

    Parameters
    ----------
    slopes
        Shape ``(rank, n_genes)``, float64.
    variance
        Prior variance of the slopes per factor, shape ``(rank,)``.
    dispersion
        Overdispersion per gene, at least 1, shape ``(n_genes,)``.
    """

    slopes: NDArray[np.float64]
    variance: NDArray[np.float64]
    dispersion: NDArray[np.float64]


def fit_loadings(
    read: ReadCounts,
    genes: NDArray[np.int64],
    library: NDArray[np.float64],
    factors: NDArray[np.float64],
    *,
    variance: NDArray[np.float64] | None = None,
) -> Loadings:
    """Regress each gene's counts on the factors, the library as exposure.

    Slopes are drawn towards zero with one variance per factor; without ``variance`` it is
    learned from all genes together, so that a factor nobody follows drops out by itself and no
    rank has to be chosen. Gradient and Hessian are divided by the gene's overdispersion, the
    intercept is profiled out, and a step that lowers the objective is shortened.

    Parameters
    ----------
    read
        Gives the dense counts of some genes, shape ``(n_spots, n_genes_asked)``; asked for few
        genes at a time, so that the memory needed does not grow with their number.
    genes
        Which genes, indices for ``read``.
    library
        Library sizes, shape ``(n_spots,)``, positive.
    factors
        Shape ``(n_spots, rank)``, centred by the caller (weighted by library).
    variance
        Known prior variances, shape ``(rank,)``; kept as given.
    """
    if variance is None:
        variance = _learn_variance(read, _typical(read, genes), library, factors)
    slopes, dispersion = np.zeros((factors.shape[1], len(genes))), np.ones(len(genes))
    for part in _chunks(len(genes)):
        model = _Regression(read(genes[part]), library, factors)
        slopes[:, part], dispersion[part] = _settle(model, variance)
    return Loadings(slopes, variance, dispersion)


def _typical(read: ReadCounts, genes: NDArray[np.int64]) -> NDArray[np.int64]:
    """At most `_GENES_FOR_VARIANCE` of the genes, evenly spaced from few counts to many."""
    if len(genes) <= _GENES_FOR_VARIANCE:
        return genes
    total = np.concatenate([read(genes[part]).sum(0) for part in _chunks(len(genes))])
    spaced = np.linspace(0, len(genes) - 1, _GENES_FOR_VARIANCE).astype(int)
    chosen: NDArray[np.int64] = genes[np.argsort(total, kind="stable")[spaced]]
    return chosen


def _learn_variance(
    read: ReadCounts,
    genes: NDArray[np.int64],
    library: NDArray[np.float64],
    factors: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Prior variance of the slopes per factor that the evidence favours, ``(rank,)``."""
    prior = np.full(factors.shape[1], _START_VARIANCE)
    model = _Regression(read(genes), library, factors)
    slopes, dispersion = np.zeros((len(prior), len(genes))), np.ones(len(genes))
    at = model.evaluate(slopes)
    for step in range(_STEPS):
        pulse()
        before = slopes
        if step != 1:  # after the first step alone it would still be mostly misfit
            dispersion = model.dispersion(at.expected)
        if step == 0:
            inverse = model.inverse_at_zero(prior, dispersion)
        else:
            inverse = model.inverse_hessian(at.expected, prior, dispersion)
        slopes, at = model.newton(slopes, at, prior, dispersion, inverse)
        if step > 0:
            spread = np.diagonal(inverse, axis1=1, axis2=2).sum(0)
            prior = np.maximum(((slopes**2).sum(1) + spread) / len(genes), _LEAST_VARIANCE)
        if step > 1 and np.abs(slopes - before).max(initial=0.0) < _SETTLED:
            break
    return prior


def _settle(
    model: _Regression, prior: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Slopes and dispersion under known prior variances."""
    n_genes = len(model.total)
    slopes, dispersion = np.zeros((model.rank, n_genes)), np.ones(n_genes)
    at = model.evaluate(slopes)
    for step in range(_STEPS):
        pulse()
        before = slopes
        if step != 1:
            dispersion = model.dispersion(at.expected)
        if step == 0:
            inverse = model.inverse_at_zero(prior, dispersion)
        elif step in _NEW_CURVATURE:
            inverse = model.inverse_hessian(at.expected, prior, dispersion)
        slopes, at = model.newton(slopes, at, prior, dispersion, inverse)
        if step > 1 and np.abs(slopes - before).max(initial=0.0) < _SETTLED:
            break
    return slopes, dispersion


def _chunks(n_genes: int) -> list[slice]:
    return [slice(i, i + _GENES_PER_CHUNK) for i in range(0, n_genes, _GENES_PER_CHUNK)]


@dataclass(frozen=True)
class _Point:
    """Expected counts, ``(n_spots, n_genes)``, and log-likelihood per gene, up to a constant."""

    expected: NDArray[np.float32]
    likelihood: NDArray[np.float64]


class _Regression:
    """The objective and its Newton step for all genes of one chunk at once.

    Spots x genes arrays are single precision: they only set steps and are summed over spots.
    """

    def __init__(
        self,
        counts: NDArray[np.floating],
        library: NDArray[np.float64],
        factors: NDArray[np.float64],
    ) -> None:
        self.counts, self.factors = counts.astype(np.float32), factors.astype(np.float32)
        self.log_library = np.log(library).astype(np.float32)[:, None]
        self.total = self.counts.sum(0, dtype=np.float64)
        self.seen = factors.T @ self.counts.astype(np.float64)
        self.rank = factors.shape[1]

    def evaluate(self, slopes: NDArray[np.float64]) -> _Point:
        """Expected counts with each gene's total matched, which profiles the intercept."""
        fold = np.clip(self.factors @ slopes.astype(np.float32), -_CLIP, _CLIP)
        fold += self.log_library
        expected = np.exp(fold, out=fold)
        mass = expected.sum(0, dtype=np.float64)
        expected *= (self.total / mass).astype(np.float32)
        return _Point(expected, (slopes * self.seen).sum(0) - self.total * np.log(mass))

    def dispersion(self, expected: NDArray[np.float32]) -> NDArray[np.float64]:
        """Pearson overdispersion per gene, at least 1."""
        error = (self.counts - expected) ** 2
        error /= np.maximum(expected, 1e-12)
        squared = error.sum(0, dtype=np.float64)
        # Half the rank: shrunken slopes use up fewer degrees of freedom than free ones.
        freedom = max(len(self.counts) - 1 - self.rank / 2, 5)
        return np.asarray(np.maximum(squared / freedom, 1.0))

    def newton(
        self,
        slopes: NDArray[np.float64],
        at: _Point,
        prior: NDArray[np.float64],
        dispersion: NDArray[np.float64],
        inverse: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], _Point]:
        """One safeguarded step: new slopes and what they expect."""
        gradient = (self.factors.T @ (self.counts - at.expected)).astype(np.float64) / dispersion
        gradient -= slopes / prior[:, None]
        step = (inverse @ gradient.T[:, :, None])[:, :, 0].T

        def objective(slopes: NDArray[np.float64], at: _Point) -> NDArray[np.float64]:
            penalty = 0.5 * (slopes**2 / prior[:, None]).sum(0)
            return np.asarray(at.likelihood / dispersion - penalty)

        least = objective(slopes, at)
        least -= _ROUNDING * np.abs(least)
        length = np.ones(len(self.total))
        for _ in range(5):
            tried = slopes + length * step
            found = self.evaluate(tried)
            worse = objective(tried, found) < least
            if not worse.any():
                return tried, found
            length[worse] *= 0.3
        slopes = np.where(worse, slopes, tried)
        return slopes, self.evaluate(slopes)

    def inverse_hessian(
        self,
        expected: NDArray[np.float32],
        prior: NDArray[np.float64],
        dispersion: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Inverse of the negative Hessian per gene, ``(n_genes, rank, rank)``."""
        hessian = self._hessian(expected, prior, dispersion)
        return np.asarray(np.linalg.inv(hessian), np.float64)

    def inverse_at_zero(
        self, prior: NDArray[np.float64], dispersion: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """`inverse_hessian` where all slopes are 0: up to a factor, one matrix for all genes."""
        weight = np.exp(self.log_library.astype(np.float64))
        weight /= weight.sum()
        root = np.sqrt(prior)
        factors = (self.factors - (weight * self.factors).sum(0)) * root
        strength, axes = np.linalg.eigh((weight * factors).T @ factors)
        shrunk = 1 / (1 + np.outer(self.total / dispersion, np.maximum(strength, 0)))
        axes *= root[:, None]
        return np.asarray((axes * shrunk[:, None, :]) @ axes.T)

    def _hessian(
        self,
        expected: NDArray[np.float32],
        prior: NDArray[np.float64],
        dispersion: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Negative Hessian per gene with the intercept profiled, ``(n_genes, rank, rank)``."""
        upper = np.triu_indices(self.rank)
        products = self.factors[:, upper[0]] * self.factors[:, upper[1]]
        packed = expected.T @ products
        full = np.empty((expected.shape[1], self.rank, self.rank))
        full[:, upper[0], upper[1]] = packed
        full[:, upper[1], upper[0]] = packed
        first = (self.factors.T @ expected).T.astype(np.float64)
        mass = np.maximum(self.total, 1e-12)[:, None, None]
        full -= first[:, :, None] * first[:, None, :] / mass
        full /= dispersion[:, None, None]
        full[:, np.arange(self.rank), np.arange(self.rank)] += 1 / prior
        return full


def trust(
    read: ReadCounts,
    genes: NDArray[np.int64],
    library: NDArray[np.float64],
    left_out: NDArray[np.float64],
    loadings: Loadings,
) -> NDArray[np.float64]:
    """How much of each factor to believe where the spot itself was not seen.

    One number in [0, 1] per factor, chosen by the same likelihood with the factors' left-out
    predictions in the place of the factors: 0 for a factor that position says nothing about.

    Parameters
    ----------
    read, genes, library
        As in `fit_loadings`.
    left_out
        Leave-one-out predictions of the factors, shape ``(n_spots, rank)``, centred.
    loadings
        Of the same genes.
    """
    rank = left_out.shape[1]
    spaced = _typical(read, genes)
    counts, slopes = read(spaced), loadings.slopes[:, np.searchsorted(genes, spaced)]
    dispersion = loadings.dispersion[np.searchsorted(genes, spaced)]
    weight = counts.sum(0) / counts.sum() / dispersion
    curvature = (left_out * library[:, None]).T @ left_out
    curvature *= (slopes * weight) @ slopes.T * counts.sum() / library.sum()
    curvature += np.diag(0.5 * np.diag(curvature) + 1e-6 * np.trace(curvature) / rank + 1e-12)
    inverse = np.linalg.inv(curvature)
    belief = np.full(rank, 0.7)
    model = _Regression(counts, library, left_out)
    for _ in range(_TRUST_STEPS):
        pulse()
        missing = model.counts - model.evaluate(slopes * belief[:, None]).expected
        slope = ((model.factors.T @ (missing / dispersion.astype(np.float32))) * slopes).sum(1)
        before = belief
        belief = np.clip(belief + 0.5 * inverse @ slope, 0, 1)
        if np.abs(belief - before).max() < _TRUST_SETTLED:
            break
    return belief
