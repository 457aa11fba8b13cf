"""Legacy spatial transcriptomics: a table of counts, spots named by their position."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from stentrans.errors import SectionFormatError
from stentrans.keys import ARRAY_COL, ARRAY_ROW, IN_TISSUE, ORIGIN
from stentrans.section.assemble import Parts, assemble
from stentrans.section.counts import canonical, refuse_empty
from stentrans.section.files import (
    beginning,
    content,
    decode,
    encoding_of,
    kind_of_bytes,
    refuse_kind,
)
from stentrans.section.folder import several_libraries, unknown_library
from stentrans.section.notes import Note
from stentrans.section.options import FirstNumber, ReadOptions
from stentrans.section.spot_names import named_array, sections_from_names, share_of_spots
from stentrans.section.table import Table, first_line, read_table, sniff_delimiter
from stentrans.section.tissue_positions import COLUMNS, PXL_COL, PXL_ROW, read_positions

LOOKED_AT: Final = 10
MOST: Final = 0.5
"""Share of names that must be spot names before an axis is taken to hold the spots."""
SPOT_FILE: Final = frozenset({"x", "y", "pixel_x", "pixel_y"})
COORDINATES: Final = frozenset({ARRAY_ROW, ARRAY_COL})


@dataclass(frozen=True, eq=False)
class SpotTable:
    """Positions from a file beside the counts.

    Parameters
    ----------
    array
        Index: spot name. Columns: array_row and array_col.
    pixels
        Index: spot name. Columns: x and y in pixels; None where the file has none.
    selected
        Index: spot name; whether the spot is on tissue; None where the file does not say.
    is_array
        Whether the file itself calls the numbers array_row and array_col, and they are whole.
    origin
        Index: site name; where each site of a result of ours comes from.
    """

    array: pd.DataFrame
    pixels: pd.DataFrame | None = None
    selected: pd.Series | None = None
    is_array: bool = False
    origin: pd.Series | None = None


def table_role(path: Path) -> str:
    """Return what a text file is.

    ``"spots"``: positions; ``"placed counts"``: a table whose columns or first rows are named
    like 10x13; ``"counts"``: any other table of three columns or more; else an empty string.
    """
    head = beginning(path)
    if kind_of_bytes(head[:4096]) != "text":
        return ""
    lines = head.decode(encoding_of(head)[0], "replace").lstrip("\n\r").splitlines()
    if not lines:
        return ""
    delimiter = sniff_delimiter(lines[0])
    names = first_line(lines[0], delimiter)
    header = {cell.lower() for cell in names}
    if header >= SPOT_FILE or header >= COORDINATES:
        return "spots"
    firsts = [first_line(line, delimiter)[:1] for line in lines[1:LOOKED_AT]]
    rows = [cells[0] for cells in firsts if cells]
    if max(share_of_spots(names[1:]), share_of_spots(rows)) >= MOST:
        return "placed counts"
    return "counts" if len(header) > 2 else ""


def read_legacy(
    counts: Path,
    *,
    spots: Path | None = None,
    options: ReadOptions | None = None,
    notes: tuple[Note, ...] = (),
) -> AnnData:
    """Read a table of counts, spots in rows or in columns, optionally with a file of positions.

    Parameters
    ----------
    counts
        Text, plain or gzip: names in the first line and the first column.
    spots
        A spot file (``x y new_x new_y pixel_x pixel_y selected``) or coordinates
        (``,array_row,array_col``).
    options
        Which section, where spots are named ``1x17x20``; what the first number of a name is.
    notes
        What is already known about the way to this file.

    Raises
    ------
    SectionFormatError
        R3, R5, R8, R10 or R17; see formats.
    """
    raw = content(counts)
    kind = kind_of_bytes(raw[:4096])
    if kind != "text":
        raise refuse_kind(counts.name, kind)
    table = read_table(raw, counts.name)
    refuse_empty(table.values.shape)
    placed = None if spots is None else _read_spots(spots)
    oriented, turn_notes = _spots_in_rows(table, placed)
    chosen = options or ReadOptions()
    oriented, library_notes = _one_section(oriented, chosen.library)
    names = oriented.rows
    _refuse_repeated(names)
    obs, pixels, place_notes = _positions(names, placed, chosen.first_number)
    return assemble(
        Parts(
            counts=oriented.values,
            obs=obs,
            var=pd.DataFrame(index=pd.Index(oriented.columns, dtype=object)),
            pixels=pixels,
            notes=(*notes, *table.notes, *turn_notes, *library_notes, *place_notes),
        )
    )


def _spots_in_rows(table: Table, placed: SpotTable | None) -> tuple[Table, list[Note]]:
    """Turn the table if its columns are the spots (T13); refuse it if neither axis is (R8)."""
    if placed is not None:
        known = set(placed.array.index)
        shares = [
            sum(name in known for name in names) / max(len(names), 1)
            for names in (table.rows, table.columns)
        ]
    else:
        shares = [share_of_spots(table.rows), share_of_spots(table.columns)]
    if max(shares) < MOST:
        raise SectionFormatError(
            "A count table needs spot positions; neither rows nor columns are named like 10x13 "
            f"(first row {table.rows[0]!r}, first column {table.columns[0]!r}). Name the spots by "
            "row and column, or add a file of positions.",
            code="R8",
        )
    if shares[0] >= shares[1]:
        return table, []
    note = Note("T13", "Genes were in rows; the table was turned.")
    turned = canonical(csr_matrix(table.values.T))
    return Table(turned, table.columns, table.rows, table.notes), [note]


def _one_section(table: Table, library: str | None) -> tuple[Table, list[Note]]:
    """Keep the spots of one section where names carry section numbers (T11)."""
    sections = sections_from_names(table.rows)
    present = sorted(set(sections) - {""})
    if len(present) < 2:
        return table, []
    if library is not None and library not in present:
        raise unknown_library(library, present)
    shown = present[0] if library is None else library
    kept = np.array([section == shown for section in sections])
    rows = [name for name, keep in zip(table.rows, kept, strict=True) if keep]
    note = several_libraries(present, shown)
    return Table(table.values[kept], rows, table.columns, table.notes), [note]


def _positions(
    names: list[str], placed: SpotTable | None, first_number: FirstNumber | None
) -> tuple[pd.DataFrame, NDArray[np.float64] | None, list[Note]]:
    """Array positions and pixels of the named spots, and what was assumed about them."""
    index = pd.Index(names, dtype=object)
    if placed is None:
        array, note = _named(index, None, first_number)
        return array, None, [note]
    order = placed.array.index.get_indexer(index)
    n_matched = int((order >= 0).sum())
    notes = []
    if n_matched < len(index):
        notes.append(Note("T17", f"{n_matched} of {len(index)} barcodes matched."))
    array = placed.array.reindex(index)
    pixels = None if placed.pixels is None else placed.pixels.reindex(index).to_numpy(np.float64)
    if not placed.is_array and share_of_spots(names) >= MOST:
        # Adjusted coordinates are decimals; the lattice position is in the name.
        named, note = _named(index, pixels, first_number)
        array = named.where(array[ARRAY_ROW].notna())
        notes.append(note)
    obs = array.copy()
    if placed.origin is not None:
        obs[ORIGIN] = placed.origin.reindex(index)
    if placed.selected is not None:
        obs[IN_TISSUE] = placed.selected.reindex(index).fillna(0).astype(int)
    return obs, pixels, notes


def _named(
    index: pd.Index, pixels: NDArray[np.float64] | None, first_number: FirstNumber | None
) -> tuple[pd.DataFrame, Note]:
    """Nearest array position of each spot name, and which number was taken as the row."""
    places, note = named_array([str(name) for name in index], pixels, first_number)
    return pd.DataFrame(np.rint(places), index=index, columns=[ARRAY_ROW, ARRAY_COL]), note


def _read_spots(path: Path) -> SpotTable:
    """Positions from a spot file or a table of coordinates."""
    raw = content(path)
    text = decode(raw)
    delimiter = sniff_delimiter(text)
    header = [cell.lower() for cell in first_line(text, delimiter)]
    if set(header) >= SPOT_FILE:
        return _read_spot_file(text, delimiter, header, path.name)
    if set(header) >= {ORIGIN, *COLUMNS}:
        return _read_sites(path)
    table = read_table(raw, path.name)
    frame = pd.DataFrame(
        table.values.toarray().astype(np.float64),
        index=pd.Index(table.rows, dtype=object),
        columns=[name.lower() for name in table.columns],
    )
    _refuse_repeated(table.rows)
    array = frame[[ARRAY_ROW, ARRAY_COL]]
    is_array = bool((array.dropna() == np.rint(array.dropna())).all(axis=None))
    has_pixels = {PXL_COL, PXL_ROW} <= set(frame)
    pixels = frame[[PXL_COL, PXL_ROW]] if has_pixels else None
    return SpotTable(array, pixels, frame.get(IN_TISSUE), is_array)


def _read_sites(path: Path) -> SpotTable:
    """Positions of a result of ours, which tell where each site comes from."""
    frame = read_positions(path).frame
    return SpotTable(
        frame[[ARRAY_ROW, ARRAY_COL]],
        frame[[PXL_COL, PXL_ROW]],
        frame[IN_TISSUE],
        is_array=True,
        origin=frame[ORIGIN],
    )


def _read_spot_file(text: str, delimiter: str, header: list[str], name: str) -> SpotTable:
    """Positions from ``x y new_x new_y pixel_x pixel_y selected``, named ``{x}x{y}``."""
    try:
        frame = pd.read_csv(io.StringIO(text), sep=delimiter, header=None, skiprows=1)
        frame = frame.set_axis(header, axis=1)
        numbers = frame[sorted(SPOT_FILE)].astype(np.float64)
        names = [f"{x:g}x{y:g}" for x, y in zip(numbers["x"], numbers["y"], strict=True)]
    except (ValueError, pd.errors.ParserError) as error:
        raise SectionFormatError(
            f"A spot file must hold numbers below its header; {name} does not. Use the file as "
            "the lab wrote it.",
            code="R17",
        ) from error
    _refuse_repeated(names)
    index = pd.Index(names, dtype=object)
    numbers.index = index
    array = numbers[["x", "y"]].set_axis([ARRAY_ROW, ARRAY_COL], axis=1)
    selected = None
    if "selected" in frame:
        selected = pd.Series(frame["selected"].eq(1).astype(int).to_numpy(), index=index)
    pixels = numbers[["pixel_x", "pixel_y"]]
    return SpotTable(array, pixels, selected)


def _refuse_repeated(names: list[str]) -> None:
    """Raise SectionFormatError (R10) where a spot occurs twice."""
    index = pd.Index(names)
    if index.is_unique:
        return
    twice = index[index.duplicated()][0]
    raise SectionFormatError(
        f"Every spot must occur once; {twice} occurs {int((index == twice).sum())} times, so "
        "counts cannot be placed. Give one section at a time.",
        code="R10",
    )
