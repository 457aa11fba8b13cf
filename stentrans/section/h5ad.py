"""AnnData files, read element by element: what is not needed cannot stop the rest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import pandas as pd
from anndata import AnnData
from anndata._io.specs.registry import IORegistryError  # anndata 0.12 exports it nowhere else
from anndata.io import read_elem
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from stentrans.errors import SectionFormatError
from stentrans.keys import ARRAY_COL, ARRAY_ROW, COUNTS, NOTES, SPATIAL, STENTRANS, X_IS
from stentrans.section.assemble import Parts, assemble, refuse_too_large
from stentrans.section.counts import are_counts, as_csr
from stentrans.section.files import damaged
from stentrans.section.folder import several_libraries, unknown_library
from stentrans.section.notes import Note, notes_of
from stentrans.section.positions import TECHNOLOGY
from stentrans.section.rebuild import rebuild_array
from stentrans.section.spot_names import positions_from_names, share_of_spots

LIBRARY_COLUMNS: Final = ("library_id", "library", "sample_id", "sample", "slide", "batch")
ARRAY_UNITS: Final = 1.5
"""Pixels per array step below which ``obsm["spatial"]`` repeats the array positions."""
FOREIGN: Final = (OSError, KeyError, ValueError, TypeError, IndexError, RuntimeError)
"""What h5py and anndata raise on damaged files."""


def is_h5ad(file: h5py.File) -> bool:
    """Whether an open HDF5 file has the layout of AnnData."""
    return "obs" in file and "var" in file


def read_h5ad(path: Path, *, library: str | None = None, notes: tuple[Note, ...] = ()) -> AnnData:
    """Read one section from an AnnData file.

    Parameters
    ----------
    path
        The file.
    library
        Which section, where the file holds several.
    notes
        What is already known about the way to this file.

    Raises
    ------
    SectionFormatError
        R3 if damaged, R8 without positions, R13 if too large, R14 if written by another anndata,
        and what `assemble` refuses.
    """
    try:
        with h5py.File(path, "r") as file:
            parts = _read_parts(file, path, library, notes)
    except SectionFormatError:
        raise
    except IORegistryError as error:
        raise _other_version(path, "names of spots or genes") from error
    except FOREIGN as error:
        raise damaged(path.name) from error
    return assemble(parts)


def _read_parts(file: h5py.File, path: Path, library: str | None, notes: tuple[Note, ...]) -> Parts:
    """Everything that a section needs, from an open file."""
    found = list(notes)
    if isinstance(file["obs"], h5py.Dataset) or isinstance(file["var"], h5py.Dataset):
        raise _other_version(path, "obs, in a layout from before 2020")
    obs = _read_frame(file["obs"], found)
    counts, var, count_notes = _read_counts(file, path, len(obs), found)
    found += count_notes
    pixels = _read_pixels(file, len(obs), found)
    kept, name, library_notes = _choose_library(file, obs, library)
    found += library_notes
    if not kept.all():
        obs, counts = obs.loc[kept], counts[kept]
        pixels = None if pixels is None else pixels[kept]
    obs, pixels, place_notes = _with_array(obs, pixels)
    found += place_notes
    ours = _read_ours(file)
    technology = str(ours.pop(TECHNOLOGY, ""))
    return Parts(
        counts=counts,
        obs=obs,
        var=var,
        pixels=pixels,
        spatial=_read_spatial(file, name),
        technology=technology,
        library=name,
        notes=found,
        extra=ours,
    )


def _read_frame(group: h5py.Group, notes: list[Note]) -> pd.DataFrame:
    """A data frame column by column; unreadable columns are skipped with T20."""
    index = pd.Index([str(one) for one in read_elem(group[group.attrs["_index"]])], dtype=object)
    columns: dict[str, Any] = {}
    for name in (str(one) for one in group.attrs["column-order"]):
        try:
            columns[name] = pd.Series(read_elem(group[name]), index=index)
        except (IORegistryError, KeyError, ValueError, TypeError):
            notes.append(_skipped(f"{group.name.strip('/')}[{name!r}]"))
    return pd.DataFrame(columns, index=index)


def _read_counts(
    file: h5py.File, path: Path, n_spots: int, found: list[Note]
) -> tuple[csr_matrix, pd.DataFrame, list[Note]]:
    """Counts from the layer, from raw or from X, the first that holds whole numbers (T10)."""
    places = {
        f"layers[{COUNTS!r}]": (f"layers/{COUNTS}", "var"),
        "raw.X": ("raw/X", "raw/var"),
        "X": ("X", "var"),
    }
    present = {name: keys for name, keys in places.items() if keys[0] in file}
    if not present:
        raise SectionFormatError(
            f'A section needs counts in X or layers["counts"]; {path.name} has neither. Add the '
            "raw counts.",
            code="R7",
        )
    for name, (key, _) in present.items():
        matrix = _read_matrix(file[key], path, name)
        is_counts = are_counts(matrix)
        if is_counts:
            break
    var = _read_frame(file[present[name][1]], found)
    if matrix.shape != (n_spots, len(var)):
        raise damaged(path.name)
    notes = []
    if name != "X" and is_counts:
        x_is_whole = "X" in file and _looks_whole(file["X"])
        state = "Counts" if x_is_whole else "X is normalised; counts"
        notes.append(Note("T10", f"{state} from {name}."))
    return matrix, var, notes


def _read_matrix(stored: h5py.Group | h5py.Dataset, path: Path, name: str) -> csr_matrix:
    """One matrix as CSR float32; refuse it before it is larger than the memory."""
    is_sparse = isinstance(stored, h5py.Group)
    try:
        n_values = stored["data"].shape[0] if is_sparse else int(np.prod(stored.shape))
        refuse_too_large(int(n_values), 0)
        matrix = read_elem(stored)
    except IORegistryError as error:
        raise _other_version(path, name) from error
    found = as_csr(matrix, place=name)
    if is_sparse:
        found.check_format(full_check=True)
    return found


def _looks_whole(stored: h5py.Group | h5py.Dataset) -> bool:
    """Whether the first stored values are whole numbers."""
    if isinstance(stored, h5py.Group):
        head = stored["data"][:10_000] if "data" in stored else np.zeros(0)
    else:
        head = stored[:20]
    values = np.asarray(head, dtype=np.float64)
    return bool(np.isfinite(values).all() and (values == np.rint(values)).all())


def _read_pixels(file: h5py.File, n_spots: int, notes: list[Note]) -> NDArray[np.float64] | None:
    """(x, y) per spot from ``obsm["spatial"]``; None where absent or not readable."""
    key = next((one for one in (SPATIAL, f"X_{SPATIAL}") if f"obsm/{one}" in file), None)
    if key is None:
        return None
    try:
        pixels = np.array(read_elem(file[f"obsm/{key}"]), dtype=np.float64)
    except (IORegistryError, KeyError, ValueError, TypeError):
        notes.append(_skipped(f"obsm[{key!r}]"))
        return None
    if pixels.ndim != 2 or pixels.shape[0] != n_spots or pixels.shape[1] < 2:
        notes.append(_skipped(f"obsm[{key!r}]"))
        return None
    return pixels[:, :2].copy()


def _libraries(file: h5py.File) -> list[str]:
    """Names below ``uns["spatial"]``; cellxgene's ``is_single`` is a flag, not a library."""
    stored = file.get(f"uns/{SPATIAL}")
    if not isinstance(stored, h5py.Group):
        return []
    return [name for name, held in stored.items() if isinstance(held, h5py.Group)]


