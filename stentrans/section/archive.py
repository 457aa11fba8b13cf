"""Unpack an uploaded zip without letting it write elsewhere or grow without bound."""

from __future__ import annotations

import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Final

from stentrans.errors import SectionFormatError
from stentrans.section.files import (
    MAX_EXPANDED,
    copy_bounded,
    damaged,
    expanded_limit,
    refuse_kind,
    too_large,
)

MAX_MEMBERS: Final = 10_000


def unpack(path: Path, into: Path, *, limit: int = MAX_EXPANDED) -> None:
    """Unpack a zip into an empty folder; every member is checked before the first is written.

    Parameters
    ----------
    path
        The zip file.
    into
        An existing folder.
    limit
        Bytes that all members together may expand to.

    Raises
    ------
    SectionFormatError
        R1 for links and paths that leave the folder, R2 beyond the limits, R3 if damaged, R4 and
        R5 for password-protected files, models and arrays.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [one for one in archive.infolist() if not one.is_dir()]
            _check(path.name, members, limit)
            n_left = limit
            for member in members:
                target = into.joinpath(*_path(member).parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                # Sizes in the index can lie, so the stream is bounded as well.
                bound = min(n_left, expanded_limit(member.compress_size, limit))
                with archive.open(member) as source, target.open("wb") as sink:
                    n_left -= copy_bounded(source, sink, bound)  # type: ignore[arg-type]
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise damaged(path.name) from error
    except NotImplementedError as error:
        raise refuse_kind(path.name, "a zip with an unusual compression") from error
    except FileExistsError as error:
        raise damaged(path.name) from error


def _check(name: str, members: list[zipfile.ZipInfo], limit: int) -> None:
    """Raise SectionFormatError for anything that should not be unpacked."""
    if len(members) > MAX_MEMBERS:
        raise too_large(limit)
    for member in members:
        if _leaves_folder(member):
            raise SectionFormatError(
                "The archive contains paths or links that leave its folder; it was not opened. "
                "Zip the folder again.",
                code="R1",
            )
        if member.flag_bits & 0x1:
            raise refuse_kind(name, "a zip with a password")
        if member.file_size > expanded_limit(member.compress_size, limit):
            raise too_large(limit)
    if sum(member.file_size for member in members) > limit:
        raise too_large(limit)
    files = [_path(member).name for member in members]
    if "data.pkl" in files or any(file.endswith((".pkl", ".pickle")) for file in files):
        raise refuse_kind(name, "pickle")
    if files and all(file.endswith(".npy") for file in files):
        # Arrays of objects are pickles inside; none of our readers takes arrays anyway.
        raise refuse_kind(name, "pickle")


def _leaves_folder(member: zipfile.ZipInfo) -> bool:
    """Whether a member is a link, absolute, or climbs out of its folder."""
    mode = member.external_attr >> 16
    parts = _path(member).parts
    is_absolute = bool(parts) and (parts[0].startswith("/") or parts[0].endswith(":"))
    return stat.S_ISLNK(mode) or is_absolute or ".." in parts or not parts


def _path(member: zipfile.ZipInfo) -> PurePosixPath:
    """Path inside the archive; some Windows programs write backslashes."""
    return PurePosixPath(member.filename.replace("\\", "/"))
