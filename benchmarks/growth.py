"""How time and memory grow with the section: 5,000, 20,000 and 80,000 synthetic spots.

    python benchmarks/growth.py [--methods ...] [--spots 5000 20000] [--out docs/growth.md]

Fit and prediction at twice the resolution, each in a process of its own. Memory is what the
process held beyond the imports. What grows no faster than the number of spots shows 1.0 in the
last two columns; ! marks more than 1.2.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
from machine import machine, markdown, publish, remember
from synthetic import measured

from stentrans import METHODS

KEYS = ("method", "asked", "genes")
MOST = 1.2


def grown(scores: pd.DataFrame) -> list[list[str]]:
    """Rows of one method, the smallest section first; per spot relative to that."""
    scores = scores.assign(
        held=scores["peak_gb"] - scores["imported_gb"], spots=scores["spots"].astype(int)
    ).sort_values("spots")
    rows = []
    first = scores.iloc[0]
    for _, one in scores.iterrows():
        times = one["total_s"] / one["spots"] / (first["total_s"] / first["spots"])
        held = one["held"] / one["spots"] / (first["held"] / first["spots"])
        rows.append(
            [
                str(one["method"]),
                f"{one['spots']:,}",
                f"{one['fit_s']:.1f} s",
                f"{one['total_s']:.1f} s ({one['cpu_s']:.1f} s)",
                f"{one['held']:.2f} GB",
                *(f"{share:.2f}{' !' if share > MOST else ''}" for share in (times, held)),
            ]
        )
    return rows


def main() -> None:
    """Measure and write one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--methods",
        nargs="+",
        default=["stentrans", "prior", "lowrank_kriging", "linear"],
        choices=list(METHODS),
    )
    parser.add_argument("--spots", nargs="+", type=int, default=[5_000, 20_000, 80_000])
    parser.add_argument("--genes", type=int, default=500)
    parser.add_argument("--raw", type=Path, help="CSV that keeps measurements from run to run")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    scores = pd.DataFrame()
    for method in given.methods:
        for n_spots in given.spots:
            found = measured(method, n_spots, given.genes)
            row = {"method": method, "asked": n_spots, "genes": given.genes} | found
            new = pd.DataFrame([row])
            scores = remember(new, given.raw, KEYS) if given.raw else pd.concat([scores, new])
    scores = scores[scores["genes"].astype(str) == str(given.genes)]
    header = ["method", "spots", "fit", "fit and x2 (CPU)", "memory beyond imports"]
    header += ["time per spot, relative", "memory per spot, relative"]
    rows = [
        row for name in scores["method"].unique() for row in grown(scores[scores["method"] == name])
    ]
    publish(
        [
            "# Growth",
            f"Made by `python benchmarks/growth.py`: synthetic sections of {given.genes} genes, "
            f"fit and prediction at twice the resolution. ! marks more than {MOST} x linear.",
            machine() + "; seed 0",
            markdown(header, rows),
        ],
        given.out,
    )


if __name__ == "__main__":
    main()