def _choose_library(
    file: h5py.File, obs: pd.DataFrame, library: str | None
) -> tuple[NDArray[np.bool_], str, list[Note]]:
    """Spots of one section, its name, and T11 where there are several."""
    whole = np.ones(len(obs), dtype=bool)
    listed = _libraries(file)
    column = _library_column(obs, listed)
    if column is None:
        if library is not None and listed and library not in listed:
            raise unknown_library(library, listed)
        return whole, library or (listed[0] if listed else ""), []
    words = obs[column].astype(str)
    names = list(dict.fromkeys(words))
    if library is not None and library not in names:
        raise unknown_library(library, names)
    shown = names[0] if library is None else library
    notes = [several_libraries(names, shown)] if library is None else []
    return words.eq(shown).to_numpy(), shown, notes


def _library_column(obs: pd.DataFrame, listed: list[str]) -> str | None:
    """The column that tells several sections apart; None where there is one section."""
    keys = [key for key in (ARRAY_ROW, ARRAY_COL) if key in obs]
    overlap = len(keys) == 2 and bool(obs.duplicated(keys).any())
    for column in LIBRARY_COLUMNS:
        if column not in obs or obs[column].nunique() < 2:
            continue
        values = set(obs[column].astype(str))
        is_named = column in LIBRARY_COLUMNS[:2] or (len(listed) > 1 and values <= set(listed))
        separates = overlap and not obs.duplicated([*keys, column]).any()
        if is_named or separates:
            return column
    return None


