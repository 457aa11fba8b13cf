"""Whether the Transformer earns its place: prior, a kernel control, and stentrans side by side.

    python benchmarks/transformer.py [--sections ...] [--phases 2] [--raw FILE] [--out FILE]

The control corrects the prior by what spots with similar kriged factors really showed: a kernel
regression on the factors, gated per factor by unseen spots; `stentrans` before any training.
Trained attention must do better than that to be worth its training. Hold-out as in accuracy.py.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from machine import machine, markdown, publish, remember, sections

import stentrans
from stentrans.evaluation.preparation import prepare_hold_out, prepare_to_score
from stentrans.evaluation.protocols import splits
from stentrans.evaluation.scoring import score
from stentrans.methods.base import FitOptions
from stentrans.methods.registry import load

KEYS = ("section", "phase", "method", "metric", "seed")
SCORES = {
    "depth_adjusted": "Depth-adjusted correlation",
    "log_normalised": "Log-normalised correlation",
    "deviance_explained": "Share of Poisson deviance explained",
}
NAMES = ("prior", "kernel", "stentrans")


def scored(path: Path, phases: int, seed: int) -> pd.DataFrame:
    """Score all three on some phases of one section."""
    tissue, lattice = prepare_to_score(stentrans.read(path))
    block = np.zeros(lattice.n_spots, np.int64)
    rows = []
    for phase, split in enumerate(splits(tissue.X, lattice, "thinning", phases, seed)):
        hold_out = prepare_hold_out(split, lattice, block=block, seed=seed)
        for name in NAMES:
            fitted = load(name).fit(hold_out.seen, hold_out.shown, FitOptions(seed=seed))
            found = score(fitted, hold_out)
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
            "control corrects the same prior by a kernel regression on its factors and trains "
            "nothing.",
            f"{machine()}; {scores['phase'].nunique()} phases, seed {given.seed}",
            *(table(scores, metric) for metric in SCORES),
        ],
        given.out,
    )


if __name__ == "__main__":
    main()
