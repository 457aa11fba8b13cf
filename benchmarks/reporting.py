"""Time, memory and size of reports of 20 genes: a full Visium section, and real ones.

    python benchmarks/reporting.py [--real] [--genes 18000] [--out docs/reporting.md]

The full Visium section is simulated (synthetic.py), enhanced and tested by a quick
method: a report takes as long whatever the method was. ``--real`` adds two sections of
../shared/data by the default method, which takes minutes. What is timed is the report alone; the
fits that it tells of come before.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from anndata import AnnData  # noqa: TID251  # a benchmark makes its own section
from machine import SHARED, machine, markdown, publish
from synthetic import VISIUM, counts, spots

import stentrans
from stentrans.evaluation import hidden_folds
from stentrans.report.recipe import Recipe
from stentrans.report.results import Results
from stentrans.report.story import story_of
from stentrans.report.writing import write_report

N_GENES = 20
VISIUM_GENES = 18_000
QUICK = "linear"
REAL = ("st_human_melanoma_mel1_rep1", "visium_mouse_muscle_Vis7B_5dpi")
LIMITS = {".html": "30 s, 15 MB", ".pptx": "30 s"}


def full_visium(n_genes: int) -> AnnData:
    """A section with every spot of a Visium slide on tissue; genes are waves across it."""
    array = spots(VISIUM[0] * VISIUM[1])
    made = AnnData(counts(array, n_genes))
    made.obs["array_row"], made.obs["array_col"] = array.T
    made.obs["in_tissue"] = 1
    made.obs_names = [f"{row}x{col}" for row, col in array.tolist()]
    made.var_names = [f"Gene{number:05d}" for number in range(n_genes)]
    return made


def rows_of(title: str, section: AnnData, method: str) -> list[list[str]]:
    """Time and size of both kinds of report of one section."""
    enhancement = stentrans.enhance(section, method=method)
    held_out = hidden_folds(section, method=method)
    genes = [str(gene) for gene in held_out.scores["pearson"].nlargest(N_GENES).index]
    rows = []
    with TemporaryDirectory() as folder:
        for suffix, limit in LIMITS.items():
            target = Path(folder) / f"report{suffix}"
            start, busy = time.perf_counter(), time.process_time()
            results = Results.of(enhancement, held_out=held_out)
            recipe = Recipe.of(enhancement.provenance, f"{title}.h5ad")
            write_report(story_of(title, results, genes, recipe=recipe), target)
            seconds, cpu = time.perf_counter() - start, time.process_time() - busy
            size = target.stat().st_size / 1e6
            sites = f"{len(enhancement.sites):,}"
            times = f"{seconds:.1f} s", f"{cpu:.1f} s"
            rows.append([title, suffix, sites, *times, f"{size:.1f} MB", limit])
    return rows


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--genes", type=int, default=VISIUM_GENES)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    title = f"full Visium ({VISIUM[0] * VISIUM[1]:,} spots, {given.genes:,} genes, simulated)"
    rows = rows_of(title, full_visium(given.genes), QUICK)
    if given.real:
        for name in REAL:
            section = stentrans.read(SHARED / "data" / f"{name}.h5ad")
            rows += rows_of(name, section, "stentrans")
    unit = 1e9 if sys.platform == "darwin" else 1e6  # ru_maxrss: bytes there, kilobytes elsewhere
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    columns = ["section", "kind", "sites", "time", "of the processor", "size", "at most"]
    publish(
        [
            "# Reports",
            f"Made by `python benchmarks/reporting.py`: reports of {N_GENES} genes at twice the "
            "resolution, three maps each, scores and null included; the fits come before and are "
            f"not timed. Peak memory of everything, fits included: {peak:.1f} GB.",
            machine(),
            markdown(columns, rows),
        ],
        given.out,
    )


if __name__ == "__main__":
    main()
