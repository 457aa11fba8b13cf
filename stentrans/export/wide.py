"""Tables as text: sites in rows and genes in columns, with the positions in a file beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv

from stentrans.export.checking import Margins, empty_margins, unlike
from stentrans.export.contents import VALUES, Contents
from stentrans.export.rows import full_rows
from stentrans.export.slide import places
from stentrans.export.telling import Tell
from stentrans.keys import ARRAY_COL, ARRAY_ROW, IN_TISSUE, ORIGIN

BARCODE: Final = "barcode"
POSITIONS: Final = "_positions.csv"
"""The file of positions is named after the table, with this end."""
_BYTES_PER_READ = 2**24


def write_csv(contents: Contents, path: Path, tell: Tell) -> dict[str, Margins]:
    """Write the values and, beside them, the positions; return the sums of the values."""
    positions_of(contents).to_csv(positions_path(path), index_label=BARCODE)
    margins = empty_margins((VALUES,), contents.shape)
    names = contents.enhancement.sites.index.to_numpy(object)
    schema = pa.schema([(BARCODE, pa.string()), *((gene, pa.float32()) for gene in contents.genes)])
    with csv.CSVWriter(path, schema) as writer:
        for block in full_rows(contents, path.parent):
            values = block.values[VALUES]
            margins[VALUES].add(block.sites, block.genes, values)
            columns = [pa.array(names[block.sites], pa.string())]
            columns += [pa.array(column) for column in np.ascontiguousarray(values.T)]
            writer.write_batch(pa.record_batch(columns, schema=schema))
            tell("writing", block.sites.stop / max(contents.shape[0], 1))
    return margins


def read_csv_margins(contents: Contents, path: Path, tell: Tell) -> dict[str, Margins]:
    """Read a written table again, some sites at a time.

    Raises
    ------
    StoreError
        If sites or genes are not those that were written.
    """
    sites, margins = contents.enhancement.sites, empty_margins((VALUES,), contents.shape)
    positions = pd.read_csv(positions_path(path), index_col=BARCODE, dtype={BARCODE: str})
    if list(positions.index) != list(sites.index):
        raise unlike(path, "the list of sites")
    row_bytes = max(path.stat().st_size // max(contents.shape[0], 1), 1)
    genes = list(contents.genes)
    reading = csv.ReadOptions(
        use_threads=False, block_size=max(_BYTES_PER_READ, 4 * row_bytes, 64 * (len(genes) + 1))
    )
    types = {gene: pa.float32() for gene in genes} | {BARCODE: pa.string()}
    # A gene may be called NA, and so may a site.
    converting = csv.ConvertOptions(column_types=types, null_values=[], strings_can_be_null=False)
    done = 0
    with csv.open_csv(path, reading, convert_options=converting) as reader:
        if reader.schema.names != [BARCODE, *genes]:
            raise unlike(path, "the list of genes")
        for batch in reader:
            rows = slice(done, done + batch.num_rows)
            if batch.column(0).to_pylist() != list(sites.index[rows]):
                raise unlike(path, "the list of sites")
            values = [batch.column(n + 1).to_numpy(zero_copy_only=False) for n in range(len(genes))]
            margins[VALUES].add(rows, slice(None), np.column_stack(values or [np.empty((done, 0))]))
            done = rows.stop
            tell("checking", done / max(len(sites), 1))
    if done != len(sites):
        raise unlike(path, "the number of sites")
    return margins


def positions_of(contents: Contents) -> pd.DataFrame:
    """Where every site lies, with the column names of Space Ranger, and its origin."""
    sites = contents.enhancement.sites
    x, y = places(sites).T
    return pd.DataFrame(
        {
            IN_TISSUE: 1,
            ARRAY_ROW: sites[ARRAY_ROW],
            ARRAY_COL: sites[ARRAY_COL],
            "pxl_row_in_fullres": y,
            "pxl_col_in_fullres": x,
            ORIGIN: sites[ORIGIN].astype(str),
        },
        index=sites.index,
    )


def positions_path(table: Path) -> Path:
    """Name the file of positions that belongs to a table."""
    return table.with_name(f"{table.name[: -len('.csv')]}{POSITIONS}")
