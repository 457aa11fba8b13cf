"""Time and memory of reading a full Visium section, and how well both are known before.

    python benchmarks/reading.py [--repeats 3] [--spots 4992] [--genes 18000] [--out FILE]

The section is made here: Poisson counts of waves on a full Visium array, written as Space Ranger
and others write it. Each reading is a process of its own; memory is what it takes beyond what was
in use before, imports included. The last row opens an AnnData file of 2 GB, most of it a layer
that is not needed. Timings depend on what else the machine does: rerun it idle.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from anndata import AnnData  # noqa: TID251  # what is read here has to be written first
from machine import ROOT, machine, markdown, publish
from scipy.io import mmwrite
from scipy.sparse import csc_matrix
from synthetic import counts, spots

TWO_GB = 2 * 10**9
READ = """
import json, sys, time, threading, psutil
from pathlib import Path
import stentrans
from stentrans.section import read
import anndata, h5py, pandas, scipy.io
process = psutil.Process()
kind, path = sys.argv[1:]
if kind == "h5":
    from stentrans.section.tenx import tenx_size
    expected = tenx_size(Path(path) / "filtered_feature_bc_matrix.h5").peak_bytes
elif kind == "mtx":
    from pathlib import Path
    from stentrans.section.matrix_market import market_size
    expected = market_size(Path(path) / "filtered_feature_bc_matrix/matrix.mtx").peak_bytes
else:
    from stentrans.section.count_places import matrix_size, places
    with h5py.File(path) as file:
        name = "counts" if "counts" in places(file) else "X"
        expected = matrix_size(file[places(file)[name][0]]).peak_bytes
before, peak, is_over = process.memory_info().rss, 0, False
def watch():
    global peak
    while not is_over:
        peak = max(peak, process.memory_info().rss)
        time.sleep(0.002)
