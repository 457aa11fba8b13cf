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

from stentrans.errors import SectionFormatError
from stentrans.keys import ARRAY_COL, ARRAY_ROW, NOTES, SPATIAL, STENTRANS, X_IS
from stentrans.section.assemble import Parts, assemble
from stentrans.section.cells import raster_positions
from stentrans.section.count_places import UnreadableMatrix, read_counts
from stentrans.section.elements import (
    UNREADABLE,
    is_group,
    read_frame,
    skipped_note,
    unknown_elements,
)
from stentrans.section.files import damaged
from stentrans.section.hdf5 import open_hdf5
from stentrans.section.libraries import choose_library
from stentrans.section.notes import Note, notes_as_text, notes_of
from stentrans.section.options import READ_OPTIONS, FirstNumber, ReadOptions
from stentrans.section.positions import NO_ARRAY, NO_ARRAY_SENTENCE, TECHNOLOGY
from stentrans.section.rebuild import rebuild_array
from stentrans.section.results import is_result
from stentrans.section.spot_names import named_array, share_of_spots

PIXEL_KEYS: Final = (SPATIAL, f"X_{SPATIAL}")
PIXEL_COLUMNS: Final = (
    ("pxl_col_in_fullres", "pxl_row_in_fullres"),
    ("imagecol", "imagerow"),
    ("x_centroid", "y_centroid"),
    ("center_x", "center_y"),
    ("x", "y"),
)
"""``obs`` columns (x, y) in which programs keep positions when they do not use ``obsm``."""
ARRAY_UNITS: Final = 1.5
"""Pixels per array step below which ``obsm["spatial"]`` repeats the array positions."""


def is_h5ad(file: h5py.File) -> bool:
    """Whether an open HDF5 file has the layout of AnnData."""
    return "obs" in file and "var" in file


def read_h5ad(
    path: Path, options: ReadOptions | None = None, *, notes: tuple[Note, ...] = ()
) -> AnnData:
    """Read one section from an AnnData file.

    Parameters
    ----------
    path
        The file.
    options
        Which section, where the counts are, what spot names mean.
    notes
        What is already known about the way to this file.

    Raises
    ------
    SectionFormatError
        R1 if it is spread over files, R3 if damaged, R8 without positions, R13 if too large, R14
        if written by another anndata, and what `assemble` refuses.
    """
    with open_hdf5(path) as file:
        parts = read_parts(file, path.name, options or ReadOptions(), notes=notes)
    return assemble(parts)


def read_parts(
    file: Any,
    name: str,
    options: ReadOptions,
    *,
    notes: tuple[Note, ...],
    pixels: NDArray[np.float64] | None = None,
) -> Parts:
    """Return what a section needs from an open AnnData file, HDF5 or zarr.

    Parameters
    ----------
    file
        The group that holds obs, var and X.
    name
        The name the user knows, for messages.
    options, notes
        See `read_h5ad`.
    pixels
        (x, y) per spot where they are kept beside the table; None: the table has them.

    Raises
    ------
    SectionFormatError
        See `read_h5ad`.
    """
    if not is_group(file["obs"]) or not is_group(file["var"]):
        raise _other_version(name, "obs, in a layout from before 2020")
    found, skipped = list(notes), unknown_elements(file)
    try:
        obs = read_frame(file["obs"], skipped)
        kept, library, library_notes = choose_library(file, obs, options.library)
        share = 0.0 if kept.all() else float(kept.mean())
        # The layer of expected counts of a result is not what was counted.
        place = "X" if is_result(obs) else options.counts
        counts, var, count_notes = read_counts(file, place, skipped, share=share)
        count_notes = [] if is_result(obs) else count_notes
    except UnreadableMatrix as error:
        raise _other_version(name, str(error)) from error
    except IORegistryError as error:
        raise _other_version(name, "names of spots or genes") from error
    if counts.shape != (len(obs), len(var)):
        raise damaged(name)
    pixel_notes: list[Note] = []
    if pixels is None:
        pixels, pixel_notes = _read_pixels(file, obs, skipped)
    if not kept.all():
        obs, counts = obs.loc[kept], counts[kept]
        pixels = None if pixels is None else pixels[kept]
    obs, pixels, place_notes = _with_array(obs, pixels, options.first_number)
    ours = _read_ours(file)
    if pixels is not None and ARRAY_ROW not in obs:
        obs = _on_raster(obs, pixels)
        ours[NO_ARRAY] = NO_ARRAY_SENTENCE
    technology = str(ours.pop(TECHNOLOGY, ""))
    found += [*skipped_note(skipped), *library_notes, *count_notes, *pixel_notes, *place_notes]
    return Parts(
        counts=counts,
        obs=obs,
        var=var,
        pixels=pixels,
        spatial=_read_spatial(file, library),
        technology=technology,
        library=library,
        notes=found,
        extra=ours,
    )


def _read_pixels(
    file: Any, obs: pd.DataFrame, skipped: list[str]
) -> tuple[NDArray[np.float64] | None, list[Note]]:
    """(x, y) per spot from ``obsm`` or from columns of ``obs``; None where there are none."""
    for key in PIXEL_KEYS:
        stored = file.get(f"obsm/{key}")
        if stored is None:
            continue
        try:
            pixels = np.array(read_elem(stored), dtype=np.float64)
        except (IORegistryError, *UNREADABLE):
            skipped.append(f"obsm[{key!r}]")
            continue
        if pixels.ndim == 2 and pixels.shape[0] == len(obs) and pixels.shape[1] >= 2:
            return pixels[:, :2].copy(), []
        skipped.append(f"obsm[{key!r}]")
    for x, y in PIXEL_COLUMNS:
        if x in obs and y in obs:
            pixels = np.column_stack([_numbers(obs[x]), _numbers(obs[y])])
            if np.isfinite(pixels).any():
                return pixels, [Note("", f"Positions taken from obs columns {x} and {y}.")]
    return None, []


