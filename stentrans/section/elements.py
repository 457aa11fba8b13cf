"""Elements of an AnnData file, HDF5 or zarr, read one by one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import h5py
import numpy as np
import pandas as pd
from anndata._io.specs.registry import IORegistryError  # anndata 0.12 exports it nowhere else
from anndata.io import read_elem

from stentrans.section.notes import Note

ENCODINGS: Final = frozenset(
    {
        "",
        "anndata",
        "array",
        "awkward-array",
        "categorical",
        "csc_matrix",
        "csr_matrix",
        "dataframe",
        "dict",
        "null",
        "nullable-boolean",
        "nullable-integer",
        "nullable-string-array",
        "numeric-scalar",
        "raw",
        "rec-array",
        "string",
        "string-array",
    }
)
"""What anndata 0.12 can read."""
UNREADABLE: Final = (IORegistryError, KeyError, ValueError, TypeError, AttributeError)
"""What anndata raises on an element that it does not know, or that is not what it says."""
MAPPINGS: Final = ("obsm", "varm", "layers", "obsp", "varp", "uns")
MOST_NAMED: Final = 3


def is_group(held: Any) -> bool:
    """Whether something in a file holds other things, in HDF5 or zarr."""
    return held is not None and not hasattr(held, "shape")


def encoding_of(held: Any) -> str:
    """Return the encoding an element declares, an empty string where it declares none."""
    given = held.attrs.get("encoding-type", "")
    return given.decode() if isinstance(given, bytes) else str(given)


def read_frame(group: Any, skipped: list[str]) -> pd.DataFrame:
    """Read a data frame column by column; names of unreadable columns go to ``skipped``."""
    names = read_elem(group[group.attrs["_index"]])
    index = pd.Index([_text(name) for name in names], dtype=object)
    columns: dict[str, Any] = {}
    for name in (_text(one) for one in group.attrs["column-order"]):
        try:
            columns[name] = pd.Series(_read_column(group, name), index=index)
        except UNREADABLE:
            skipped.append(f"{str(group.name).strip('/')}[{name!r}]")
    return pd.DataFrame(columns, index=index)


def skipped_note(skipped: Iterable[str]) -> list[Note]:
    """Return T20 for elements that could not be read, if any."""
    names = list(dict.fromkeys(skipped))
    if not names:
        return []
    shown = ", ".join(names[:MOST_NAMED])
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return [Note("T20", f"Skipped {shown}{more}: written by newer software.")]


def unknown_elements(file: Any) -> list[str]:
    """Name the elements beside X, obs and var that anndata 0.12 does not know."""
    return [
        f"{mapping}[{name!r}]"
        for mapping in MAPPINGS
        if is_group(file.get(mapping))
        for name in file[mapping]
        if (held := file[mapping].get(name)) is not None and encoding_of(held) not in ENCODINGS
    ]


def _read_column(group: Any, name: str) -> Any:
    """One column; anndata 0.7 kept categories in a dataset of their own, named by a reference."""
    stored = group[name]
    reference = stored.attrs.get("categories")
    if reference is None or not isinstance(stored, h5py.Dataset):
        return read_elem(stored)
    words = [_text(one) for one in np.asarray(stored.file[reference][:])]
    codes = np.asarray(stored[:], dtype=np.int64)
    return pd.Categorical.from_codes(codes, pd.Index(words))


def _text(name: Any) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
