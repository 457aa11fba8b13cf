"""Round holes: five per section, each a tenth of the spots, filled from what is around them.

    python benchmarks/gaps.py [--methods stentrans prior lowrank_kriging] [--out docs/gaps.md]

Every method is compared with the last one, the reference.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from machine import machine, markdown, publish, remember, sections

import stentrans

SCORES = {
    "log_normalised": "Log-normalised correlation",
    "depth_adjusted": "Depth-adjusted correlation",
    "deviance_explained": "Share of Poisson deviance explained",
}
KEYS = ("section", "method", "repeat", "metric", "seed")


def filled(path: Path, methods: list[str], holes: int, seed: int) -> pd.DataFrame:
    """Mean score per method, hole and metric."""
    section = stentrans.read(path)
    scores = stentrans.evaluate(
        section, methods=methods, protocol="holes", repeats=holes, seed=seed
    )
    kept = scores[scores["metric"].isin(SCORES)]
    mean = kept.groupby(["method", "repeat", "metric"])["value"].mean()
    return mean.reset_index().assign(section=path.stem, seed=seed)


def table(scores: pd.DataFrame, metric: str, methods: list[str]) -> str:
    """One score: sections down, methods across; the ratio to the last method behind each."""
    wide = scores[scores["metric"] == metric].pivot_table(
        index="section", columns="method", values="value"
    )
    show_ratio = metric != "deviance_explained"  # it may be negative, where ratios mean nothing
    ratio = wide.div(wide[methods[-1]], axis=0)
    overall = np.exp(np.log(ratio.clip(lower=1e-3)).mean())
    rows = [
        [
            str(section),
            *(_cell(values[m], ratio.loc[section, m], show_ratio=show_ratio) for m in methods),
        ]
        for section, values in wide.iterrows()
    ]
    last = [_cell(wide[m].mean(), overall[m], show_ratio=show_ratio) for m in methods]
    rows.append(["**mean (geometric mean of the ratios)**", *last])
    return f"### {SCORES[metric]}\n\n" + markdown(["section", *methods], rows)


def _cell(value: float, ratio: float, *, show_ratio: bool) -> str:
    """A score with its ratio; empty where it was not measured."""
    if np.isnan(value):
        return ""
    return f"{value:.4f} ({ratio:.2f} x)" if show_ratio else f"{value:.4f}"


def all_methods(scores: pd.DataFrame, asked: list[str]) -> list[str]:
    """Methods of earlier runs, then those of this one, whose last is the reference."""
    return [name for name in scores["method"].unique() if name not in asked] + asked


def main() -> None:
    """Measure and write one table per score."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--methods", nargs="+", default=["stentrans", "prior", "lowrank_kriging"])
    parser.add_argument("--sections", nargs="*", default=[], help="names; default: all")
    parser.add_argument("--holes", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--raw", type=Path, help="CSV that keeps scores from run to run")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    scores = pd.DataFrame()
    for path in sections(given.sections):
        new = filled(path, given.methods, given.holes, given.seed)
        scores = remember(new, given.raw, KEYS) if given.raw else pd.concat([scores, new])
    scores = scores[scores["seed"].astype(str) == str(given.seed)]
    methods = all_methods(scores, given.methods)
    publish(
        [
            "# Gaps",
            "Made by `python benchmarks/gaps.py`: a round hole of a tenth of the spots is hidden "
            f"and filled, {given.holes} times per section; ratios to {given.methods[-1]}.",
            f"{machine()}; seed {given.seed}",
            *(table(scores, metric, methods) for metric in SCORES),
        ],
        given.out,
    )


if __name__ == "__main__":
    main()