def _numbers(column: pd.Series) -> NDArray[np.float64]:
    """Cells as float64, NaN where they are none."""
    found = pd.to_numeric(column.astype(object), errors="coerce").to_numpy(dtype=np.float64)
    return np.asarray(found, dtype=np.float64)


def _with_array(
    obs: pd.DataFrame, pixels: NDArray[np.float64] | None, first_number: FirstNumber | None
) -> tuple[pd.DataFrame, NDArray[np.float64] | None, list[Note]]:
    """Array positions from the file, from names like ``10x13``, or rebuilt from pixels (T16).

    Spots that lie on no array get none.
    """
    if ARRAY_ROW in obs and ARRAY_COL in obs:
        return obs, *_true_pixels(obs, pixels)
    names = [str(name) for name in obs.index]
    placed = obs.copy()
    if share_of_spots(names) == 1.0:
        places, note = named_array(names, pixels, first_number)
        placed[ARRAY_ROW], placed[ARRAY_COL] = np.rint(places).astype(np.int64).T
        return placed, pixels, [note]
    if pixels is None:
        raise SectionFormatError(
            "A section needs positions; there are counts but neither obs columns array_row and "
            "array_col nor obsm['spatial']. Add the spot positions.",
            code="R8",
        )
    seen = np.asarray(np.isfinite(pixels).all(axis=1))
    rebuilt = rebuild_array(pixels[seen])
    if rebuilt is None:
        return placed, pixels, []
    note = Note("T16", f"Array rebuilt from pixels (RMS {rebuilt.rms_px:.2f} px).")
    return _placed(placed, seen, rebuilt.array), pixels, [note]


def _on_raster(obs: pd.DataFrame, pixels: NDArray[np.float64]) -> pd.DataFrame:
    """The same spots with positions on a raster, for spots that lie on no array."""
    seen = np.asarray(np.isfinite(pixels).all(axis=1))
    if not seen.any():
        raise SectionFormatError(
            "A section needs positions; no spot of this one has any. Add the spot positions.",
            code="R8",
        )
    return _placed(obs, seen, raster_positions(pixels[seen]))


def _placed(obs: pd.DataFrame, seen: NDArray[np.bool_], array: NDArray[np.int64]) -> pd.DataFrame:
    """A copy with array positions where they are known, NaN elsewhere."""
    places = np.full((len(obs), 2), np.nan)
    places[seen] = array
    placed = obs.copy()
    placed[ARRAY_ROW], placed[ARRAY_COL] = places[:, 0], places[:, 1]
    return placed


def _true_pixels(
    obs: pd.DataFrame, pixels: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64] | None, list[Note]]:
    """Leave out ``obsm["spatial"]`` where it repeats array positions, which have no picture."""
    if pixels is None or len(obs) < 2:
        return pixels, []
    array = np.column_stack([_numbers(obs[ARRAY_ROW]), _numbers(obs[ARRAY_COL])])
    seen = np.isfinite(array).all(axis=1) & np.isfinite(pixels).all(axis=1)
    if not seen.any():
        return pixels, []
    extent = np.ptp(array[seen], axis=0).max()
    if extent == 0 or np.ptp(pixels[seen], axis=0).max() / extent >= ARRAY_UNITS:
        return pixels, []
    return None, [Note("", "obsm['spatial'] holds array positions, not pixels; left out.")]


def _read_spatial(file: Any, library: str) -> dict[str, Any]:
    """Pictures and scale factors of one library; empty where absent or not readable."""
    stored = file.get(f"uns/{SPATIAL}/{library}") if library else None
    if not is_group(stored):
        return {}
    try:
        held = read_elem(stored)
    except (IORegistryError, *UNREADABLE):
        return {}
    entry = {
        part: dict(held[part]) if isinstance(held.get(part), Mapping) else {}
        for part in ("images", "scalefactors", "metadata")
    }
    return {library: entry}


def _read_ours(file: Any) -> dict[str, Any]:
    """What an earlier read or an export of ours left below ``uns["stentrans"]``."""
    stored = file.get(f"uns/{STENTRANS}")
    if stored is None:
        return {}
    try:
        held = read_elem(stored)
    except (IORegistryError, *UNREADABLE):
        return {}
    if not isinstance(held, Mapping):
        return {"provenance": str(held)}
    ours = {str(key): value for key, value in held.items() if key not in _OF_THAT_FILE}
    older = [note.without_choice() for note in notes_of(AnnData(uns={STENTRANS: dict(held)}))]
    return ours | ({NOTES: notes_as_text(older)} if older else {})


_OF_THAT_FILE: Final = (X_IS, NOTES, READ_OPTIONS, NO_ARRAY)


def _other_version(name: str, element: str) -> SectionFormatError:
    return SectionFormatError(
        f"Files must be readable by anndata 0.12; {name} was written by another anndata "
        f"({element}). Re-save it with anndata 0.12.",
        code="R14",
    )
