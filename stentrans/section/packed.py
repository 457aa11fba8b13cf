"""Archives beside or within what was handed over, as GEO packs them: one per part of a sample."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from stentrans.section.archive import Budget, is_archive, unpack
from stentrans.section.files import gunzip
from stentrans.section.folder import Member, archive_stem, list_files

DEPTH: Final = 2
"""Archives within archives that are opened: GEO's record, and a sample's folder in it."""
MOST_ARCHIVES: Final = 20
"""In a folder with more of them only those named *spatial* are opened."""
PACKED_FILES: Final = (".h5.gz", ".h5ad.gz")


def unpacked(files: Sequence[Member], stack: ExitStack, budget: Budget) -> tuple[list[Member], int]:
    """Replace archives among files by what they hold, in temporary folders.

    Parameters
    ----------
    files
        From `list_files`; the folder they are in is left as it was.
    stack
        Removes the temporary folders when it ends.
    budget
        What may be unpacked; lessened by what is.

    Returns
    -------
    files
        Without the archives, with their content, below a folder named after each.
    n_junk
        Files of no use that were found in them.

    Raises
    ------
    SectionFormatError
        See `unpack`; R3 for a damaged gzip.
    """
    known, n_junk = list(files), 0
    for _ in range(DEPTH):
        archives = [one for one in known if is_archive(one.path)]
        if len(archives) > MOST_ARCHIVES:
            archives = [one for one in archives if "spatial" in one.path.name.lower()]
        if not archives:
            break
        known = [one for one in known if one not in archives]
        for archive in archives[:MOST_ARCHIVES]:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="stentrans-")))
            unpack(archive.path, folder, budget=budget)
            top = archive.shown.parent / _sample_of(archive.path.name)
            inner, n_more = list_files(folder, shown=top)
            known, n_junk = known + inner, n_junk + n_more
    return [_expanded(one, stack, budget) for one in known], n_junk


def _sample_of(name: str) -> str:
    """What an archive's name says of its sample: ``GSM1_a_spatial.tar.gz`` is of GSM1_a."""
    return re.sub(r"[-_.]?spatial$", "", archive_stem(name), flags=re.IGNORECASE) or "spatial"


def _expanded(member: Member, stack: ExitStack, budget: Budget) -> Member:
    """The same file without gzip around it, where that hides an HDF5 file."""
    if not member.path.name.lower().endswith(PACKED_FILES):
        return member
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="stentrans-")))
    inner = folder / member.path.stem
    gunzip(member.path, inner, limit=budget.bytes_left)
    budget.take(inner.stat().st_size)
    return Member(inner, member.shown.with_name(inner.name))
