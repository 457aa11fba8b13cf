"""Noise in, nothing out: what methods predict where there is no pattern.

    python benchmarks/noise.py [--methods prior stentrans] [--draws 10] [--out docs/noise.md]

Two kinds of sections without a pattern are made from each real one: its spots at each other's
positions (permuted), and Poisson counts of the mean composition at the real libraries (flat).

The variance of composition is that of the natural log of each gene's predicted share, summed over
genes with their share of all counts as weight; one per cent of the mean composition is mixed in,
so that a predicted zero has a logarithm. It is taken over inserted sites at twice the resolution
and over measured spots apart: permuted spots keep their own counts, and may keep showing them,
but nothing may appear between them. It is given as a share of what the method predicts on the
real section. Maps of two independent draws are compared at inserted sites by the mean over genes
of their absolute correlation; a map that varies by less than a ten-thousandth counts 0.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from machine import machine, markdown, publish, remember, sections
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

import stentrans
from stentrans.enhancement import prepare
from stentrans.lattice import Lattice, enhanced_sites
from stentrans.methods.base import FitOptions, Fitted
from stentrans.methods.registry import METHODS, load
from stentrans.preprocess import keep_genes, library_size

SECTIONS = (
    "st_human_melanoma_mel1_rep1",
    "st_human_her2st_B1",
    "visium_mouse_muscle_Vis7B_5dpi",
)
KINDS = ("permuted", "flat")
COLUMNS = ["kind", "draw", "between", "at_spots", "likeness"]
KEYS = ("section", "method", "kind", "draw", "seed")
MOST_SITES = 3_000
GENES_AT_ONCE = 512
MIXED_IN = 0.01
MOST_VARIANCE, MOST_ALIKE = 0.03, 0.3
LEAST_SD = 1e-4


def log_composition(
    name: str, counts: csr_matrix, lattice: Lattice, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit; log share of each gene at inserted sites and at spots, ``(n, n_genes)`` each."""
    fitted = load(name).fit(counts, lattice, FitOptions(seed=seed))
    sites = enhanced_sites(lattice, 2)
    return (
        _log_share(fitted, _some(sites.array[sites.spot < 0]), _pooled(counts)),
        _log_share(fitted, _some(sites.array[sites.spot >= 0]), _pooled(counts)),
    )


