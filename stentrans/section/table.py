"""Tables of numbers as text: which delimiter, which encoding, which decimal mark."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stentrans.errors import SectionFormatError
from stentrans.section.counts import refuse_empty
from stentrans.section.files import damaged, decode
from stentrans.section.notes import Note

DELIMITERS: Final = {"\t": "tab", ",": "comma", ";": "semicolon", " ": "space"}
COMMA_NUMBER: Final = re.compile(r"^-?\d+,\d+$")


@dataclass(frozen=True, eq=False)
class Table:
    """A table of numbers with named rows and columns.

    Parameters
    ----------
    values
        Shape ``(n_rows, n_columns)``, float32.
    rows, columns
        Names as in the file; may repeat.
    notes
        T18 where the dialect is not plain UTF-8 with tabs or commas.
    """

    values: NDArray[np.float32]
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
        R3 if the file is cut off, R6 if it has only a header, R17 if a column contains text.
    """
    text, encoding = decode(raw)
    delimiter = sniff_delimiter(text)
    header = first_line(text, delimiter)
    decimal = "," if delimiter == ";" and _has_decimal_comma(text) else "."
    try:
        body = pd.read_csv(
            io.StringIO(text),
            sep=delimiter,
            decimal=decimal,
            header=None,
            skiprows=1,
            dtype={0: str},
            keep_default_na=False,
            na_values=["", "NA", "NaN", "nan"],
            skip_blank_lines=True,
            low_memory=False,
        )
    except pd.errors.EmptyDataError as error:
        refuse_empty((0, len(header) - 1))
        raise damaged(name) from error
    except pd.errors.ParserError as error:
        raise damaged(name) from error
    n_columns = body.shape[1] - 1
    if len(header) not in (n_columns, n_columns + 1) or n_columns < 1:
        raise damaged(name)
    columns = header if len(header) == n_columns else header[1:]
    values = body.iloc[:, 1:]
    _refuse_text(values, columns)
    notes = []
    if encoding != "UTF-8" or delimiter in "; ":
        notes.append(Note("T18", f"Read as {DELIMITERS[delimiter]}-separated, {encoding}."))
    rows = [str(row).strip() for row in body.iloc[:, 0].fillna("NA")]
    return Table(values.to_numpy(dtype=np.float32), rows, columns, notes)


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
    return [cell.strip() for cell in next(csv.reader([header], delimiter=delimiter), [])]


def _has_decimal_comma(text: str) -> bool:
    """Whether cells of the first lines look like ``1,5``."""
    lines = text.splitlines()[1:20]
    return any(COMMA_NUMBER.match(cell) for line in lines for cell in line.split(";"))


def _refuse_text(values: pd.DataFrame, columns: list[str]) -> None:
    """Raise SectionFormatError (R17) naming the first cell that is no number."""
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
