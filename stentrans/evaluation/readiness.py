"""Can this section be enhanced? Answered from what its own counts and neighbours say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags_array
from scipy.spatial import KDTree

from stentrans.enhancement import prepare
from stentrans.evaluation import metrics, spatial
from stentrans.evaluation.ceiling import noise_ceiling
from stentrans.lattice import Lattice, find_holes, hole_depth
from stentrans.preprocess import keep_genes, library_size, median_library
from stentrans.section import refusal_of
from stentrans.words import CHANCE_SDS, Tone

if TYPE_CHECKING:
    from anndata import AnnData

MOST_GENES: Final = 1000
"""Genes that are looked at, drawn at random where there are more: enough for shares and means."""
FARTHEST: Final = 10
"""Spacings up to which it is asked whether spots still agree."""
_FALSE_SHARE: Final = 0.05
_PERMUTATIONS: Final = 19  # the real value above all of them: one in twenty by chance
_REACH_GENES: Final = 50
_MIN_SHARE: Final = 0.1


@dataclass(frozen=True)
class Reason:
    """One measured thing that speaks for or against enhancing.

    Parameters
    ----------
    topic
        What was looked at, a word or two.
    tone
        ``"good"``, ``"fair"`` or ``"poor"``.
    sentence
        What was measured and what it means.
    """

    topic: str
    tone: Tone
    sentence: str


@dataclass(frozen=True)
class Readiness:
    """The answer with its reasons.

    Parameters
    ----------
    tone
        ``"good"``: most genes follow their neighbours; ``"fair"``: some do; ``"poor"``: none do,
        or the section cannot be enhanced at all.
    sentence
        The answer in words.
    reasons
        What was measured.
    signal_share
        Share of the genes looked at that agree with their neighbours beyond chance, at least.
    ceiling
        Mean over genes of the correlation that counting noise allows.
    reach
        Spacings up to which spots agree beyond chance, at most `FARTHEST`.
    """

    tone: Tone
    sentence: str
    reasons: tuple[Reason, ...]
    signal_share: float = 0.0
    ceiling: float = 0.0
    reach: int = 0


def readiness(section: AnnData, *, seed: int = 0) -> Readiness:
    """Say whether a section can be enhanced, and why.

    Parameters
    ----------
    section
        As for `stentrans.enhance`; left as it was.
    seed
        Draws genes, permutations and halves of the counts.

    Notes
    -----
    No number of counts makes a section good: a shallow one with broad regions can be enhanced, a
    deep one whose neighbours have nothing in common cannot. So both are measured. What depth
    allows is the noise ceiling: counts are halved at random and the halves compared. What space
    gives is neighbour agreement: each spot's composition, depth taken out, is correlated with the
    mean of its neighbours, gene by gene, and compared with the same after the spots were
    shuffled. At least ``(share below p = 0.05 minus 0.05) / 0.95`` of the genes then have a
    spatial pattern (Storey 2002). Most: good; some: fair; no gene at a false discovery rate of 5 %
    (Benjamini & Hochberg 1995): poor, there is nothing to interpolate.
    """
    refusal = refusal_of(section)
    if refusal is not None:
        return Readiness("poor", "No, not as it is.", (Reason("section", "poor", refusal),))
    tissue, lattice = prepare(section)
    counts = csr_matrix(tissue.X)
    usual = np.flatnonzero(keep_genes(counts, _MIN_SHARE))
    if not len(usual):
        words = f"No gene is seen in more than {_MIN_SHARE:.0%} of the spots."
        return Readiness(
            "poor", "No: the counts are too sparse.", (Reason("genes", "poor", words),)
        )
    rng = np.random.default_rng(seed)
    looked_at = np.sort(rng.permutation(usual)[:MOST_GENES])
    ceiling = _ceilings(counts, looked_at, rng)
    residuals = _residuals(counts, looked_at)
    signal = _signal(residuals, lattice, rng)
    reach = _reach(residuals[:, signal.ranking[:_REACH_GENES]], lattice, rng) if signal.found else 0
    tone, sentence = _answer(signal)
    reasons = (
        _about_spots(lattice, float(ceiling.mean())),
        _about_depth(counts, ceiling, lattice.n_spots),
        _about_genes(counts, len(usual)),
        _about_signal(signal, tone),
        _about_lattice(lattice, reach),
    )
    return Readiness(tone, sentence, reasons, signal.share, float(ceiling.mean()), reach)


@dataclass(frozen=True, eq=False)
class _Signal:
    """How many genes follow their neighbours.

    ``found`` at 5 % false discoveries, ``share`` of all at least; ``agreement`` with the
    neighbours' mean, averaged over genes; ``ranking`` of the genes, the clearest first.
    """

    n_genes: int
    found: int
    share: float
    agreement: float
    ranking: NDArray[np.int64]


def _ceilings(
    counts: csr_matrix, genes: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Noise ceiling of every gene looked at."""
    dense, library = counts[:, genes].toarray(), library_size(counts)
    return noise_ceiling(dense, library, median_library(counts), rng)