thread = threading.Thread(target=watch)
thread.start()
start, used = time.perf_counter(), time.process_time()
section = read(path)
seconds, cpu = time.perf_counter() - start, time.process_time() - used
is_over = True
thread.join()
X = section.X
matrix, peak = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes, peak - before
found = {"seconds": seconds, "cpu": cpu, "peak": peak, "matrix": matrix, "expected": expected}
print(json.dumps(found))
"""


def made(n_spots: int, n_genes: int) -> AnnData:
    """A section full of spots with barcodes, ids and pixels."""
    array = spots(n_spots)
    section = AnnData(counts(array, n_genes))
    section.obs_names = [f"BARCODE{number:05d}-1" for number in range(len(array))]
    section.obs["in_tissue"], section.obs["array_row"], section.obs["array_col"] = 1, *array.T
    section.obsm["spatial"] = np.column_stack([array[:, 1] * 137.0, array[:, 0] * 237.3])
    section.var_names = [f"Gene{number}" for number in range(n_genes)]
    section.var["gene_ids"] = [f"ENSG{number:011d}" for number in range(n_genes)]
    return section


def write_outs(section: AnnData, folder: Path, *, as_market: bool = False) -> Path:
    """Write the parts of a Space Ranger folder that are needed, compressed as it does."""
    (folder / "spatial").mkdir(parents=True)
    frame = section.obs.assign(
        pxl_row_in_fullres=section.obsm["spatial"][:, 1].astype(int),
        pxl_col_in_fullres=section.obsm["spatial"][:, 0].astype(int),
    )
    frame.to_csv(folder / "spatial/tissue_positions.csv", index_label="barcode")
    by_gene = csc_matrix(section.X.T)
    if as_market:
        home = folder / "filtered_feature_bc_matrix"
        home.mkdir()
        mmwrite(home / "matrix.mtx", by_gene.astype(np.int32))
        pd.Series(section.obs_names).to_csv(home / "barcodes.tsv", index=False, header=False)
        genes = pd.DataFrame({"id": section.var["gene_ids"], "name": section.var_names})
        genes.to_csv(home / "features.tsv", sep="\t", index=False, header=False)
        return folder
    packed = {"compression": "gzip", "compression_opts": 4, "chunks": (min(80_000, by_gene.nnz),)}
    with h5py.File(folder / "filtered_feature_bc_matrix.h5", "w") as file:
        group = file.create_group("matrix")
        group.create_dataset("data", data=by_gene.data.astype(np.int32), **packed)
        group.create_dataset("indices", data=by_gene.indices.astype(np.int64), **packed)
        group["indptr"] = by_gene.indptr.astype(np.int64)
        group["shape"] = np.array(by_gene.shape, np.int32)
        group["barcodes"] = np.array(section.obs_names, dtype="S")
        features = group.create_group("features")
        features["id"] = np.array(section.var["gene_ids"], dtype="S")
        features["name"] = np.array(section.var_names, dtype="S")
        features["feature_type"] = np.array(["Gene Expression"] * section.n_vars, dtype="S")
        features["genome"] = np.array(["MADE1"] * section.n_vars, dtype="S")
    return folder


def write_large(section: AnnData, path: Path) -> Path:
    """Write an AnnData file of 2 GB: the section, and numbers that no reader needs."""
    section.write_h5ad(path)
    n_rows = -(-TWO_GB // (8 * 2**20))
    with h5py.File(path, "a") as file:
        held = file.create_dataset("uns/embedding", (n_rows, 2**20), "f8")
        block = np.random.default_rng(0).normal(size=2**20)
        for row in range(n_rows):
            held[row] = block
    return path


def measured(kind: str, path: Path, repeats: int) -> dict[str, float]:
    """Medians of readings of one file, each in a process of its own."""
    runs = []
    for _ in range(repeats):
        command = [sys.executable, "-c", READ, kind, str(path)]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        runs.append(json.loads(done.stdout))
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def row(title: str, found: dict[str, float], limit: str) -> list[str]:
    """One line of the table."""
    return [
        title,
        f"{found['seconds']:.1f} s ({found['cpu']:.1f} s of one core)",
        f"{found['matrix'] / 1e6:.0f} MB",
        f"{found['peak'] / 1e6:.0f} MB",
        f"{found['peak'] / found['matrix']:.2f} x",
        f"{found['expected'] / 1e6:.0f} MB",
        f"{found['expected'] / found['peak'] - 1:+.0%}",
        limit,
    ]


def main() -> None:
    """Write the files, read them, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--spots", type=int, default=4992)
    parser.add_argument("--genes", type=int, default=18_000)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    section = made(given.spots, given.genes)
    density = section.X.nnz / (section.n_obs * section.n_vars)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        limit = "5 s, 3 x, 30 %"
        path = write_outs(section, home / "h5")
        rows.append(row("Space Ranger folder, h5", measured("h5", path, given.repeats), limit))
        path = write_outs(section, home / "mtx", as_market=True)
        rows.append(row("the same as mtx", measured("mtx", path, given.repeats), "30 %"))
        section.write_h5ad(home / "plain.h5ad")
        found = measured("h5ad", home / "plain.h5ad", given.repeats)
        rows.append(row("the same as h5ad", found, "30 %"))
        dense = AnnData(section.X.toarray(), section.obs, section.var, obsm=dict(section.obsm))
        dense.write_h5ad(home / "dense.h5ad")
        found = measured("h5ad", home / "dense.h5ad", given.repeats)
        rows.append(row("the same as h5ad, dense", found, "30 %"))
        large = write_large(section, home / "large.h5ad")
        found = measured("h5ad", large, given.repeats)
        title = f"h5ad of {large.stat().st_size / 1e9:.1f} GB by path, most of it not needed"
        rows.append(row(title, found, "never read whole"))
    header = [
        "what",
        "time (busy)",
        "sparse matrix",
        "peak",
        "peak / matrix",
        "told before",
        "off by",
    ]
    title = f"{section.n_obs:,} spots x {section.n_vars:,} genes, {density:.0%} of values not 0"
    parts = [
        "# Reading",
        "Made by `python benchmarks/reading.py`: time, and memory beyond what was in use before.",
        f"{machine()}; {title}; medians of {given.repeats}",
        markdown([*header, "at most"], rows),
    ]
    publish(parts, given.out)


if __name__ == "__main__":
    main()
