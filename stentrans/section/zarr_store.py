"""AnnData and SpatialData kept as zarr: a table, linked to shapes that tell where its spots are."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import zarr
from anndata import AnnData
from anndata.io import read_elem
from numpy.typing import NDArray

from stentrans.errors import SectionFormatError
from stentrans.section.assemble import Parts, assemble
from stentrans.section.elements import UNREADABLE, is_group
from stentrans.section.files import damaged, refuse_kind
from stentrans.section.folder import several_libraries, unknown_library
from stentrans.section.h5ad import read_parts
from stentrans.section.hdf5 import FOREIGN
from stentrans.section.notes import Note
from stentrans.section.options import ReadOptions

MARKS: Final = ("zarr.json", ".zgroup")
METADATA: Final = ("zarr.json", ".zarray", ".zmetadata")
PICKLED: Final = re.compile(rb'"(id|name)"\s*:\s*"(numcodecs\.)?pickle"')
POINT: Final = np.dtype([("order", "u1"), ("type", "<u4"), ("x", "<f8"), ("y", "<f8")])
"""A point as GeoParquet keeps it, little endian."""


def is_zarr(folder: Path) -> bool:
    """Whether a folder is the root of a zarr store."""
    return any((folder / name).is_file() for name in MARKS)


def read_zarr(
    folder: Path, options: ReadOptions, *, shown: str, notes: tuple[Note, ...] = ()
) -> AnnData:
    """Read one section from a zarr store of AnnData or SpatialData.

    Parameters
    ----------
    folder
        The store.
    options
        Which table or region, where the counts are.
    shown
        The name the user knows.
    notes
        What is already known about the way to this store.

    Raises
    ------
    SectionFormatError
        R3 if damaged, R4 for pickled arrays, R5 if it holds no table, and what `read_h5ad` raises.
    """
    try:
        _refuse_pickles(folder, shown)
        store: Any = zarr.open_group(folder, mode="r")
        if "obs" in store and "var" in store:
            return assemble(read_parts(store, shown, options, notes=notes))
        return assemble(_from_spatial_data(store, folder, options, shown, notes))
    except SectionFormatError:
        raise
    except (*FOREIGN, *UNREADABLE, EOFError) as error:
        raise damaged(shown) from error


def _refuse_pickles(folder: Path, shown: str) -> None:
    """Raise SectionFormatError (R4) for arrays whose decoder would run code."""
    for name in METADATA:
        for path in folder.rglob(name):
            if PICKLED.search(path.read_bytes()):
                raise refuse_kind(shown, "pickle")


def _from_spatial_data(
    store: Any, folder: Path, options: ReadOptions, shown: str, notes: tuple[Note, ...]
) -> Parts:
    """The table of a SpatialData store with the centres of its shapes."""
    tables = store.get("tables") or store.get("table")
    names = [str(name) for name in tables] if is_group(tables) else []
    names = sorted((name for name in names if "obs" in tables[name]), key=_bins_of_16_first)
    if not names:
        raise SectionFormatError(
            f"{shown} is zarr without a table of counts, which is not supported; use a SpatialData "
            "store with a table, h5ad, or a Space Ranger folder.",
            code="R5",
        )
    name, inner = names[0], options
    if options.library in names and len(names) > 1:
        name, inner = str(options.library), replace(options, library=None)
    elif options.library is not None and len(names) > 1:
        raise unknown_library(options.library, names)
    several = (several_libraries(names, name),) if len(names) > 1 else ()
    table = tables[name]
    centres = _centres(table, folder)
    picture = Note("T6", "Pictures of SpatialData are not read; no picture shown.")
    found = (*notes, *several, *((picture,) if "images" in store else ()))
    return read_parts(table, shown, inner, notes=found, pixels=centres)


def _bins_of_16_first(name: str) -> tuple[bool, str]:
    return "016um" not in name, name


def _centres(table: Any, folder: Path) -> NDArray[np.float64] | None:
    """(x, y) per row of the table from the circles it is linked to; None where there are none."""
    if "spatial" in (table.get("obsm") or ()):
        return None  # the table has them itself
    attributes = read_elem(table["uns/spatialdata_attrs"])
    regions, instances = (
        read_elem(table[f"obs/{attributes[key]}"]) for key in ("region_key", "instance_key")
    )
    centres = np.full((len(regions), 2), np.nan)
    words = np.asarray(pd.Series(regions).astype(str))
    for region in dict.fromkeys(words):
        circles = _circles(folder / "shapes" / region)
        mine = words == region
        centres[mine] = circles.reindex(np.asarray(instances)[mine]).to_numpy(np.float64)
    return centres


def _circles(folder: Path) -> pd.DataFrame:
    """Centres of circles by their name, from GeoParquet."""
    from pyarrow import parquet

    (path,) = folder.glob("*.parquet")
    frame = parquet.read_table(path).to_pandas(ignore_metadata=True)
    (names,) = [name for name in frame if name not in ("geometry", "radius")][:1]
    raw = b"".join(bytes(point)[: POINT.itemsize] for point in frame["geometry"])
    points = np.frombuffer(raw, POINT)
    if len(points) != len(frame) or (points["order"] != 1).any() or (points["type"] != 1).any():
        raise ValueError("shapes that are no points")
    return pd.DataFrame({"x": points["x"], "y": points["y"]}, index=frame[names].to_numpy())
