"""Long tables: a row for every gene at every site, as parquet or text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

from stentrans.export.checking import Margins, empty_margins, unlike
from stentrans.export.contents import VALUES, Block, Contents
from stentrans.export.telling import Tell
from stentrans.export.wide import BARCODE
from stentrans.keys import ARRAY_COL, ARRAY_ROW, ORIGIN, STENTRANS

GENE, VALUE = "gene", "value"
_WORDS: Final = pa.dictionary(pa.int32(), pa.string())
_BYTES_PER_READ = 2**23
_ROWS_PER_READ = 2**20


def write_parquet(contents: Contents, path: Path, tell: Tell) -> dict[str, Margins]:
    """Write a parquet file, a group of rows per block; return the sums of the values."""
    about = {STENTRANS: json.dumps(contents.about(), sort_keys=True)}
    schema = _schema(contents, _WORDS).with_metadata(about)
    margins = empty_margins(contents.names, contents.shape)
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in _batches(contents, schema, margins, tell):
            writer.write_batch(batch)
    return margins


def read_parquet_margins(contents: Contents, path: Path, tell: Tell) -> dict[str, Margins]:
    """Read a parquet file again, some rows at a time; raises StoreError if names differ."""
    with parquet.ParquetFile(path) as file:
        batches = file.iter_batches(batch_size=_ROWS_PER_READ)
        return _margins(contents, path, batches, tell)


def write_long_csv(contents: Contents, path: Path, tell: Tell) -> dict[str, Margins]:
    """Write a long table as text; return the sums of the values."""
    schema = _schema(contents, pa.string())
    margins = empty_margins(contents.names, contents.shape)
    with csv.CSVWriter(path, schema) as writer:
        for batch in _batches(contents, schema, margins, tell):
            writer.write_batch(batch)
    return margins


def read_long_csv_margins(contents: Contents, path: Path, tell: Tell) -> dict[str, Margins]:
    """Read a long table again, some rows at a time; raises StoreError if names differ."""
    schema = _schema(contents, pa.string())
    converting = csv.ConvertOptions(
        column_types=schema, null_values=[""], strings_can_be_null=False
    )
    reading = csv.ReadOptions(use_threads=False, block_size=_BYTES_PER_READ)
    with csv.open_csv(path, reading, convert_options=converting) as reader:
        return _margins(contents, path, reader, tell)


def _schema(contents: Contents, words: pa.DataType) -> pa.Schema:
    """Columns: names, origin, place, and a column for the values and every layer."""
    told = [(BARCODE, words), (GENE, words), (ORIGIN, words)]
    told += [(ARRAY_ROW, pa.float64()), (ARRAY_COL, pa.float64())]
    return pa.schema([*told, *((_column(name), pa.float32()) for name in contents.names)])


def _column(name: str) -> str:
    return VALUE if name == VALUES else name


def _batches(
    contents: Contents, schema: pa.Schema, margins: dict[str, Margins], tell: Tell
) -> Iterator[pa.RecordBatch]:
    """All rows, gene after gene within each block; NaN becomes an empty cell."""
    done, total = 0, max(contents.shape[0] * contents.shape[1], 1)
    for block in contents.blocks_by_gene():
        for name, values in block.values.items():
            margins[name].add(block.sites, block.genes, values)
        columns = _named(contents, block, schema)
        for name in contents.names:
            values = block.values[name].T.ravel()
            columns.append(pa.array(values, mask=np.isnan(values)))
        yield pa.record_batch(columns, schema=schema)
        done += block.values[VALUES].size
        tell("writing", done / total)


def _named(contents: Contents, block: Block, schema: pa.Schema) -> list[pa.Array]:
    """Names, origins and places of the rows of a block."""
    sites = contents.enhancement.sites.iloc[block.sites]
    genes = contents.genes[block.genes]
    again = np.tile(np.arange(len(sites), dtype=np.int32), len(genes))
    each = np.repeat(np.arange(len(genes), dtype=np.int32), len(sites))
    columns: list[pa.Array] = []
    for place, words in (
        (again, sites.index.to_numpy(object)),
        (each, genes.to_numpy(object)),
        (again, sites[ORIGIN].astype(str).to_numpy(object)),
    ):
        column = pa.DictionaryArray.from_arrays(place, pa.array(words, pa.string()))
        wanted = schema.field(len(columns)).type
        columns.append(column if pa.types.is_dictionary(wanted) else column.cast(wanted))
    for key in (ARRAY_ROW, ARRAY_COL):
        columns.append(pa.array(sites[key].to_numpy(np.float64)[again]))
    return columns


def _margins(contents: Contents, path: Path, batches: Any, tell: Tell) -> dict[str, Margins]:
    """Sums of the values that are read, by the names beside them."""
    margins = empty_margins(contents.names, contents.shape)
    done, total = 0, contents.shape[0] * contents.shape[1]
    for batch in batches:
        sites = _codes(batch.column(BARCODE), contents.enhancement.sites.index)
        genes = _codes(batch.column(GENE), contents.genes)
        if (sites < 0).any() or (genes < 0).any():
            raise unlike(path, "the names of sites or genes")
        for name in contents.names:
            found = batch.column(_column(name)).to_numpy(zero_copy_only=False)
            values = np.nan_to_num(found.astype(np.float64))
            margins[name].by_site[:] += np.bincount(sites, values, contents.shape[0])
            margins[name].by_gene[:] += np.bincount(genes, values, contents.shape[1])
        done += batch.num_rows
        tell("checking", done / max(total, 1))
    if done != total:
        raise unlike(path, "the number of rows")
    return margins


def _codes(column: pa.Array, names: Any) -> Any:
    """Place of each word among the names, -1 where it is none of them."""
    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    places = names.get_indexer(coded.dictionary.to_pylist())
    return places[coded.indices.to_numpy(zero_copy_only=False)]
