"""Time and peak memory of whole runs, of a full Visium section, the import, and the lattice.

    python benchmarks/speed.py [--repeats 3] [--out docs/speed.md]

Each run is a process of its own; medians over the repeats. Needs ../shared/data. The full Visium
section is synthetic (synthetic.py): fit and prediction at twice the resolution, then one gene at
a time. ``--visium N`` repeats it N times, 0 leaves it out.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from machine import ROOT, SHARED, machine, markdown, publish
from synthetic import VISIUM
from synthetic import measured as measured_synthetic

RUNS = {
    "melanoma ST, all genes, x2": ("st_human_melanoma_mel1_rep1", "10 s"),
    "Visium muscle, all genes, x2": ("visium_mouse_muscle_Vis7B_5dpi", "30 s"),
}
VISIUM_GENES = 18_000
IMPORT = "import stentrans"
LATTICE = """
import time
import numpy as np
from stentrans.lattice import enhanced_sites, fit_lattice
row, place = np.meshgrid(np.arange(78), np.arange(64), indexing="ij")
array = np.column_stack([row.ravel(), (2 * place + row % 2).ravel()])
start = time.perf_counter()
enhanced_sites(fit_lattice(array), 4)
print(time.perf_counter() - start)
"""


def measured(command: list[str]) -> tuple[float, float]:
    """Seconds and peak memory in GB of one command, in a process that runs nothing else."""
    watch = (
        "import resource, subprocess, sys, time\n"
        "start = time.perf_counter()\n"
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL,"
        " stderr=subprocess.DEVNULL)\n"
        "peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss\n"
        "print(time.perf_counter() - start, peak)\n"
    )
    with tempfile.TemporaryDirectory() as home:  # a store of its own: nothing is there already
        done = subprocess.run(
            [sys.executable, "-c", watch, *command],
            check=True,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=os.environ | {"STENTRANS_HOME": home},
        )
    seconds, peak = done.stdout.split()
    unit = 1e9 if sys.platform == "darwin" else 1e6  # ru_maxrss: bytes there, kilobytes elsewhere
    return float(seconds), float(peak) / unit


def median_of(command: list[str], repeats: int) -> tuple[float, float]:
    """Median seconds and memory."""
    runs = [measured(command) for _ in range(repeats)]
    return statistics.median(r[0] for r in runs), statistics.median(r[1] for r in runs)


def full_visium(repeats: int) -> list[list[str]]:
    """Rows of the largest section that people have; its method is the default one."""
    if not repeats:
        return []
    n_spots = VISIUM[0] * VISIUM[1]
    runs = [measured_synthetic("stentrans", n_spots, VISIUM_GENES) for _ in range(repeats)]
    middle = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    title = f"full Visium ({n_spots:,} x {VISIUM_GENES:,}, simulated)"
    times = f"{middle['total_s']:.1f} s (fit {middle['fit_s']:.1f} s)"
    return [
        [f"{title}, all genes, x2", times, f"{middle['peak_gb']:.2f} GB", "60 s, 2 GB"],
        [f"{title}, x2, map of one more gene", f"{1e3 * middle['map_s']:.1f} ms", "", "50 ms"],
    ]


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--visium", type=int, default=1)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    repeats = given.repeats
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for title, (name, most) in RUNS.items():
            section = str(SHARED / "data" / f"{name}.h5ad")
            command = [sys.executable, "-m", "stentrans", "enhance", section, "--out-dir", folder]
            seconds, memory = median_of(command, repeats)
            rows.append([title, f"{seconds:.1f} s", f"{memory:.2f} GB", most])
            for written in Path(folder).iterdir():
                written.unlink()
    rows += full_visium(given.visium)
    empty, _ = median_of([sys.executable, "-c", "pass"], max(repeats, 5))
    loaded, _ = median_of([sys.executable, "-c", IMPORT], max(repeats, 5))
    rows.append([f"`{IMPORT}`", f"{loaded - empty:.3f} s", "", "0.3 s"])
    done = subprocess.run(
        [sys.executable, "-c", LATTICE], check=True, capture_output=True, text=True, cwd=ROOT
    )
    rows.append(["full Visium (78 x 128), sites x4", f"{float(done.stdout):.3f} s", "", "1 s"])
    table = markdown(["what", "time", "peak memory", "at most"], rows)
    publish(
        [
            "# Speed",
            "Made by `python benchmarks/speed.py`: whole commands, start and files included; the "
            "full Visium section without them.",
            f"{machine()}; medians of {repeats}, full Visium of {given.visium}",
            table,
        ],
        given.out,
    )


if __name__ == "__main__":
    main()