def _residuals(counts: csr_matrix, genes: NDArray[np.int64]) -> NDArray[np.float32]:
    """Composition beyond the mean, depth taken out, shape ``(n_spots, n_genes)``."""
    pooled = np.asarray(counts.sum(0), np.float64).ravel()
    share = pooled[genes] / pooled.sum()
    dense = counts[:, genes].toarray()
    _, observed = metrics.depth_residuals(dense, library_size(counts), share[None], share)
    return np.asarray(observed, np.float32)


def _agreement(values: NDArray[np.float32], means: csr_matrix) -> NDArray[np.float64]:
    """Correlation of every gene with the mean of other spots, where a spot has such others."""
    has_others = np.diff(means.indptr) > 0
    return metrics.pearson(values[has_others], (means @ values)[has_others])


def _signal(residuals: NDArray[np.float32], lattice: Lattice, rng: np.random.Generator) -> _Signal:
    """Compare every gene's agreement with that of shuffled spots, all genes' pooled."""
    means = _row_means(spatial.adjacency(lattice, np.arange(lattice.n_spots)))
    real = _agreement(residuals, means)
    shuffled = np.sort(
        [_agreement(residuals[rng.permutation(len(residuals))], means) for _ in range(10)],
        axis=None,
    )
    p = (1 + len(shuffled) - np.searchsorted(shuffled, real)) / (1 + len(shuffled))
    allowed = _FALSE_SHARE * np.arange(1, len(p) + 1) / len(p)
    passed = np.flatnonzero(np.sort(p) <= allowed)
    return _Signal(
        n_genes=len(p),
        found=int(passed[-1]) + 1 if len(passed) else 0,
        share=max(0.0, float((p < _FALSE_SHARE).mean() - _FALSE_SHARE) / (1 - _FALSE_SHARE)),
        agreement=float(real.mean()),
        ranking=np.argsort(real)[::-1],
    )


def _reach(values: NDArray[np.float32], lattice: Lattice, rng: np.random.Generator) -> int:
    """Largest distance at which spots agree more than in any of the shuffled sections."""
    plane = lattice.plane(lattice.array)
    tree = KDTree(plane)
    near = tree.sparse_distance_matrix(tree, FARTHEST + 0.5, output_type="ndarray")
    ring = np.rint(near["v"]).astype(np.int64)
    shuffled = [values[rng.permutation(len(values))] for _ in range(_PERMUTATIONS)]
    for distance in range(1, FARTHEST + 1):
        chosen = near[(ring == distance) & (near["i"] != near["j"])]
        ones = np.ones(len(chosen), np.float32)
        shape = (len(plane), len(plane))
        means = _row_means(csr_matrix((ones, (chosen["i"], chosen["j"])), shape=shape))
        if _agreement(values, means).mean() <= max(_agreement(s, means).mean() for s in shuffled):
            return distance - 1
    return FARTHEST


