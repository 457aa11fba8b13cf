"""Seconds and extra memory of exports, each in a process of its own.

    python benchmarks/exporting.py [--out docs/exporting.md] [--run FOLDER]

A result of 20,000 sites x 18,000 genes is made once from a synthetic section (synthetic.py),
saved, and loaded by every export; the extra memory is the peak above that after loading. ``--run``
names a folder where such a result lies or will be kept. Needs about 10 GB of disk for a while.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
from machine import ROOT, machine, markdown, publish
from synthetic import counts, spots

N_SPOTS, N_GENES, FACTOR = 5_120, 18_000, 2
METHOD = "prior"
EXPORTS = (
    (".h5ad", None, "1 GB"),
    (".h5ad", 500, ""),
    (".parquet", 500, ""),
    (".csv", 500, ""),
    (".zip", 500, ""),
    (".long.csv", 50, ""),
    (".zarr.zip", 500, ""),
)
"""Format, number of genes (None: all), and the most extra memory it may take."""


def make(folder: Path) -> None:
    """Enhance a synthetic section and save the result."""
    import anndata as ad  # noqa: TID251 - a section as a user hands it over

    import stentrans

    array = spots(N_SPOTS)
    obs = pd.DataFrame(
        {"array_row": array[:, 0], "array_col": array[:, 1]},
        index=[f"SPOT{number:05d}-1" for number in range(len(array))],
    )
    var = pd.DataFrame(index=[f"GENE{number:05d}" for number in range(N_GENES)])
    section = ad.AnnData(counts(array, N_GENES), obs=obs, var=var)
    section.obsm["spatial"] = np.column_stack([array[:, 1] * 68.5, array[:, 0] * 118.6]) + 900.0
    rng = np.random.default_rng(0)
    images = {"hires": rng.integers(0, 255, (2000, 1900, 3)).astype(np.uint8)}
    scale = {"tissue_hires_scalef": 0.2, "spot_diameter_fullres": 90.0}
    section.uns["spatial"] = {"slide": {"images": images, "scalefactors": scale, "metadata": {}}}
    stentrans.enhance(section, method=METHOD, factor=FACTOR).save(folder)


def export_once(run: Path, suffix: str, n_genes: int | None) -> dict[str, float]:
    """Write one file in this process; times, extra memory and size in MB, longest wait."""
    import stentrans
    from stentrans import export

    enhancement = stentrans.Enhancement.load(run)
    process, told = psutil.Process(), [time.perf_counter()]
    base = peak = process.memory_info().rss
    is_over = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not is_over.wait(0.02):
            peak = max(peak, process.memory_info().rss)

    threading.Thread(target=watch, daemon=True).start()
    genes = None if n_genes is None else list(enhancement.genes[:n_genes])
    with tempfile.TemporaryDirectory() as folder:
        started, worked = time.perf_counter(), time.process_time()
        path = Path(folder) / f"result{suffix}"
        export.write(
            enhancement, path, genes, on_progress=lambda _: told.append(time.perf_counter())
        )
        seconds, cpu_s = time.perf_counter() - started, time.process_time() - worked
        is_over.set()
        size = sum(one.stat().st_size for one in Path(folder).iterdir())
    contents = export.Contents.of(enhancement, genes)
    return {
        "sites": contents.shape[0],
        "genes": contents.shape[1],
        "seconds": seconds,
        "cpu_s": cpu_s,
        "extra_mb": (peak - base) / 1e6,
        "size_mb": size / 1e6,
        "estimate_mb": export.FORMATS[suffix].size(contents) / 1e6,
        "longest_wait_s": float(np.diff(told).max()),
    }


def measured(run: Path, suffix: str, n_genes: int | None) -> dict[str, float]:
    """Run this script in a process that writes one file and nothing else."""
    command = [sys.executable, str(Path(__file__)), "--run", str(run), "--one", suffix]
    command += [] if n_genes is None else ["--genes", str(n_genes)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--one", metavar="SUFFIX", help=argparse.SUPPRESS)
    parser.add_argument("--genes", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    if given.one is not None:
        sys.stdout.write(json.dumps(export_once(given.run, given.one, given.genes)) + "\n")
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        run = given.run or Path(folder) / "run"
        if not run.is_dir():
            make(run)
        for suffix, n_genes, most in EXPORTS:
            found = measured(run, suffix, n_genes)
            rows.append(
                [
                    f"`{suffix}`",
                    f"{found['sites']:,.0f} x {found['genes']:,.0f}",
                    f"{found['seconds']:.0f} s",
                    f"{found['cpu_s']:.0f} s",
                    f"{found['extra_mb']:,.0f} MB",
                    most,
                    f"{found['size_mb']:,.0f} MB",
                    f"{found['estimate_mb']:,.0f} MB",
                    f"{found['longest_wait_s']:.1f} s",
                ]
            )
    header = ["format", "sites x genes", "time", "of a processor", "extra memory", "at most"]
    header += ["size", "as the page estimates", "longest time between two reports"]
    publish(
        [
            "# Exports",
            "Made by `python benchmarks/exporting.py`: writing, reading again and comparing. Extra "
            "memory is the peak above what the loaded result takes. A cancelled export stops at "
            "its next report. Where other work runs on the machine, the time of a processor says "
            "more than the time on the clock.",
            machine(),
            markdown(header, rows),
        ],
        given.out,
    )


if __name__ == "__main__":
    main()
