"""Strict hold-out of the methods on real sections, by the score that is kept apart from us.

    python benchmarks/accuracy.py [--phases 2] [--methods prior stentrans] [--out FILE]

Runs ../shared/bench/strict.py on every section in ../shared/data that has enough genes.
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
from machine import ROOT, SHARED, machine, markdown

REFERENCE = "lowrank_kriging_ref"
TOO_FEW_GENES = "visium_mouse_brain_coronal_allspots100g"
SCORES = {
    "pcc_adjusted": "Depth-adjusted correlation",
    "pcc_mean": "Log-normalised correlation",
    "deviance_explained": "Share of Poisson deviance explained",
}


def scored(methods: list[str], phases: int, seed: int, sections: list[Path]) -> pd.DataFrame:
    """One row per section, phase and method."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "scores.json"
        command = [sys.executable, str(SHARED / "bench" / "strict.py"), *map(str, sections)]
        command += ["--methods", REFERENCE, *methods, "--phases", str(phases)]
        command += ["--seed", str(seed), "--json", str(out)]
        subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
        return pd.DataFrame(json.loads(out.read_text()))


def table(scores: pd.DataFrame, score: str, methods: list[str]) -> str:
    """One score: sections down, methods across, the ratio to the reference behind each."""
    wide = scores.pivot_table(index="section", columns="method", values=score, sort=False)
    show_ratio = score != "deviance_explained"  # it may be negative, where ratios mean nothing
    rows = []
    for section, values in wide.iterrows():
        cells = [f"{values[REFERENCE]:.4f}"]
        for method in methods:
            ratio = f" ({values[method] / values[REFERENCE]:.2f} x)" if show_ratio else ""
            cells.append(f"{values[method]:.4f}{ratio}")
        rows.append([str(section), *cells])
    last = [f"{wide[REFERENCE].mean():.4f}"]
    for method in methods:
        mean = f"{wide[method].mean():.4f}"
        if show_ratio:
            logs = np.log((wide[method] / wide[REFERENCE]).clip(lower=1e-3))
            mean += f" ({np.exp(logs.mean()):.2f} x)"
        last.append(mean)
    rows.append(["**mean (geometric mean of the ratios)**", *last])
    return f"### {SCORES[score]}\n\n" + markdown(["section", REFERENCE, *methods], rows)


def main() -> None:
    """Score and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--methods", nargs="+", default=["nearest", "linear", "prior", "stentrans"])
    parser.add_argument("--phases", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sections", nargs="*", type=Path)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    found = sorted((SHARED / "data").glob("*.h5ad"))
    sections = given.sections or [path for path in found if path.stem != TOO_FEW_GENES]
    scores = scored(given.methods, given.phases, given.seed, sections)
    parts = [
        "# Benchmarks",
        "Made by `python benchmarks/accuracy.py`: three spots in four are hidden, only they are "
        "scored, and a method sees nothing of them.",
        f"{machine()}; {given.phases} phases, seed {given.seed}",
        *(table(scores, score, given.methods) for score in SCORES),
    ]
    text = "\n\n".join(parts) + "\n"
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
