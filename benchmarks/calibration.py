"""Do intervals hold what they promise? Coverage of 50, 80 and 95 % intervals at hidden spots.

    python benchmarks/calibration.py [--methods stentrans] [--out docs/calibration.md]

Two phases of the thinning; a measured log-normalised value of a hidden spot is covered if it lies
in the interval that the decoder gives for it. Genes are parted into ten groups by the share of
spots that they are seen in; the group that is farthest off is shown beside all genes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from machine import machine, markdown, publish, remember, sections

import stentrans
from stentrans.evaluation.preparation import prepare_to_score
from stentrans.evaluation.protocols import splits
from stentrans.preprocess import detected_share

LEVELS = {"coverage_50": 50, "coverage_80": 80, "coverage_95": 95}
KEYS = ("section", "method", "decile", "metric", "seed")
MOST_OFF, MOST_OFF_DECILE = 3.0, 7.0
"""Percentage points that all genes, and a decile of them, may be off."""


def covered(path: Path, methods: list[str], phases: int, seed: int) -> pd.DataFrame:
    """Mean coverage per method, detection decile (0: all genes) and level, in per cent."""
    section = stentrans.read(path)
    scores = stentrans.evaluate(section, methods=methods, repeats=phases, seed=seed)
    of_gene = scores[scores["metric"].isin(LEVELS) & scores["gene"].isin(section.var_names)]
    # By the kept spots: genes chosen by what the hidden ones show would be off by that choice.
    tissue, lattice = prepare_to_score(section)
    deciles = []
    for repeat, split in enumerate(splits(tissue.X, lattice, "thinning", phases, seed)):
        share = pd.Series(detected_share(split.seen), index=tissue.var_names)
        genes = of_gene.loc[of_gene["repeat"] == repeat, "gene"].unique()
        rank = np.ceil(share[genes].rank(method="first", pct=True) * 10).astype(int)
        deciles.append(pd.DataFrame({"repeat": repeat, "gene": genes, "decile": rank.to_numpy()}))
    of_gene = of_gene.merge(pd.concat(deciles), on=["repeat", "gene"])
    table = pd.concat([of_gene.assign(decile=0), of_gene])
    mean = table.groupby(["method", "decile", "metric"])["value"].mean() * 100
    return mean.reset_index().assign(section=path.stem, seed=seed)


def row(name: str, scores: pd.DataFrame) -> list[str]:
    """One section: coverage over all genes, and of the decile that is farthest off."""
    cells = [name]
    for metric, level in LEVELS.items():
        of_level = scores[scores["metric"] == metric]
        found = of_level.set_index(of_level["decile"].astype(int))["value"]
        deciles = found.drop(0)
        worst = deciles[(deciles - level).abs().idxmax()]
        is_off = abs(found[0] - level) > MOST_OFF or abs(worst - level) > MOST_OFF_DECILE
        cells.append(f"{found[0]:.1f} ({worst:.1f}){' !' if is_off else ''}")
    return cells


def main() -> None:
    """Measure and write one table per method."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--methods", nargs="+", default=["stentrans", "prior", "lowrank_kriging"])
    parser.add_argument("--sections", nargs="*", default=[], help="names; default: all")
    parser.add_argument("--phases", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--raw", type=Path, help="CSV that keeps scores from run to run")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    scores = pd.DataFrame()
    for path in sections(given.sections):
        new = covered(path, given.methods, given.phases, given.seed)
        scores = remember(new, given.raw, KEYS) if given.raw else pd.concat([scores, new])
    scores = scores[scores["seed"].astype(str) == str(given.seed)]
    parts = [
        "# Calibration",
        "Made by `python benchmarks/calibration.py`: per cent of measured values at hidden spots "
        "in intervals of 50, 80 and 95 %, over all genes seen in more than a tenth of the kept "
        "spots (in brackets: of the tenth of these genes, parted by detection, that is farthest "
        f"off). ! marks more than {MOST_OFF:.0f} points off, {MOST_OFF_DECILE:.0f} for a tenth.",
        f"{machine()}; {given.phases} phases, seed {given.seed}",
    ]
    for method in scores["method"].unique():
        of_method = scores[scores["method"] == method]
        rows = [row(str(name), part) for name, part in of_method.groupby("section")]
        levels = [f"{level} %" for level in LEVELS.values()]
        parts += [f"### {method}", markdown(["section", *levels], rows)]
    publish(parts, given.out)


if __name__ == "__main__":
    main()
