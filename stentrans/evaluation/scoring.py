"""One method scored on one hold-out, a few genes at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stentrans.evaluation import metrics, spatial
from stentrans.evaluation.bootstrap import BlockSums, block_moments
from stentrans.evaluation.preparation import HoldOut, chunks_of
from stentrans.methods.base import Decoder, Fitted, OnProgress, Prediction, Progress, report
from stentrans.methods.intervals import LEVELS

COVERAGES: Final = {f"coverage_{level * 100:.0f}": level for level in LEVELS}


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of one method on one hold-out.

    Parameters
    ----------
    per_gene
        By metric, shape ``(n_genes,)``.
    of_section
        By metric.
    sums
        What some of them are made of, block by block.
    """

    per_gene: Mapping[str, NDArray[np.float64]]
    of_section: Mapping[str, float]
    sums: BlockSums


def score(fitted: Fitted, hold_out: HoldOut, *, on_progress: OnProgress | None = None) -> Scores:
    """Ask a fitted method for the hidden spots and score what it says.

    Parameters
    ----------
    fitted
        Trained on ``hold_out.seen``.
    hold_out
        What is hidden.
    on_progress
        Hears of every chunk of genes; may return False to cancel.

    Raises
    ------
    Cancelled
        If ``on_progress`` returned False.
    """
    prediction, decoder = fitted.predict(hold_out.positions), fitted.decoder
    n_genes, n_spots = len(hold_out.genes), len(hold_out.positions)
    # A decoder to which a gene costs much remembers the latest ones, up to so many.
    chunks = list(chunks_of(n_genes, decoder.genes_at_once))
    done = (Progress("scoring", i / (2 * len(chunks))) for i in count(1))
    total = np.zeros(n_spots)
    for genes in chunks:
        total += decoder.decode(prediction, genes, "counts").sum(1, dtype=np.float64)
        report(on_progress, next(done))
    profile, parts = np.zeros((5, n_spots)), []
    for genes in chunks:
        guess = _Guess(prediction, decoder, genes, total)
        parts.append(_score_genes(guess, hold_out, profile))
        report(on_progress, next(done))
    return _assembled(parts, profile, hold_out.members)


def _assembled(
    parts: Sequence[_Part], profile: NDArray[np.float64], members: NDArray[np.float32]
) -> Scores:
    """Scores of all genes from those of some each, and from the sums of spots over genes."""
    per_gene = _joined([part.per_gene for part in parts])
    n_genes = len(per_gene["ceiling"])
    per_spot = {
        name: np.sum([part.per_spot[name] for part in parts], axis=0) / n_genes
        for name in parts[0].per_spot
    }
    per_spot["profile"] = metrics.correlation_of_sums(np.array(n_genes), profile)
    deviance = np.sum([part.deviance for part in parts], axis=0)
    left, of_the_mean = deviance.sum(1)
    of_section = {
        "deviance_explained": float(1 - left / of_the_mean),
        "profile": float(per_spot["profile"].mean()),
        "composition_variance": sum(part.variance for part in parts),
    }
    of_section |= {level: float(per_gene[level].mean()) for level in COVERAGES}
    sums = BlockSums(
        n=members.sum(1, dtype=np.float64),
        moments=_joined([part.moments for part in parts]),
        totals={name: members @ values for name, values in per_spot.items()},
        deviance=deviance,
    )
    return Scores(per_gene, of_section, sums)


def _joined(parts: Sequence[Mapping[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """Put what some genes gave beside each other, name by name; genes are the last axis."""
    return {name: np.concatenate([part[name] for part in parts], axis=-1) for name in parts[0]}


@dataclass(frozen=True, eq=False)
class _Guess:
    """What a method says of some genes."""

    prediction: Prediction
    decoder: Decoder
    genes: NDArray[np.int64]
    total: NDArray[np.float64]

    @property
    def log(self) -> NDArray[np.float32]:
        """Log values."""
        return self.decoder.decode(self.prediction, self.genes, "log")

    @property
    def share(self) -> NDArray[np.float64]:
        """Composition, as a share of all scored genes."""
        counts = self.decoder.decode(self.prediction, self.genes, "counts").astype(np.float64)
        return np.asarray(counts / np.maximum(self.total, 1e-12)[:, None])

    @property
    def variance(self) -> NDArray[np.float64]:
        """Variance over sites of the log composition, shape ``(n_genes,)``."""
        composition = self.decoder.decode(self.prediction, self.genes, "composition")
        return np.asarray(composition.var(0, dtype=np.float64))

    def covers(self, truth: NDArray[np.float32], level: float) -> NDArray[np.bool_]:
        """Whether the interval of one level, bounds included, holds each true value."""
        low, high = self.decoder.interval(self.prediction, self.genes, level)
        return np.asarray((low <= truth) & (truth <= high))


@dataclass(frozen=True, eq=False)
class _Part:
    """Scores of some genes: per gene, sums over genes per spot, sums per block, variance."""

    per_gene: Mapping[str, NDArray[np.float64]]
    per_spot: Mapping[str, NDArray[np.float64]]
    moments: Mapping[str, NDArray[np.float32]]
    deviance: NDArray[np.float64]
    variance: float


def _score_genes(guess: _Guess, hold_out: HoldOut, profile: NDArray[np.float64]) -> _Part:
    """Score some genes; adds what they give to ``profile``, the sums of each spot over genes."""
    genes, library = guess.genes, hold_out.library
    counts, null = hold_out.truth[:, genes].toarray(), hold_out.null[genes]
    truth = metrics.log_normalised(counts, library, hold_out.target)
    mean, share = guess.log, guess.share
    profile += _sums_over_genes(mean - hold_out.usual[genes], truth - hold_out.usual[genes])
    left, of_the_mean = metrics.deviances(counts, library, share, null)
    # Each correlation, and each mean over spots, with what it is of.
    pairs = {
        "log_normalised": (mean, truth),
        "depth_adjusted": metrics.depth_residuals(counts, library, share, null),
        "spearman": (metrics.ranks(mean), metrics.ranks(truth)),
    }
    local: dict[str, NDArray[Any]] = {
        "ssim": spatial.structural_similarity(mean, truth, hold_out.windows)
    }
    local |= {name: guess.covers(truth, level) for name, level in COVERAGES.items()}
    per_gene = {name: metrics.pearson(*pair) for name, pair in pairs.items()}
    per_gene |= {name: values.mean(0, dtype=np.float64) for name, values in local.items()}
    per_gene |= {
        "rmse": metrics.root_mean_squared_error(mean, truth),
        "morans_i": spatial.morans_i(mean, hold_out.adjacent),
        "morans_i_true": spatial.morans_i(truth, hold_out.adjacent),
        "gene_deviance_explained": 1 - left.sum(0) / of_the_mean.sum(0),
        "ceiling": hold_out.ceiling[genes],
    }
    members = hold_out.members
    moments = {name: block_moments(*pair, members) for name, pair in pairs.items()}
    per_spot = {name: values.sum(1, dtype=np.float64) for name, values in local.items()}
    deviance = np.stack([members @ kind.sum(1) for kind in (left, of_the_mean)])
    return _Part(per_gene, per_spot, moments, deviance, float(guess.variance @ null))


def _sums_over_genes(x: metrics.Values, y: metrics.Values) -> NDArray[np.float64]:
    """Sums of x, y, x², y² and xy of each spot, shape ``(5, n_spots)``."""
    return np.stack([v.sum(1, dtype=np.float64) for v in (x, y, x * x, y * y, x * y)])
