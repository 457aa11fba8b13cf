"""The published protocol on real sections: the same pair is trained and scored. No hold-out.

    python benchmarks/published.py [--sections NAME ...] [--methods NAME ...] [--out FILE]

For comparison with published numbers only (see `stentrans.evaluation.published`).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from machine import machine, markdown, publish, sections

import stentrans
from stentrans.evaluation.published import METRIC

METHODS = ("stentrans", "lowrank_kriging", "nedi", "cubic", "linear", "nearest")


def main() -> None:
    """Score and print a Markdown table: a row per section, means over genes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sections", nargs="+", default=())
    parser.add_argument("--methods", nargs="+", default=METHODS)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    found: list[list[float]] = []
    files = sections(given.sections)
    for file in files:
        section = stentrans.read(file)
        scores = stentrans.evaluate(section, methods=tuple(given.methods), protocol="published")
        means = scores[scores["metric"] == METRIC].groupby("method")["value"].mean()
        found.append([float(means[method]) for method in given.methods])
    rows = [
        [file.stem, *(f"{value:.4f}" for value in values)]
        for file, values in zip(files, found, strict=True)
    ]
    means_of_all = [sum(values) / len(found) for values in zip(*found, strict=True)]
    rows.append(["**mean**", *(f"{value:.4f}" for value in means_of_all)])
    publish(
        [
            "# Published protocol",
            "Made by `python benchmarks/published.py`: correlation of raw counts over all spots, "
            "those that a method was given included. It rewards memory and says nothing about "
            "unseen spots: linear interpolation, which learns nothing, is above most methods. Kept "
            "to compare with published numbers; scores on hidden spots are in "
            "[accuracy](benchmarks.md).",
            machine(),
            markdown(["section", *given.methods], rows),
        ],
        given.out,
    )


if __name__ == "__main__":
    main()
