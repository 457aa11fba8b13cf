"""Tables of numbers as text: which delimiter, which encoding, which decimal mark."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix, vstack

from stentrans.errors import SectionFormatError
from stentrans.section.counts import canonical, refuse_empty
from stentrans.section.files import damaged, encoding_of
from stentrans.section.memory import refuse_bytes
from stentrans.section.notes import Note

DELIMITERS: Final = {"\t": "tab", ",": "comma", ";": "semicolon", " ": "space"}
COMMA_NUMBER: Final = re.compile(r"^-?\d+,\d+$")
SNIFFED_LINES: Final = 20
LONGEST_LINE: Final = 2**24
CELLS_AT_ONCE: Final = 2**22
"""Cells of a table that are numbers at the same time; the rest is sparse already or still text."""
BYTES_PER_CELL: Final = 28
"""A cell of that part: as number, as text while that is looked at, and as float32."""
MISSING: Final = ("", "NA", "NaN", "nan")


@dataclass(frozen=True, eq=False)
class Table:
    """A table of numbers with named rows and columns.

    Parameters
    ----------
    values
        Shape ``(n_rows, n_columns)``, canonical CSR float32; missing cells are NaN.
    rows, columns
        Names as in the file; may repeat.
    notes
        T18 where the dialect is not plain UTF-8 with tabs or commas.
    """

    values: csr_matrix
    rows: list[str]
    columns: list[str]
    notes: list[Note]


def read_table(raw: bytes, name: str) -> Table:
    """Read a table with a header line and row names in the first column.

    Parameters
    ----------
    raw
        Content of the file.
    name
        File name, for messages.

    Raises
    ------
    SectionFormatError
        R3 if the file is cut off, R6 if it has only a header, R13 if it is larger than the
        memory, R17 if a column contains text.
    """
    encoding, shown = encoding_of(raw)
    n_blank, lines = _first_lines(raw, encoding)
    delimiter = sniff_delimiter(lines[0])
    header = first_line(lines[0], delimiter)
    dialect = {
        "delimiter": delimiter,
        "decimal": "," if delimiter == ";" and _has_decimal_comma(lines[1:]) else ".",
    }
    refuse_bytes(table_bytes(len(raw), len(header)))
    rows: list[str] = []
    parts: list[csr_matrix] = []
    try:
        for body in _bodies(raw, encoding, **dialect, skip=n_blank + 1, n_columns=len(header)):
            n_columns = body.shape[1] - 1
            if len(header) not in (n_columns, n_columns + 1) or n_columns < 1:
                raise damaged(name)
            columns = header if len(header) == n_columns else header[1:]
            rows += [str(row).strip() for row in body.iloc[:, 0].fillna("NA")]
            parts.append(csr_matrix(_numbers(body.iloc[:, 1:], columns)))
    except pd.errors.EmptyDataError as error:
        refuse_empty((0, len(header) - 1))
        raise damaged(name) from error
    except (pd.errors.ParserError, UnicodeError, OverflowError) as error:
        raise damaged(name) from error
    refuse_empty((len(rows), len(header) - 1))
    notes = []
    if shown != "UTF-8" or delimiter in "; ":
        notes.append(Note("T18", f"Read as {DELIMITERS[delimiter]}-separated, {shown}."))
    return Table(canonical(csr_matrix(vstack(parts, format="csr"))), rows, columns, notes)


def table_bytes(n_bytes: int, n_columns: int) -> int:
    """Return the memory that a table of so many bytes of text takes while it is read."""
    # Most cells are "0," so two bytes of text are about a cell; most of them are not kept.
    cells = min(CELLS_AT_ONCE + n_columns, n_bytes // 2)
    return 2 * n_bytes + cells * BYTES_PER_CELL


def sniff_delimiter(text: str) -> str:
    """Return the delimiter of a table from its header line: the most frequent of four."""
    header = text.lstrip("\n\r").partition("\n")[0]
    counted = {mark: header.count(mark) for mark in DELIMITERS}
    # A space inside names does not make a table space-separated.
    strong = {mark: counted[mark] for mark in ("\t", ";", ",")}
    best = max(strong, key=strong.__getitem__)
    return best if strong[best] else " "


def first_line(text: str, delimiter: str) -> list[str]:
    """Return the cells of the header line, without quotes and spaces around them."""
    header = text.lstrip("\n\r").partition("\n")[0].rstrip("\r")
    try:
        return [cell.strip() for cell in next(csv.reader([header], delimiter=delimiter), [])]
    except csv.Error:  # a cell longer than any name
        return []


def _first_lines(raw: bytes, encoding: str) -> tuple[int, list[str]]:
    """How many blank lines come first, and the lines from the header on that tell the dialect."""
    with io.TextIOWrapper(io.BytesIO(raw), encoding, errors="replace") as text:
        n_blank, line = 0, text.readline(LONGEST_LINE)
        while line and not line.strip():
            n_blank, line = n_blank + 1, text.readline(LONGEST_LINE)
        return n_blank, [line, *(text.readline(LONGEST_LINE) for _ in range(SNIFFED_LINES))]


def _bodies(
    raw: bytes, encoding: str, *, delimiter: str, decimal: str, skip: int, n_columns: int
) -> Iterator[pd.DataFrame]:
    """Parts of the table below its header, so that never all of it is dense."""
    with pd.read_csv(
        io.BytesIO(raw),
        encoding=encoding,
        sep=delimiter,
        decimal=decimal,
        header=None,
        skiprows=skip,
        dtype={0: str},
        keep_default_na=False,
        na_values=list(MISSING),
        skip_blank_lines=True,
        low_memory=False,
        chunksize=max(CELLS_AT_ONCE // max(n_columns, 1), 1),
    ) as reader:
        yield from reader


def _has_decimal_comma(lines: list[str]) -> bool:
    """Whether cells below the header look like ``1,5``."""
    return any(COMMA_NUMBER.match(cell.strip()) for line in lines for cell in line.split(";"))


def _numbers(values: pd.DataFrame, columns: list[str]) -> Any:
    """As float32; raise SectionFormatError (R17) naming the first cell that is no number."""
    for place, dtype in enumerate(values.dtypes):
        if dtype.kind in "buif":
            continue
        cells = values.iloc[:, place].dropna()
        words = cells[pd.to_numeric(cells, errors="coerce").isna()]
        shown = words.iloc[0] if len(words) else cells.iloc[0]
        raise SectionFormatError(
            f"A count table must hold numbers; column {columns[place]} contains text ({shown!r}); "
            "not a count table. Remove columns of text.",
            code="R17",
        )
    with np.errstate(over="ignore"):
        return values.to_numpy(dtype=np.float32)
