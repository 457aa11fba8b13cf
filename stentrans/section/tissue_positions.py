"""The table of spot positions in a Space Ranger folder, whichever version wrote it."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from stentrans.errors import SectionFormatError
from stentrans.keys import ARRAY_COL, ARRAY_ROW, IN_TISSUE, ORIGIN
from stentrans.section.files import (
    content,
    damaged,
    decode,
    kind_of,
    kind_of_bytes,
    refuse_kind,
)
from stentrans.section.memory import refuse_bytes
from stentrans.section.notes import Note

PXL_ROW: Final = "pxl_row_in_fullres"
PXL_COL: Final = "pxl_col_in_fullres"
BARCODE: Final = "barcode"
COLUMNS: Final = (BARCODE, IN_TISSUE, ARRAY_ROW, ARRAY_COL, PXL_ROW, PXL_COL)
"""Order in the file: row before column, for the array and for the pixels."""
BYTES_PER_ROW: Final = 100
"""Of a parquet file of positions while it is read."""


@dataclass(frozen=True, eq=False)
class Positions:
    """Positions by barcode.

    Parameters
    ----------
    frame
        Index: barcode. Columns: in_tissue, array_row, array_col, pxl_row_in_fullres,
        pxl_col_in_fullres; numbers, NaN where a cell is empty. In a result of ours also origin.
    notes
        T1 where header and file name disagree.
    """

    frame: pd.DataFrame
    notes: list[Note]


def read_positions(path: Path) -> Positions:
    """Read ``tissue_positions`` as csv, with or without a header, or as parquet (Visium HD).

    The first cell decides whether there is a header, never the file name. Of parquet only bins on
    tissue are read where any are marked: the others are most, and have no counts.

    Raises
    ------
    SectionFormatError
        R3 if empty or cut off, R5 if not text, R10 for a repeated barcode, R17 for text in a
        column of numbers.
    """
    if kind_of(path) == "parquet":
        return _read_parquet(path)
    raw = content(path)
    kind = kind_of_bytes(raw[:4096])
    if kind != "text":
        raise refuse_kind(path.name, kind)
    text = decode(raw)
    delimiter = "\t" if text.partition("\n")[0].count("\t") >= len(COLUMNS) - 1 else ","
    rows = [row for row in csv.reader(text.splitlines(), delimiter=delimiter) if row]
    has_header = bool(rows) and rows[0][0].strip().strip('"').lower() == BARCODE
    names = [name.strip() for name in rows[0]] if has_header else list(COLUMNS)
    body = rows[1:] if has_header else rows
    _refuse_missing(names, path.name)
    if not body or any(len(row) != len(names) for row in body):
        raise damaged(path.name)
    table = pd.DataFrame(body, columns=names)
    frame = table[list(COLUMNS)].set_index(BARCODE)
    frame.index = pd.Index([str(name).strip() for name in frame.index], dtype=object)
    _refuse_repeated(frame.index)
    numbers = frame.apply(_numbers)
    if ORIGIN in table:  # a result of ours
        numbers[ORIGIN] = table[ORIGIN].to_numpy(object)
    return Positions(numbers, _header_note(path, has_header=has_header))


def _read_parquet(path: Path) -> Positions:
    """Positions of Visium HD, up to eleven million rows, of which those on tissue are kept."""
    import pyarrow as pa
    from pyarrow import compute, parquet

    try:
        with parquet.ParquetFile(path) as file:
            refuse_bytes(file.metadata.num_rows * BYTES_PER_ROW)
            _refuse_missing(file.schema_arrow.names, path.name)
            table = file.read(columns=list(COLUMNS))
        flags = table.column(IN_TISSUE).cast(pa.int64())
        if compute.any(compute.equal(flags, 1)).as_py():
            table = table.filter(compute.equal(flags, 1))
        names = [str(name) for name in table.column(BARCODE).to_pylist()]
        numbers = {
            name: table.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False)
            for name in COLUMNS[1:]
        }
    except (pa.ArrowException, OSError, OverflowError, UnicodeError) as error:
        raise damaged(path.name) from error
    index = pd.Index(names, dtype=object)
    _refuse_repeated(index)
    return Positions(pd.DataFrame(numbers, index=index), [])


def _refuse_missing(names: Sequence[str], shown: str) -> None:
    """Raise SectionFormatError (R8) where columns are missing."""
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise SectionFormatError(
            f"Positions need the columns {', '.join(COLUMNS)}; {shown} lacks "
            f"{', '.join(missing)}. Use the file that Space Ranger wrote.",
            code="R8",
        )


def _numbers(column: pd.Series) -> pd.Series:
    """Cells as float64, empty ones as NaN; raise SectionFormatError (R17) for words."""
    cells = column.str.strip()
    empty = cells.str.lower().isin(["", "na", "nan"])
    numbers = pd.to_numeric(cells.where(~empty, np.nan), errors="coerce").astype(np.float64)
    words = cells[numbers.isna() & ~empty]
    if len(words):
        raise SectionFormatError(
            f"Positions must be numbers; column {column.name} contains text ({words.iloc[0]!r}). "
            "Use the file that Space Ranger wrote.",
            code="R17",
        )
    return numbers


def _refuse_repeated(names: pd.Index) -> None:
    """Raise SectionFormatError (R10) where a barcode has two positions."""
    if names.is_unique:
        return
    twice = names[names.duplicated()][0]
    raise SectionFormatError(
        f"Every barcode must have one position; {twice} occurs {int((names == twice).sum())} "
        "times, so counts cannot be placed. Give one section at a time.",
        code="R10",
    )


def _header_note(path: Path, *, has_header: bool) -> list[Note]:
    """Return T1 where the file name promises the other version's layout."""
    looks_old = "tissue_positions_list" in path.name
    if looks_old != has_header:
        return []
    version = "1" if looks_old else "2"
    state = "has a header" if has_header else "lacks a header"
    return [Note("T1", f"Named like Space Ranger {version} but {state}; read accordingly.")]
