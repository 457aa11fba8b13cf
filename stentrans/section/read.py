"""One door for every kind of file: find out what it is, pick the reader, return a section."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import replace
from os import PathLike
from pathlib import Path

from anndata import AnnData

from stentrans.errors import SectionFormatError
from stentrans.section.archive import Budget, archive_kind, unpack
from stentrans.section.files import gunzip, kind_of, refuse_kind, suffix_note
from stentrans.section.folder import (
    Found,
    archive_stem,
    choose,
    find_sections,
    list_files,
    several_libraries,
)
from stentrans.section.h5ad import is_h5ad, read_h5ad
from stentrans.section.hdf5 import open_hdf5
from stentrans.section.legacy_st import read_legacy, table_role
from stentrans.section.notes import Note
from stentrans.section.options import FirstNumber, ReadOptions, keep_options
from stentrans.section.orientation import orient
from stentrans.section.packed import unpacked
from stentrans.section.tenx import is_tenx, unknown_hdf5
from stentrans.section.visium import read_beside, read_visium
from stentrans.section.zarr_store import is_zarr, read_zarr

TABLES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")


def read(
    path: str | PathLike[str],
    *,
    library: str | None = None,
    counts: str | None = None,
    first_number: FirstNumber | None = None,
    rotate: int | None = None,
    flip: bool | None = None,
) -> AnnData:
    """Read one section from a file or folder, whatever it is named.

    What the file leaves open is decided by the reader and said in a note; every such decision
    can be made otherwise by one of the options, which all are None by default.

    Parameters
    ----------
    path
        An h5ad file, a Space Ranger ``outs`` folder, a zip, tar or tar.gz of one, a 10x matrix
        inside such a folder, a zarr store of AnnData or SpatialData, or a legacy ST table of
        counts (csv or tsv, also gzip).
    library
        Name of the section to read, where there are several; by default the first.
    counts
        Where the counts of an AnnData file are: ``"X"``, ``"raw.X"`` or the name of a layer; by
        default the first of the layer ``counts``, ``raw.X``, ``X`` and other layers that holds
        whole numbers.
    first_number
        What the first number of spots named like ``10x13`` is, ``"row"`` or ``"column"``; by
        default what the pixels show, without pixels the row.
    rotate
        Turn picture and pixels clockwise by 90, 180 or 270 degrees; array positions stay.
    flip
        Mirror picture and pixels left to right, after turning; array positions stay.

    Returns
    -------
    section
        ``X`` CSR float32: counts, or the values of the file where it holds no counts
        (``uns["stentrans"]["X_is"]`` says which). ``obs`` array_row, array_col (int64) and
        in_tissue (0 or 1); spots off tissue are kept. ``obsm["spatial"]`` (x, y) in
        full-resolution pixels where known. `notes_of` tells what was found and assumed;
        `check_section` says whether it can be enhanced.

    Raises
    ------
    SectionFormatError
        In one sentence with a code: what must hold, what was given, what to do.
    ParameterError
        If an option has a value that no file could have.
    """
    options = ReadOptions(library, counts, first_number, rotate, flip)
    place = Path(path)
    if not place.exists():
        raise SectionFormatError(f"The path must exist; {place} does not. Check the spelling.")
    try:
        section = _read(place, options, shown=place.name)
    except PermissionError as error:
        raise SectionFormatError(
            f"Files must be readable; {place.name} is not. Ask for the permission to read it."
        ) from error
    except MemoryError as error:
        raise SectionFormatError(
            f"Reading {place.name} needs more memory than is free; choose fewer genes or use a "
            "machine with more memory.",
            code="R13",
        ) from error
    orient(section, options)
    keep_options(section, options)
    return section


def _read(
    place: Path,
    options: ReadOptions,
    *,
    shown: str,
    notes: tuple[Note, ...] = (),
    budget: Budget | None = None,
) -> AnnData:
    """Dispatch by content; ``shown`` is the name the user knows."""
    if place.is_dir():
        return _read_folder(place, options, shown=shown, notes=notes, budget=budget)
    kind = kind_of(place)
    noted = (*notes, *suffix_note(place, kind))
    if kind == "HDF5":
        return _read_hdf5(place, options, noted)
    if kind == "text" and place.suffix.lower() != ".cloupe":
        # A table that we wrote has its positions beside it.
        beside = place.with_name(f"{place.stem}_positions.csv")
        spots = beside if beside.is_file() else None
        return read_legacy(place, spots=spots, options=options, notes=noted)
    is_packed = archive_kind(place) != ""
    if not is_packed and kind != "gzip":
        raise refuse_kind(place.name, kind)
    with tempfile.TemporaryDirectory(prefix="stentrans-") as folder:
        if is_packed:
            left = budget or Budget()
            unpack(place, Path(folder), budget=left)
            return _read_folder(Path(folder), options, shown=shown, notes=noted, budget=left)
        inner = Path(folder) / (place.stem if place.suffix == ".gz" else place.name)
        gunzip(place, inner)
        kind = kind_of(inner)
        if kind in ("zip", "gzip"):
            raise refuse_kind(place.name, f"{kind} inside gzip")
        if kind != "text":
            return _read(inner, options, shown=shown, notes=noted)
        return read_legacy(inner, options=options, notes=noted)


def _read_hdf5(path: Path, options: ReadOptions, notes: tuple[Note, ...]) -> AnnData:
    """Tell AnnData from 10x matrices."""
    with open_hdf5(path) as file:
        layout = "h5ad" if is_h5ad(file) else "10x" if is_tenx(file) else ""
        if not layout:
            raise unknown_hdf5(path.name, file)
    if layout == "h5ad":
        return read_h5ad(path, options, notes=notes)
    return read_visium(read_beside(path), notes=notes)


def _read_folder(
    root: Path,
    options: ReadOptions,
    *,
    shown: str,
    notes: tuple[Note, ...],
    budget: Budget | None,
) -> AnnData:
    """Read the Space Ranger section, the AnnData file or the table in a folder."""
    name = archive_stem(shown)
    for store in (root, *sorted(root.glob("*.zarr"))):
        if is_zarr(store):
            return read_zarr(store, options, shown=shown, notes=notes)
    with ExitStack() as stack:
        files, n_junk = list_files(root)
        found = find_sections(name, files)
        if not any(one.is_complete for one in found):
            files, n_more = unpacked(files, stack, budget or Budget())
            found, n_junk = find_sections(name, files), n_junk + n_more
        if found:
            one, several = choose(found, options.library)
            nested = _nested_note(one, name, n_junk)
            return read_visium(one, notes=(*notes, *several, *nested))
        paths = [one.path for one in files]
        single = [path for path in paths if path.suffix == ".h5ad"]
        if single:
            return _read_one_of(single, options, notes)
        tables = [path for path in paths if path.name.lower().endswith(TABLES)]
        return _read_tables(tables, options, notes, shown)


def _read_one_of(paths: list[Path], options: ReadOptions, notes: tuple[Note, ...]) -> AnnData:
    """Read one of several AnnData files: the one asked for by its name, else the first."""
    named = {path.stem: path for path in paths}
    if options.library in named and len(named) > 1:
        path, inner = named[options.library], replace(options, library=None)
    else:
        path, inner = paths[0], options
    several = (several_libraries(list(named), path.stem),) if len(named) > 1 else ()
    return _read(path, inner, shown=path.name, notes=(*notes, *several))


def _read_tables(
    tables: list[Path], options: ReadOptions, notes: tuple[Note, ...], shown: str
) -> AnnData:
    """Read a table of counts, with the table of positions beside it if there is one."""
    roles = {path: table_role(path) for path in tables}
    spots = [path for path, role in roles.items() if role == "spots"]
    counts = [path for path, role in roles.items() if role == "counts"]
    # Tables whose names are positions are counts for sure; others may be anything.
    counts = [path for path, role in roles.items() if role == "placed counts"] or counts
    if not counts:
        code = "R7" if spots else "R5"
        raise SectionFormatError(
            f"A section needs a count matrix; {shown} holds none. Use h5ad, a Space Ranger folder "
            "or an archive of one, or a csv/tsv table of counts.",
            code=code,
        )
    named = {path.name.partition(".")[0]: path for path in counts}
    library = options.library
    chosen = named.get(library, counts[0]) if library is not None else counts[0]
    several: tuple[Note, ...] = ()
    if len(counts) > 1:
        several = (several_libraries(list(named), chosen.name.partition(".")[0]),)
    beside = _spots_for(chosen, spots)
    return read_legacy(chosen, spots=beside, options=options, notes=(*notes, *several))


def _spots_for(counts: Path, spots: list[Path]) -> Path | None:
    """The positions of these counts: the only file, or the one that shares the sample's name."""
    if len(spots) <= 1:
        return spots[0] if spots else None
    stem = counts.name.partition(".")[0]
    return next((path for path in spots if stem in path.name), None)


def _nested_note(one: Found, shown: str, n_junk: int) -> tuple[Note, ...]:
    """Return T5 where the section was found in an unusual place or beside files of no use."""
    if one.is_usual and not n_junk:
        return ()
    return (Note("T5", f"Read as sample {one.sample or shown}; ignored {n_junk} files."),)
