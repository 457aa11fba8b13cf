"""Whether the Transformer earns its place: prior, a kernel control, and stentrans side by side.

    python benchmarks/transformer.py [--sections ...] [--phases 2] [--raw FILE] [--out FILE]

The control corrects the prior by what spots with similar kriged factors really showed: a kernel
regression on the factors, its width by leave-one-out error, gated per factor as the network is.
The Transformer must do better than that to be worth its training. Hold-out as in accuracy.py.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from machine import machine, markdown, publish, remember, sections
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.spatial.distance import cdist

import stentrans
from stentrans.evaluation.preparation import prepare_hold_out, prepare_to_score
from stentrans.evaluation.protocols import splits
from stentrans.evaluation.scoring import score
from stentrans.lattice import Lattice
from stentrans.methods.base import FitOptions, Fitted, Prediction
from stentrans.methods.local_kriging import Kriged
from stentrans.methods.prior import FittedPrior, PriorSettings, fit_spatial
from stentrans.methods.registry import load
from stentrans.methods.fold_training import gate_of

KEYS = ("section", "phase", "method", "metric", "seed")
SCORES = {
    "depth_adjusted": "Depth-adjusted correlation",
    "log_normalised": "Log-normalised correlation",
    "deviance_explained": "Share of Poisson deviance explained",
}
CONTROL = "kernel on factors"
NAMES = ("prior", CONTROL, "stentrans")
WIDTHS = (0.15, 0.3, 0.6, 1.2)
Floats = NDArray[np.float64]


class KernelControl:
    """The prior, corrected by a kernel regression on its factors instead of a network."""

    def __init__(self, counts: csr_matrix, lattice: Lattice, options: FitOptions) -> None:
        self.spatial = fit_spatial(counts, lattice, PriorSettings(), options)
        self.pattern = np.flatnonzero(self.spatial.kriging.no_pattern.weight < 0.5)
        expected = self.spatial.left_out.mean
        missing = self.spatial.factors - expected
        best, self.gate, self.width = expected, np.zeros(expected.shape[1]), WIDTHS[0]
        for width in WIDTHS if len(self.pattern) else ():
            correction = self._mixed(expected, width, is_spot=True) - expected
            gate = gate_of(missing, correction)
            corrected = expected + gate * correction
            if self._error(corrected) < self._error(best):
                best, self.gate, self.width = corrected, gate, width
        left_out = Kriged(best, self.spatial.left_out.variance)
        self.prior = FittedPrior(self.spatial, left_out, options.seed)
        self.decoder = self.prior.decoder
        self.summary: dict[str, Any] = {"width": self.width}

    def predict(self, positions: Floats) -> Prediction:
        """Answer as the prior does, with corrected factors."""
        plane = self.spatial.lattice.plane(positions)
        kriged = self.spatial.kriging.predict(plane)
        if self.gate.any():
            correction = self._mixed(kriged.mean, self.width, is_spot=False) - kriged.mean
            kriged = Kriged(kriged.mean + self.gate * correction, kriged.variance)
        return self.prior.decode_ready(positions, plane, kriged)

    def _mixed(self, known: Floats, width: float, *, is_spot: bool) -> Floats:
        """Factors of the spots that look like each site, by what the prior says of both."""
        spots = self.spatial.left_out.mean[:, self.pattern]
        unlike = cdist(known[:, self.pattern], spots, "sqeuclidean") / width**2
        if is_spot:
            np.fill_diagonal(unlike, np.inf)
        weight = np.exp(-0.5 * (unlike - unlike.min(1, keepdims=True)))
        mixed: Floats = weight @ self.spatial.factors / weight.sum(1, keepdims=True)
        return mixed

    def _error(self, guess: Floats) -> float:
        return float(((self.spatial.factors - guess)[:, self.pattern] ** 2).sum())


def fitted(name: str, counts: csr_matrix, lattice: Lattice, seed: int) -> Fitted:
    """One of the three."""
    options = FitOptions(seed=seed)
    if name == CONTROL:
        return KernelControl(counts, lattice, options)
    return load(name).fit(counts, lattice, options)


def scored(path: Path, phases: int, seed: int) -> pd.DataFrame:
    """Score all three on some phases of one section."""
    tissue, lattice = prepare_to_score(stentrans.read(path))
    block = np.zeros(lattice.n_spots, np.int64)
    rows = []
    for phase, split in enumerate(splits(tissue.X, lattice, "thinning", phases, seed)):
        hold_out = prepare_hold_out(split, lattice, block=block, seed=seed)
        for name in NAMES:
            found = score(fitted(name, hold_out.seen, hold_out.shown, seed), hold_out)
            for metric in SCORES:
                per_gene = found.per_gene.get(metric)
                value = found.of_section[metric] if per_gene is None else per_gene.mean()
                rows.append([path.stem, str(phase), name, metric, str(seed), float(value)])
    return pd.DataFrame(rows, columns=[*KEYS, "value"])


def table(scores: pd.DataFrame, metric: str) -> str:
    """One score: sections down, the three across, the gain over the prior behind the others."""
    chosen = scores[scores["metric"] == metric]
    wide = chosen.pivot_table(index="section", columns="method", values="value")[list(NAMES)]
    wide.loc["**mean**"] = wide.mean()
    rows = []
    for section, values in wide.iterrows():
        gains = [f"{v:.4f} ({100 * (v / values['prior'] - 1):+.1f} %)" for v in values[1:]]
        rows.append([str(section), f"{values['prior']:.4f}", *gains])
    return f"### {SCORES[metric]}\n\n" + markdown(["section", *NAMES], rows)


def main() -> None:
    """Score and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sections", nargs="*", default=[])
    parser.add_argument("--phases", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--raw", type=Path, help="CSV that keeps scores from run to run")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    parts = []
    for path in sections(given.sections):
        parts.append(remember(scored(path, given.phases, given.seed), given.raw, KEYS))
    scores = parts[-1] if given.raw else pd.concat(parts, ignore_index=True)
    publish(
        [
            "# Does the Transformer earn its place?",
            "Made by `python benchmarks/transformer.py`: the same hold-out as benchmarks.md. The "
            "control corrects the same prior by a kernel regression on its factors.",
            f"{machine()}; {scores['phase'].nunique()} phases, seed {given.seed}",
            *(table(scores, metric) for metric in SCORES),
        ],
        given.out,
    )


if __name__ == "__main__":
    main()
