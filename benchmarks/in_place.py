"""Measured spots, enhanced in place: half of the counts predicts the other half.

    python benchmarks/in_place.py [--sections ...] [--raw FILE] [--out docs/in_place.md]

Every count goes to one of two halves at random. `stentrans` and low-rank smoothing are fitted to
one half and answer at its own spots; beside them the half as it is (raw), and what the library of
each spot alone would show (library-scaled means: every spot has the mean composition).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from gaps import SCORES, all_methods, table
from machine import machine, publish, remember, sections
from numpy.typing import NDArray

import stentrans
from stentrans.evaluation.preparation import HoldOut, prepare_hold_out, prepare_to_score
from stentrans.evaluation.protocols import splits
from stentrans.evaluation.scoring import score
from stentrans.methods.base import FitOptions, Fitted, Prediction, Scale
from stentrans.methods.intervals import Interval, interval, normal_reach
from stentrans.methods.log_moments import LogMoments
from stentrans.methods.registry import load
from stentrans.preprocess import library_size

KEYS = ("section", "method", "repeat", "metric", "seed")
Floats = NDArray[np.float64]
RAW, MEANS = "raw half", "library-scaled means"


class LibraryScaledMeans:
    """The mean composition at the measured library of each spot: nothing about any gene."""

    kind = "means"
    genes_at_once = None

    def __init__(self, hold_out: HoldOut) -> None:
        self.decoder, self.summary = self, dict[str, Any]()
        self.share, self.target = hold_out.null, hold_out.target
        self.library = np.maximum(library_size(hold_out.seen), 1.0)
        scale = self.target / self.library
        self.moments = LogMoments(float(scale.min()), float(scale.max()))

    def predict(self, positions: Floats) -> Prediction:
        """Answer at the measured spots, in their order, whatever the positions."""
        none = np.zeros((len(positions), 1), np.float32)
        log_library = np.log(self.library).astype(np.float32)
        return Prediction(none, None, log_library, np.zeros_like(log_library))

    def decode(
        self, prediction: Prediction, genes: NDArray[np.int64], scale: Scale
    ) -> NDArray[np.float32]:
        """Values that depend on the library only."""
        library = self.library[:, None]
        if scale == "log":
            expected = self.moments.mean(library * self.share[genes], self.target / library)
        elif scale == "counts":
            expected = library * self.share[genes]
        else:
            expected = np.tile(np.log1p(self.target * self.share[genes]), (len(library), 1))
        return np.asarray(expected, np.float32)

    def sd(self, prediction: Prediction, genes: NDArray[np.int64]) -> NDArray[np.float32]:
        """Counting noise alone."""
        library = self.library[:, None]
        noise = self.moments.variance(library * self.share[genes], self.target / library)
        return np.asarray(np.sqrt(np.maximum(noise, 1e-6)), np.float32)

    def interval(self, prediction: Prediction, genes: NDArray[np.int64], level: float) -> Interval:
        """Normal bounds."""
        mean, sd = self.decode(prediction, genes, "log"), self.sd(prediction, genes)
        return interval(mean, sd, normal_reach(len(genes)), level)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Nothing: this is never saved."""
        return {}


def fitted(name: str, hold_out: HoldOut, seed: int) -> Fitted:
    """A competitor by its name in the table."""
    if name == MEANS:
        return LibraryScaledMeans(hold_out)
    # At a measured spot, the nearest measured spot is the spot itself.
    method = load("nearest" if name == RAW else name)
    return method.fit(hold_out.seen, hold_out.shown, FitOptions(seed=seed))


def halved(path: Path, methods: list[str], repeats: int, seed: int) -> pd.DataFrame:
    """Mean score per method, halving and metric."""
    tissue, lattice = prepare_to_score(stentrans.read(path))
    block, rows = np.zeros(lattice.n_spots, np.int64), []
    for repeat, split in enumerate(splits(tissue.X, lattice, "counts", repeats, seed)):
        hold_out = prepare_hold_out(split, lattice, block=block, seed=seed)
        for method in methods:
            found = score(fitted(method, hold_out, seed), hold_out)
            for metric in SCORES:
                of_genes = found.per_gene.get(metric)
                value = found.of_section[metric] if of_genes is None else of_genes.mean()
                rows.append((path.stem, method, repeat, metric, float(value), seed))
    return pd.DataFrame(rows, columns=["section", "method", "repeat", "metric", "value", "seed"])


def main() -> None:
    """Measure and write one table per score."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--methods", nargs="+", default=["stentrans"])
    parser.add_argument("--sections", nargs="*", default=[], help="names; default: all")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--raw", type=Path, help="CSV that keeps scores from run to run")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    methods = [*dict.fromkeys([*given.methods, RAW, MEANS, "lowrank_kriging"])]
    scores = pd.DataFrame()
    for path in sections(given.sections):
        new = halved(path, methods, given.repeats, given.seed)
        scores = remember(new, given.raw, KEYS) if given.raw else pd.concat([scores, new])
    scores = scores[scores["seed"].astype(str) == str(given.seed)]
    methods = all_methods(scores, methods)
    publish(
        [
            "# In place",
            "Made by `python benchmarks/in_place.py`: every count goes to one of two halves; "
            "methods see one at all spots and are scored on the other at the same spots. "
            "`raw half` repeats what it saw; `library-scaled means` knows the library of each spot "
            "and the mean composition; `lowrank_kriging` at its own spots is low-rank smoothing. "
            "Ratios to lowrank_kriging.",
            f"{machine()}; {given.repeats} halvings, seed {given.seed}",
            *(table(scores, metric, methods) for metric in SCORES),
        ],
        given.out,
    )


if __name__ == "__main__":
    main()
