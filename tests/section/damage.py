"""Small files of every binary format, and damaged copies of them."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from stentrans.section import simulate
from tests.section.writers import Lab, write_bins, write_triplet

FORMATS: Final = (
    "h5ad", "h5", "table.gz", "mtx.gz", "zip", "tar.gz", "tar", "parquet", "png"
)  # fmt: skip


def write_format(name: str, folder: Path) -> tuple[Path, Path]:
    """Write a small section; return what to read, and the file of this format in it."""
    section = simulate(n_rows=6, n_cols=14)[:, :8].copy()
    section.obs_names = [f"SPOT{number:04d}-1" for number in range(section.n_obs)]
    section.var["gene_ids"] = [f"ENSG0000000{number:04d}" for number in range(section.n_vars)]
    section.uns.clear()
    lab = Lab(section, folder)
    if name == "h5ad":
        path = lab.h5ad()
        return path, path
    if name == "table.gz":
        path = lab.write("counts.csv.gz", gzip.compress(lab.table(6).to_csv().encode()))
        return path, path
    if name == "parquet":
        outs = write_bins(folder / "hd", sizes_um=(16,))
        (part,) = outs.rglob("tissue_positions.parquet")
        return outs, part
    outs = lab.outs()
    if name == "zip":
        path = lab.zip(outs)
        return path, path
    if name in ("tar", "tar.gz"):
        path = lab.tar(outs, suffix=f".{name}")
        return path, path
    if name == "mtx.gz":
        (outs / "filtered_feature_bc_matrix.h5").unlink()
        write_triplet(outs / "filtered_feature_bc_matrix", section)
        return outs, outs / "filtered_feature_bc_matrix/matrix.mtx.gz"
    if name == "png":
        return outs, outs / "spatial/tissue_hires_image.png"
    return outs, outs / "filtered_feature_bc_matrix.h5"


def damaged_copies(whole: bytes, n_copies: int, *, seed: int) -> Iterator[bytes]:
    """Yield truncated copies (one in five) and copies with one to eight flipped bits."""
    rng = np.random.default_rng(seed)
    for number in range(n_copies):
        if number % 5 == 0:
            yield whole[: int(rng.integers(len(whole)))]
            continue
        copy = bytearray(whole)
        for _ in range(int(rng.integers(1, 9))):
            # Half of the damage in the head, where shapes and offsets are.
            end = len(whole) if rng.random() < 0.5 else min(len(whole), 2048)
            copy[int(rng.integers(end))] ^= 1 << int(rng.integers(8))
        yield bytes(copy)
