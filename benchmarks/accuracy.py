"""Strict hold-out of the methods on real sections, by the score that is kept apart from us.

    python benchmarks/accuracy.py [--methods ...] [--raw FILE] [--out docs/benchmarks.md]

Runs ../shared/bench/strict.py on every section in ../shared/data that has enough genes. With
``--raw scores.csv`` the scores are kept, one method and section at a time, and the tables are
made from all that the file holds: slow methods can be measured one by one, and an interrupted
run goes on where it stopped with ``--missing``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from machine import ROOT, SHARED, machine, markdown, publish, remember, sections

from stentrans import METHODS

REFERENCE = "lowrank_kriging_ref"
KEYS = ("section", "phase", "method", "seed")
SCORES = {
    "pcc_adjusted": "Depth-adjusted correlation",
    "pcc_mean": "Log-normalised correlation",
    "deviance_explained": "Share of Poisson deviance explained",
}
RATIOS = ("pcc_adjusted", "pcc_mean")  # deviance may be negative, where ratios mean nothing


def scored(method: str, section: Path, phases: int, seed: int) -> pd.DataFrame:
    """One row per phase."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "scores.json"
        command = [sys.executable, str(SHARED / "bench" / "strict.py"), str(section)]
        command += ["--methods", method, "--phases", str(phases)]
        command += ["--seed", str(seed), "--json", str(out)]
        env = os.environ | {"PYTHONPATH": str(ROOT)}
        subprocess.run(command, check=True, env=env, stdout=sys.stderr)
        return pd.DataFrame(json.loads(out.read_text())).assign(seed=seed)


def table(scores: pd.DataFrame, score: str, methods: list[str]) -> str:
    """One score: sections down, methods across, the ratio to the reference behind each."""
    wide = scores.pivot_table(index="section", columns="method", values=score)
    rows = []
    for section, values in wide.iterrows():
        cells = [f"{values[REFERENCE]:.4f}"]
        for method in methods:
            ratio = f" ({values[method] / values[REFERENCE]:.2f} x)" if score in RATIOS else ""
            is_there = pd.notna(values[method])
            cells.append(f"{values[method]:.4f}{ratio}" if is_there else "")
        rows.append([str(section), *cells])
    last = [f"{wide[REFERENCE].mean():.4f}"]
    for method in methods:
        mean = f"{wide[method].mean():.4f}"
        ratios = (wide[method] / wide[REFERENCE]).dropna()
        if score in RATIOS and (ratios > 0).all():  # below 0 a ratio means nothing
            mean += f" ({np.exp(np.log(ratios).mean()):.2f} x)"
        if wide[method].isna().any():
            mean += f" on {int(wide[method].notna().sum())}"
        last.append(mean)
    rows.append(["**mean (geometric mean of the ratios)**", *last])
    return f"### {SCORES[score]}\n\n" + markdown(["section", REFERENCE, *methods], rows)


def collect(given: argparse.Namespace) -> pd.DataFrame:
    """Measure what was asked for, keeping every piece as soon as it is there."""
    known = given.raw is not None and given.raw.is_file()
    scores = pd.read_csv(given.raw, dtype=dict.fromkeys(KEYS, str)) if known else pd.DataFrame()
    for section in sections(given.sections):
        for method in dict.fromkeys([REFERENCE, *given.methods]):
            if given.missing and len(scores):
                have = scores[(scores["section"] == section.stem) & (scores["method"] == method)]
                if (have["seed"] == str(given.seed)).sum() >= given.phases:
                    continue
            new = scored(method, section, given.phases, given.seed)
            if given.raw:
                scores = remember(new, given.raw, KEYS)
            else:
                scores = pd.concat([scores, new], ignore_index=True)
    return scores[scores["seed"].astype(str) == str(given.seed)]


def main() -> None:
    """Score and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--sections", nargs="*", default=[], help="names; default: all")
    parser.add_argument("--phases", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--raw", type=Path, help="CSV that keeps scores from run to run")
    parser.add_argument("--missing", action="store_true", help="skip what --raw already holds")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    scores = collect(given)
    methods = [name for name in METHODS if name in set(scores["method"])]
    phases = scores["phase"].nunique()
    publish(
        [
            "# Benchmarks",
            "Made by `python benchmarks/accuracy.py`: three spots in four are hidden, only they "
            "are scored, and a method sees nothing of them.",
            f"{machine()}; {phases} phases, seed {given.seed}",
            *(table(scores, score, methods) for score in SCORES),
        ],
        given.out,
    )


if __name__ == "__main__":
    main()
