"""Values row by row, for formats that are written one site after the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
from numpy.typing import NDArray

from stentrans.export.contents import VALUES, Block, Contents, block_size, parts

_VALUES_AT_ONCE = 2**21


def full_rows(contents: Contents, folder: Path) -> Iterator[Block]:
    """Compute the values of whole rows, in order; layers are left out.

    Parameters
    ----------
    contents
        What is written.
    folder
        Where values wait that are computed gene by gene, in a file without a name.
    """
    n_sites, n_genes = contents.shape
    if block_size(contents.enhancement, contents.shape)[1] >= n_genes:
        yield from contents.without_layers().blocks()
        return
    with TemporaryFile(dir=folder) as file:
        kept: NDArray[np.float32] = np.memmap(file, np.float32, "w+", shape=contents.shape)
        for block in contents.without_layers().blocks():
            kept[block.sites, block.genes] = block.values[VALUES]
        for sites in parts(n_sites, max(_VALUES_AT_ONCE // n_genes, 1)):
            yield Block(sites, slice(0, n_genes), {VALUES: np.asarray(kept[sites])})