def _some(positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """At most 3,000 of the positions, evenly."""
    chosen = np.linspace(0, len(positions) - 1, MOST_SITES).astype(int)
    return positions[np.unique(chosen)]


def _log_share(
    fitted: Fitted, positions: NDArray[np.float64], pooled: NDArray[np.float64]
) -> NDArray[np.float64]:
    prediction = fitted.predict(positions)
    share = np.empty((len(positions), len(pooled)))
    for start in range(0, len(pooled), GENES_AT_ONCE):
        genes = np.arange(start, min(start + GENES_AT_ONCE, len(pooled)))
        share[:, genes] = fitted.decoder.decode(prediction, genes, "counts")
    share /= np.maximum(share.sum(axis=1, keepdims=True), 1e-12)
    return np.asarray(np.log((1 - MIXED_IN) * share + MIXED_IN * pooled))


def drawn(counts: csr_matrix, kind: str, rng: np.random.Generator) -> csr_matrix:
    """A section without a pattern."""
    if kind == "permuted":
        return counts[rng.permutation(counts.shape[0])]
    rate, library = _pooled(counts), library_size(counts)
    return csr_matrix(np.stack([rng.poisson(total * rate) for total in library], dtype=np.float32))


def measured(
    path: Path, method: str, kinds: list[str], draws: int, seed: int
) -> Iterator[tuple[str, int, float, float, float]]:
    """Kind, draw, variance between and at spots, likeness to the draw before; real one first."""
    tissue, lattice = prepare(stentrans.read(path))
    counts = csr_matrix(tissue.X[:, keep_genes(tissue.X, 0.1)])
    pooled = _pooled(counts)
    between, at_spots = log_composition(method, counts, lattice, seed)
    yield "real", 0, between.var(axis=0) @ pooled, at_spots.var(axis=0) @ pooled, np.nan
    for kind in kinds:
        before = None
        for draw in range(draws):
            rng = np.random.default_rng([seed, KINDS.index(kind), draw])
            empty = drawn(counts, kind, rng)
            between, at_spots = log_composition(method, empty, lattice, seed)
            likeness = np.nan if before is None else _likeness(before, between)
            before = between
            variances = between.var(axis=0) @ pooled, at_spots.var(axis=0) @ pooled
            yield kind, draw, *variances, likeness


def _pooled(counts: csr_matrix) -> NDArray[np.float64]:
    """Mean composition, shape ``(n_genes,)``."""
    total = np.asarray(counts.sum(axis=0), np.float64).ravel()
    return total / total.sum()


def _likeness(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Mean over genes of the absolute correlation of two maps."""
    a, b = one - one.mean(axis=0), other - other.mean(axis=0)
    sd = a.std(axis=0), b.std(axis=0)
    r = np.abs((a * b).mean(axis=0)) / np.maximum(sd[0] * sd[1], LEAST_SD**2)
    return float(np.where(np.minimum(*sd) > LEAST_SD, r, 0).mean())


def row(section: str, method: str, scores: pd.DataFrame) -> list[str]:
    """One method on one section: worst and mean share of the variance, likeness of maps."""
    real = scores[scores["kind"] == "real"].iloc[0]
    cells = [section, method, f"{real['between']:.4f} / {real['at_spots']:.4f}"]
    for kind in KINDS:
        of_kind = scores[scores["kind"] == kind]
        cells.append(_worst_share(of_kind["between"] / max(real["between"], 1e-12)))
        if kind == "flat":
            cells.append(_worst_share(of_kind["at_spots"] / max(real["at_spots"], 1e-12)))
        alike = of_kind["likeness"].dropna()
        mark = " !" if len(alike) and alike.max() > MOST_ALIKE else ""
        cells.append(f"{alike.max():.2f} ({alike.mean():.2f}){mark}" if len(alike) else "")
    return cells


def _worst_share(share: pd.Series) -> str:
    """Worst and mean share; empty without draws."""
    mark = " !" if len(share) and share.max() > MOST_VARIANCE else ""
    return f"{share.max():.2%} ({share.mean():.2%}){mark}" if len(share) else ""


def main() -> None:
    """Measure and write one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--methods", nargs="+", default=["prior", "stentrans"], choices=list(METHODS)
    )
    parser.add_argument("--sections", nargs="*", default=list(SECTIONS), help="names")
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--raw", type=Path, help="CSV that keeps scores from run to run")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    scores = pd.DataFrame()
    for path in sections(given.sections):
        for method in given.methods:
            found = measured(path, method, given.kinds, given.draws, given.seed)
            new = pd.DataFrame(found, columns=COLUMNS)
            new = new.assign(section=path.stem, method=method, seed=given.seed)
            scores = remember(new, given.raw, KEYS) if given.raw else pd.concat([scores, new])
    scores = scores[scores["seed"].astype(str) == str(given.seed)]
    rows = [
        row(str(section), str(method), part)
        for (section, method), part in scores.groupby(["section", "method"])
    ]
    header = ["section", "method", "real: between spots / at spots"]
    header += ["permuted: between spots", "permuted: maps alike"]
    header += ["flat: between spots", "flat: at spots", "flat: maps alike"]
    publish(
        [
            "# Noise in, nothing out",
            "Made by `python benchmarks/noise.py`: predicted variance of log composition (weighted "
            "by each gene's share) on sections without a pattern, as a share of the real "
            "section's, and mean absolute correlation of the maps of two draws between spots. "
            f"Worst draw first, the mean in brackets; ! marks more than {MOST_VARIANCE:.0%} and "
            f"{MOST_ALIKE}. Permuted: spots at each other's positions (measured spots keep what is "
            "their own). Flat: Poisson counts of the mean composition at the real libraries.",
            f"{machine()}; {given.draws} draws, seed {given.seed}",
            markdown(header, rows),
        ],
        given.out,
    )


if __name__ == "__main__":
    main()