def _row_means(weights: csr_matrix) -> csr_matrix:
    """Scale rows to sum 1; empty ones stay empty."""
    total = np.asarray(weights.sum(1)).ravel()
    return csr_matrix(diags_array(1 / np.maximum(total, 1)) @ weights, dtype=np.float32)


def _answer(signal: _Signal) -> tuple[Tone, str]:
    """Judge by the share of genes that follow their neighbours."""
    if not signal.found:
        return "poor", (
            "No: neighbouring spots agree no more than shuffled ones. There is nothing to "
            "interpolate."
        )
    if signal.share <= 0.5:
        return "fair", (
            "Yes, but only some genes gain. Look at the score of a gene before you believe its map."
        )
    return "good", "Yes: most genes follow their neighbours."


def _about_spots(lattice: Lattice, ceiling: float) -> Reason:
    chance = CHANCE_SDS / math.sqrt(lattice.n_spots)
    sentence = (
        f"{lattice.n_spots:,} spots: a correlation over them must pass {chance:.2f} to be more "
        "than chance."
    )
    return Reason("Spots", "good" if chance < ceiling else "fair", sentence)


def _about_depth(counts: csr_matrix, ceiling: NDArray[np.float64], n_spots: int) -> Reason:
    above = float((ceiling > CHANCE_SDS / math.sqrt(n_spots)).mean())
    sentence = (
        f"{median_library(counts):,.0f} UMI per spot: counting noise allows a correlation of "
        f"{ceiling.mean():.2f} with the true map, mean over genes; for {above:.0%} of them "
        "that is more than chance."
    )
    return Reason("Depth", "good" if above > 0.5 else "fair" if above > 0 else "poor", sentence)


def _about_genes(counts: csr_matrix, n_usual: int) -> Reason:
    per_spot = float(np.median(np.diff(counts.indptr)))
    sentence = (
        f"{per_spot:,.0f} genes per spot; {n_usual:,} of {counts.shape[1]:,} are seen in more than "
        f"{_MIN_SHARE:.0%} of the spots and can be tested."
    )
    return Reason("Genes", "good", sentence)


def _about_signal(signal: _Signal, tone: Tone) -> Reason:
    of = "" if signal.n_genes < MOST_GENES else f" ({MOST_GENES:,} drawn at random)"
    share = "All" if signal.share > 0.995 else f"At least {signal.share:.0%}"
    sentence = (
        f"{share} of the testable genes{of} follow their neighbours beyond chance; correlation "
        f"with the neighbours' mean {signal.agreement:.2f} on average, 0 in shuffled spots."
    )
    return Reason("Spatial signal", tone, sentence)


def _about_lattice(lattice: Lattice, reach: int) -> Reason:
    holes = find_holes(lattice)
    n_gaps = sum(map(len, holes))
    if not holes:
        return Reason("Lattice", "good", f"{_kind(lattice)} lattice without gaps.")
    depth = max(hole_depth(lattice, hole) for hole in holes)
    sentence = (
        f"{_kind(lattice)} lattice; {n_gaps} of {n_gaps + lattice.n_spots:,} positions inside "
        f"the tissue are gaps, the largest hole has {_positions(holes)}. "
    )
    far = f"at least {FARTHEST}" if reach >= FARTHEST else str(reach)
    sentence += f"Its middle is {depth:.1f} spacings from the nearest spot; spots agree over {far}."
    return Reason("Lattice", "good" if depth <= reach else "fair", sentence)


def _kind(lattice: Lattice) -> str:
    return lattice.kind.capitalize()


def _positions(holes: Sequence[NDArray[np.int64]]) -> str:
    n = len(holes[0])
    return "1 position" if n == 1 else f"{n} positions"
