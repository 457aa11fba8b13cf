"""An enhancement as .h5ad: written in chunks, never a whole matrix in memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from errno import ENOSPC
from pathlib import Path
from shutil import disk_usage
from typing import Any

import h5py
import numpy as np

from stentrans.export.checking import Margins, empty_margins, unlike
from stentrans.export.contents import VALUES, Block, Contents, block_size, even, parts
from stentrans.export.telling import Tell
from stentrans.keys import MEASURED_LAYER, ORIGIN

_VALUES_PER_CHUNK = 2**18
_VALUES_PER_READ = 2**21


def write_h5ad(contents: Contents, path: Path, tell: Tell) -> dict[str, Margins]:
    """Write an .h5ad file and return the sums of what was written.

    Raises OSError if the values cannot fit on the disk.
    """
    _check_room(contents, path)
    contents.frame().write_h5ad(path)
    margins = empty_margins(contents.names, contents.shape)
    with h5py.File(path, "r+") as file:
        if VALUES in file:  # written as null where an AnnData has no values yet
            del file[VALUES]
        sets = {name: _make(file, name, contents) for name in contents.names}
        done = 0
        for block in _ahead(contents.blocks()):
            for name, values in block.values.items():
                margins[name].add(block.sites, block.genes, values)
                if name == MEASURED_LAYER and block.sites.start >= contents.n_spots:
                    continue  # all NaN, which a chunk is that was never written
                sets[name][block.sites, block.genes] = values
            done += block.values[VALUES].size
            tell("writing", done / max(contents.shape[0] * contents.shape[1], 1))
    return margins


def _ahead(blocks: Iterator[Block]) -> Iterator[Block]:
    """Compute each block while the one before is written; two are in memory at most."""
    with ThreadPoolExecutor(1, thread_name_prefix="stentrans-blocks") as pool:
        coming = pool.submit(next, blocks, None)
        while (block := coming.result()) is not None:
            coming = pool.submit(next, blocks, None)
            yield block


def read_h5ad_margins(contents: Contents, path: Path, tell: Tell) -> dict[str, Margins]:
    """Read a written file again, some sites at a time.

    Raises
    ------
    StoreError
        If sites, genes or origins are not those that were written.
    """
    from anndata.io import read_elem

    margins = empty_margins(contents.names, contents.shape)
    with h5py.File(path, "r") as file:
        obs, var = read_elem(file["obs"]), read_elem(file["var"])
        sites = contents.enhancement.sites
        if not obs.index.equals(sites.index) or list(obs[ORIGIN]) != list(sites[ORIGIN]):
            raise unlike(path, "the list of sites")
        if list(var.index) != list(contents.genes):
            raise unlike(path, "the list of genes")
        for number, name in enumerate(contents.names):
            stored = file[_place(name)]
            if stored.shape != contents.shape:
                raise unlike(path, name)
            for rows in parts(contents.shape[0], _rows_per_read(stored)):
                margins[name].add(rows, slice(None), stored[rows])
                share = rows.stop / max(contents.shape[0], 1)
                tell("checking", (number + share) / len(contents.names))
    return margins


def _check_room(contents: Contents, path: Path) -> None:
    """Refuse before the first byte what a disk cannot hold.

    HDF5 that cannot write what it holds can close its file no more either, and takes the process
    along.
    """
    n_sites, n_genes = contents.shape
    rows = {MEASURED_LAYER: contents.n_spots}
    values = n_genes * sum(rows.get(name, n_sites) for name in contents.names)
    if values * np.dtype(np.float32).itemsize > disk_usage(path.parent).free:
        raise OSError(ENOSPC, os.strerror(ENOSPC))


def _place(name: str) -> str:
    """Where values stand in a file."""
    return name if name == VALUES else f"layers/{name}"


def _make(file: h5py.File, name: str, contents: Contents) -> Any:
    """Make an empty float32 data set in the form anndata reads."""
    shape = contents.shape
    n_sites, n_genes = block_size(contents.enhancement, shape)
    if n_genes < shape[1]:
        # Written by gene: a row of all genes is never complete.
        chunk = (even(shape[0], _VALUES_PER_CHUNK // n_genes), n_genes)
    elif name == MEASURED_LAYER and min(shape) > 0:
        # Chunks without a measured spot are never written and take no room.
        rows = min(n_sites, shape[0])
        chunk = (rows, even(shape[1], max(_VALUES_PER_CHUNK // rows, 1)))
    else:
        chunk = None
    fill = np.nan if name == MEASURED_LAYER else 0.0
    made = file.create_dataset(_place(name), shape, np.float32, chunks=chunk, fillvalue=fill)
    made.attrs["encoding-type"] = "array"
    made.attrs["encoding-version"] = "0.2.0"
    return made


def _rows_per_read(stored: Any) -> int:
    """Sites that are read together, whole chunks of them."""
    most = max(_VALUES_PER_READ // max(stored.shape[1], 1), 1)
    step = stored.chunks[0] if stored.chunks else 1
    return int(max(most // step, 1) * step)