def _with_array(
    obs: pd.DataFrame, pixels: NDArray[np.float64] | None
) -> tuple[pd.DataFrame, NDArray[np.float64] | None, list[Note]]:
    """Array positions from the file, from names like ``10x13``, or rebuilt from pixels (T16)."""
    if ARRAY_ROW in obs and ARRAY_COL in obs:
        return obs, *_true_pixels(obs, pixels)
    names = [str(name) for name in obs.index]
    placed = obs.copy()
    if share_of_spots(names) == 1.0:
        places = np.rint(positions_from_names(names)).astype(np.int64)
        placed[ARRAY_ROW], placed[ARRAY_COL] = places[:, 0], places[:, 1]
        sentence = "Is the first number row or column? The first number was taken as the row."
        return placed, pixels, [Note("T12", sentence)]
    if pixels is None:
        raise SectionFormatError(
            "A section needs positions; there are counts but neither obs columns array_row and "
            "array_col nor obsm['spatial']. Add the spot positions.",
            code="R8",
        )
    seen = np.isfinite(pixels).all(axis=1)
    rebuilt = rebuild_array(pixels[seen])
    places = np.full((len(obs), 2), np.nan)
    places[seen] = rebuilt.array
    placed[ARRAY_ROW], placed[ARRAY_COL] = places[:, 0], places[:, 1]
    note = Note("T16", f"Array rebuilt from pixels (RMS {rebuilt.rms_px:.2f} px).")
    return placed, pixels, [note]


def _true_pixels(
    obs: pd.DataFrame, pixels: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64] | None, list[Note]]:
    """Leave out ``obsm["spatial"]`` where it repeats array positions, which have no picture."""
    if pixels is None or len(obs) < 2:
        return pixels, []
    array = obs[[ARRAY_ROW, ARRAY_COL]].apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    seen = np.isfinite(array).all(axis=1) & np.isfinite(pixels).all(axis=1)
    if not seen.any():
        return pixels, []
    extent = np.ptp(array[seen], axis=0).max()
    if extent == 0 or np.ptp(pixels[seen], axis=0).max() / extent >= ARRAY_UNITS:
        return pixels, []
    return None, [Note("", "obsm['spatial'] holds array positions, not pixels; left out.")]


def _read_spatial(file: h5py.File, library: str) -> dict[str, Any]:
    """Pictures and scale factors of one library; empty where absent or not readable."""
    key = f"uns/{SPATIAL}/{library}"
    if not library or not isinstance(file.get(key), h5py.Group):
        return {}
    try:
        held = read_elem(file[key])
    except (IORegistryError, KeyError, ValueError, TypeError):
        return {}
    entry = {
        part: dict(held[part]) if isinstance(held.get(part), Mapping) else {}
        for part in ("images", "scalefactors", "metadata")
    }
    return {library: entry}


def _read_ours(file: h5py.File) -> dict[str, Any]:
    """What an earlier read or an export of ours left below ``uns["stentrans"]``."""
    if f"uns/{STENTRANS}" not in file:
        return {}
    try:
        held = read_elem(file[f"uns/{STENTRANS}"])
    except (IORegistryError, KeyError, ValueError, TypeError):
        return {}
    if isinstance(held, Mapping):
        kept = {str(key): value for key, value in held.items() if key not in (X_IS, NOTES)}
        older = notes_of(AnnData(uns={STENTRANS: dict(held)}))
        return kept | ({NOTES: held[NOTES]} if older else {})
    return {"provenance": str(held)}


def _skipped(element: str) -> Note:
    return Note("T20", f"Skipped {element}: written by newer software.")


def _other_version(path: Path, element: str) -> SectionFormatError:
    return SectionFormatError(
        f"Files must be readable by anndata 0.12; {path.name} was written by another anndata "
        f"({element}). Re-save it with anndata 0.12.",
        code="R14",
    )
