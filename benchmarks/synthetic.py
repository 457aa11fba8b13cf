"""One method on one synthetic section, in a process of its own: seconds and memory as JSON.

    python benchmarks/synthetic.py --method stentrans --spots 4992 --genes 18000

A hexagonal lattice full of spots; genes are waves across it with Poisson counts. Called by
growth.py and speed.py.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from machine import ROOT
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from stentrans.lattice import enhanced_sites, fit_lattice
from stentrans.methods.base import FitOptions
from stentrans.methods.registry import METHODS, load

VISIUM = (78, 64)
SPOTS_AT_ONCE = 100
LEVELS = (0.01, 3.0)  # mean counts of the rarest and the commonest gene
N_MAPS = 21


def spots(about: int) -> NDArray[np.int64]:
    """About so many array positions, in the proportions of a Visium slide."""
    n_rows = round((about * VISIUM[0] / VISIUM[1]) ** 0.5)
    row, place = np.meshgrid(np.arange(n_rows), np.arange(round(about / n_rows)), indexing="ij")
    return np.column_stack([row.ravel(), (2 * place + row % 2).ravel()])


def counts(array: NDArray[np.int64], n_genes: int, seed: int = 0) -> csr_matrix:
    """Poisson counts of waves about twenty spots long, the same for a spot in any section."""
    rng = np.random.default_rng(seed)
    waves = rng.normal(size=(2, n_genes)) * 0.15
    phase, levels = (
        rng.uniform(0, 2 * np.pi, n_genes),
        rng.permutation(np.geomspace(*LEVELS, n_genes)),
    )
    parts = []
    for start in range(0, len(array), SPOTS_AT_ONCE):
        part = array[start : start + SPOTS_AT_ONCE]
        depth = rng.lognormal(0, 0.4, (len(part), 1))
        rate = depth * levels * np.exp(0.8 * np.sin(part @ waves + phase))
        parts.append(csr_matrix(rng.poisson(rate).astype(np.float32)))
    return vstack(parts, format="csr")


def measured(method: str, n_spots: int, n_genes: int) -> dict[str, float]:
    """Run this script in a process that does nothing else.

    Raises
    ------
    subprocess.CalledProcessError
        If the method fails.
    """
    command = [sys.executable, str(Path(__file__)), "--method", method]
    command += ["--spots", str(n_spots), "--genes", str(n_genes)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def peak_gb() -> float:
    """Most memory that this process has held so far."""
    unit = 1e9 if sys.platform == "darwin" else 1e6  # ru_maxrss: bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def main() -> None:
    """Fit, predict at twice the resolution, decode some genes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", default="stentrans", choices=list(METHODS))
    parser.add_argument("--spots", type=int, default=VISIUM[0] * VISIUM[1])
    parser.add_argument("--genes", type=int, default=500)
    given = parser.parse_args()
    method = load(given.method)
    imported = peak_gb()
    array = spots(given.spots)
    lattice, drawn = fit_lattice(array), counts(array, given.genes)
    start, worked = time.perf_counter(), time.process_time()
    fitted = method.fit(drawn, lattice, FitOptions())
    fit_s = time.perf_counter() - start
    sites = enhanced_sites(lattice, 2).array
    prediction = fitted.predict(sites)
    total_s, cpu_s = time.perf_counter() - start, time.process_time() - worked
    peak, maps = peak_gb(), []
    for gene in np.linspace(0, given.genes - 1, N_MAPS).astype(np.int64):
        start = time.perf_counter()
        fitted.decoder.decode(prediction, np.array([gene]), "composition")
        maps.append(time.perf_counter() - start)
    found = {"spots": len(array), "sites": len(sites), "fit_s": fit_s, "total_s": total_s}
    found |= {
        "cpu_s": cpu_s,
        "imported_gb": imported,
        "peak_gb": peak,
        "map_s": statistics.median(maps),
    }
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
