"""Poisson regression of counts on factors, one gene per column, shrunk by the evidence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ReadCounts = Callable[[NDArray[np.int64]], NDArray[np.float64]]

_STEPS = 10
_SETTLED = 0.01  # largest change of a slope, per unit-variance factor, that ends the fit
_TRUST_STEPS = 25
_TRUST_SETTLED = 1e-3
_GENES_PER_CHUNK = 1024
_CLIP = 12.0  # |log fold change| of any spot, so that no step can overflow
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
    rank, learn = factors.shape[1], variance is None
    prior = np.full(rank, _START_VARIANCE) if variance is None else variance
    slopes, dispersion = np.zeros((rank, len(genes))), np.ones(len(genes))
    for step in range(_STEPS):
        before, spread = slopes.copy(), np.zeros(rank)
        for part in _chunks(len(genes)):
            model = _Regression(read(genes[part]), library, factors)
            at = model.evaluate(slopes[:, part])
            if step != 1:  # after the first step alone it would still be mostly misfit
                dispersion[part] = model.dispersion(at.expected)
            found, uncertain = model.newton(slopes[:, part], at, prior, dispersion[part])
            slopes[:, part] = found
            spread += uncertain.sum(1)
        if learn and step > 0:
            prior = np.maximum(((slopes**2).sum(1) + spread) / len(genes), _LEAST_VARIANCE)
        if step > 1 and np.abs(slopes - before).max(initial=0.0) < _SETTLED:
            break
    return Loadings(slopes, prior, dispersion)


def _chunks(n_genes: int) -> list[slice]:
    return [slice(i, i + _GENES_PER_CHUNK) for i in range(0, n_genes, _GENES_PER_CHUNK)]


@dataclass(frozen=True)
class _Point:
    """Expected counts, ``(n_spots, n_genes)``, and log-likelihood per gene, up to a constant."""

    expected: NDArray[np.float64]
    likelihood: NDArray[np.float64]


class _Regression:
    """The objective and its Newton step for all genes of one chunk at once."""

    def __init__(
        self,
        counts: NDArray[np.float64],
        library: NDArray[np.float64],
        factors: NDArray[np.float64],
    ) -> None:
        self.counts, self.library, self.factors = counts, library, factors
        self.total = counts.sum(0)
        self.rank = factors.shape[1]
        self.upper = np.triu_indices(self.rank)

    def evaluate(self, slopes: NDArray[np.float64]) -> _Point:
        """Expected counts with each gene's total matched, which profiles the intercept."""
        fold = np.clip(self.factors @ slopes, -_CLIP, _CLIP)
        likelihood = np.einsum("ng,ng->g", self.counts, fold)
        expected = np.exp(fold, out=fold)
        expected *= self.library[:, None]
        mass = expected.sum(0)
        expected *= self.total / mass
        return _Point(expected, likelihood - self.total * np.log(mass))

    def dispersion(self, expected: NDArray[np.float64]) -> NDArray[np.float64]:
        """Pearson overdispersion per gene, at least 1."""
        error = self.counts - expected
        squared = np.einsum("ng,ng,ng->g", error, error, 1 / np.maximum(expected, 1e-12))
        # Half the rank: shrunken slopes use up fewer degrees of freedom than free ones.
        freedom = max(len(self.library) - 1 - self.rank / 2, 5)
        return np.asarray(np.maximum(squared / freedom, 1.0))

    def newton(
        self,
        slopes: NDArray[np.float64],
        at: _Point,
        prior: NDArray[np.float64],
        dispersion: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """One safeguarded step: new slopes, and their posterior variance before it."""
        inverse = np.linalg.inv(self._hessian(at.expected, prior, dispersion))
        gradient = self.factors.T @ (self.counts - at.expected) / dispersion
        gradient -= slopes / prior[:, None]
        step = np.einsum("gij,jg->ig", inverse, gradient)

        def objective(slopes: NDArray[np.float64], at: _Point) -> NDArray[np.float64]:
            penalty = 0.5 * (slopes**2 / prior[:, None]).sum(0)
            return np.asarray(at.likelihood / dispersion - penalty)

        before = objective(slopes, at)
        length = np.ones(len(self.total))
        for _ in range(5):
            tried = slopes + length * step
            worse = objective(tried, self.evaluate(tried)) < before - 1e-9 * np.abs(before)
            if not worse.any():
                break
            length[worse] *= 0.3
        else:
            tried = np.where(worse, slopes, tried)
        return tried, np.diagonal(inverse, axis1=1, axis2=2).T

    def _hessian(
        self,
        expected: NDArray[np.float64],
        prior: NDArray[np.float64],
        dispersion: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Negative Hessian per gene with the intercept profiled, ``(n_genes, rank, rank)``."""
        # Single precision: curvature sets only the direction of a step.
        products = self.factors[:, self.upper[0]] * self.factors[:, self.upper[1]]
        packed = products.astype(np.float32).T @ expected.astype(np.float32)
        full = np.empty((expected.shape[1], self.rank, self.rank))
        full[:, self.upper[0], self.upper[1]] = packed.T
        full[:, self.upper[1], self.upper[0]] = packed.T
        first = (self.factors.T @ expected).T
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
    total = np.concatenate([read(genes[part]).sum(0) for part in _chunks(len(genes))])
    curvature = (left_out * library[:, None]).T @ left_out
    weight = total / total.sum() / loadings.dispersion
    curvature *= (loadings.slopes * weight) @ loadings.slopes.T
    curvature += np.diag(0.5 * np.diag(curvature) + 1e-6 * np.trace(curvature) / rank + 1e-12)
    inverse = np.linalg.inv(curvature)
    belief = np.full(rank, 0.7)
    for _ in range(_TRUST_STEPS):
        slope = np.zeros(rank)
        for part in _chunks(len(genes)):
            slopes = loadings.slopes[:, part]
            model = _Regression(read(genes[part]), library, left_out * belief)
            missing = model.counts - model.evaluate(slopes).expected
            slope += ((left_out.T @ (missing / loadings.dispersion[part])) * slopes).sum(1)
        before = belief
        belief = np.clip(belief + 0.5 * inverse @ slope, 0, 1)
        if np.abs(belief - before).max() < _TRUST_SETTLED:
            break
    return belief
