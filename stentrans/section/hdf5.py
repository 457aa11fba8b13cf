"""HDF5 files opened so that they can show nothing but themselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import h5py

from stentrans.errors import SectionFormatError
from stentrans.section.files import damaged

MAX_OBJECTS: Final = 100_000
"""Groups and datasets in one file (a project default); a section has some hundred."""
OUT, MANY = "out", "many"
FOREIGN: Final = (
    OSError,
    KeyError,
    ValueError,
    TypeError,
    IndexError,
    RuntimeError,
    AttributeError,
    ArithmeticError,
    UnicodeError,
    SystemError,  # h5py, where an exception ends a visit of HDF5
)
"""What h5py, anndata and pandas raise on damaged files."""


@contextmanager
def open_hdf5(path: Path) -> Iterator[h5py.File]:
    """Open a file for reading; whatever a damaged file does to its reader becomes R3.

    Raises
    ------
    SectionFormatError
        R1 if anything in the file lives in another file, R3 if the file is damaged.
    """
    try:
        with h5py.File(path, "r") as file:
            _refuse_other_files(file)
            yield file
    except SectionFormatError:
        raise
    except FOREIGN as error:
        raise damaged(path.name) from error


def _refuse_other_files(file: h5py.File) -> None:
    """Raise SectionFormatError (R1) for links to, and values kept in, other files.

    HDF5 would read any file of this computer that such a link names.
    """
    n_seen = 0

    # What a visitor returns ends the visit; an exception would get lost in HDF5.
    def look_at_link(_name: str, link: Any) -> str | None:
        nonlocal n_seen
        n_seen += 1
        if n_seen > MAX_OBJECTS:
            return MANY
        return OUT if isinstance(link, h5py.ExternalLink) else None

    def look_at_object(_name: str, held: Any) -> str | None:
        is_elsewhere = isinstance(held, h5py.Dataset) and (held.external or held.is_virtual)
        return OUT if is_elsewhere else None

    found = file.visititems_links(look_at_link) or file.visititems(look_at_object)
    if found == MANY:
        raise damaged(Path(file.filename).name)
    if found == OUT:
        raise SectionFormatError(
            "The file contains links to other files; it was not opened. Save everything in one "
            "file.",
            code="R1",
        )
