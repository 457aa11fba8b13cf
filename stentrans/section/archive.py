"""Unpack zip and tar without letting them write elsewhere or grow without bound."""

from __future__ import annotations

import errno
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final, cast

from stentrans.errors import SectionFormatError
from stentrans.section.files import (
    CHUNK,
    MAX_EXPANDED,
    copy_bounded,
    damaged,
    expanded_limit,
    kind_of,
    kind_within_gzip,
    open_bounded,
    refuse_kind,
    too_large,
)

MAX_MEMBERS: Final = 10_000
TAR_BLOCKS: Final = 512 * (4 * MAX_MEMBERS + 20)
"""Bytes of a tar beside the content of its members."""
MAX_HEADER: Final = 2**20
"""Bytes of a tar header that holds a long name; tarfile would take any number into memory."""
LONGEST_TARGET: Final = 4096
ARCHIVES: Final = (".zip", ".tar", ".tar.gz", ".tgz")
FOREIGN: Final = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    ValueError,
    OverflowError,
    RuntimeError,
)
"""What zipfile, tarfile and the decompressors raise on damaged files."""
_HEADERS: Final = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)


@dataclass
class Budget:
    """What archives, and archives within them, may still expand to, all together.

    Parameters
    ----------
    bytes_left
        Bytes that may still be written.
    members_left
        Files that may still be written.
    """

    bytes_left: int = MAX_EXPANDED
    members_left: int = MAX_MEMBERS

    def take(self, n_bytes: int, *, n_members: int = 1) -> None:
        """Subtract what is used; raise SectionFormatError (R2) where too little is left."""
        if n_bytes > self.bytes_left or n_members > self.members_left:
            raise too_large(MAX_EXPANDED)
        self.bytes_left -= n_bytes
        self.members_left -= n_members


@dataclass(frozen=True)
class Member:
    """One entry of an archive that will be written.

    Parameters
    ----------
    path
        Below the folder of the archive.
    size
        Bytes, as the archive says.
    """

    path: PurePosixPath
    size: int


def is_archive(path: Path) -> bool:
    """Whether a file is named like an archive and is one."""
    return path.name.lower().endswith(ARCHIVES) and archive_kind(path) != ""


def archive_kind(path: Path) -> str:
    """Return ``"zip"``, ``"tar"``, ``"tar.gz"``, or an empty string for anything else."""
    kind = kind_of(path)
    if kind == "gzip":
        return "tar.gz" if kind_within_gzip(path) == "tar" else ""
    return kind if kind in ("zip", "tar") else ""


def unpack(path: Path, into: Path, *, budget: Budget | None = None) -> None:
    """Unpack an archive into an empty folder; all of it is checked before the first is written.

    Links that stay within the archive are left out.

    Parameters
    ----------
    path
        A zip, tar or tar.gz.
    into
        An existing folder.
    budget
        What may still be unpacked; lessened by what is.

    Raises
    ------
    SectionFormatError
        R1 for links and paths that leave the folder, R2 beyond the limits, R3 if damaged, R4 and
        R5 for password-protected files, models and arrays.
    """
    left = budget or Budget()
    most = expanded_limit(path.stat().st_size, left.bytes_left)
    open_members = _zip_members if archive_kind(path) == "zip" else _tar_members
    with _plain_errors(path.name):
        members = [member for member, _ in open_members(path, most)]
        _check(path.name, members)
        size = sum(member.size for member in members)
        if size > most:
            raise too_large(most)
        left.take(size, n_members=len(members))
        for member, source in open_members(path, most):
            target = into.joinpath(*member.path.parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as sink:
                # Sizes in the index can lie, so the stream is bounded as well.
                if copy_bounded(source, sink, member.size) < member.size:
                    raise damaged(path.name)


def _check(name: str, members: list[Member]) -> None:
    """Raise SectionFormatError (R4) for what runs code when it is loaded."""
    files = [member.path.name for member in members]
    if "data.pkl" in files or any(file.endswith((".pkl", ".pickle")) for file in files):
        raise refuse_kind(name, "pickle")
    if files and all(file.endswith(".npy") for file in files):
        # Arrays of objects are pickles inside; none of our readers takes arrays anyway.
        raise refuse_kind(name, "pickle")


def _zip_members(path: Path, most: int) -> Iterator[tuple[Member, BinaryIO]]:
    """Entries of a zip with their open streams."""
    with zipfile.ZipFile(path) as archive:
        held = [one for one in archive.infolist() if not one.is_dir()]
        if len(held) > MAX_MEMBERS:
            raise too_large(most)
        for one in held:
            if one.flag_bits & 0x1:
                raise refuse_kind(path.name, "a zip with a password")
            if one.file_size > expanded_limit(one.compress_size, most):
                raise too_large(most)
            inner = _inner_path(one.filename)
            with archive.open(one) as source:
                if stat.S_ISLNK(one.external_attr >> 16):
                    target = source.read(LONGEST_TARGET).decode("utf-8", "replace")
                    _inner_path(target, below=inner.parent)
                    continue
                yield Member(inner, one.file_size), cast("BinaryIO", source)


def _tar_members(path: Path, most: int) -> Iterator[tuple[Member, BinaryIO]]:
    """Entries of a tar with their streams, in the order of the file, each to be read at once."""
    with (
        open_bounded(path, most + TAR_BLOCKS) as stream,
        tarfile.open(fileobj=stream, mode="r|", tarinfo=_SmallHeader) as archive,
    ):
        n_seen = 0
        for one in archive:
            n_seen += 1
            if n_seen > MAX_MEMBERS or one.size > most:
                raise too_large(most)
            if one.isdir():
                continue
            inner = _inner_path(one.name)
            if one.issym():
                _inner_path(one.linkname, below=inner.parent)
            elif one.islnk():
                _inner_path(one.linkname)
            elif one.isfile() and (source := archive.extractfile(one)) is not None:
                yield Member(inner, one.size), cast("BinaryIO", source)
            else:
                raise _leaves_folder()
        while stream.read(CHUNK):
            pass  # to its end, where gzip says whether all of it is whole


class _SmallHeader(tarfile.TarInfo):
    """A header whose long name is no longer than a name can be."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _SmallHeader:
        """Read a header block; raise SectionFormatError (R2) if its text would not end."""
        found = super().frombuf(buf, encoding, errors)
        if found.type in _HEADERS and found.size > MAX_HEADER:
            raise too_large(MAX_HEADER)
        return found


def _inner_path(name: str, *, below: PurePosixPath | None = None) -> PurePosixPath:
    """A path within the archive; raise SectionFormatError (R1) if it leads out of it."""
    # Some Windows programs write backslashes.
    given = PurePosixPath(name.replace("\\", "/"))
    parts = given.parts
    is_absolute = bool(parts) and (parts[0].startswith("/") or parts[0].endswith(":"))
    depth = 0 if below is None else len(below.parts)
    for part in parts:
        depth += -1 if part == ".." else 1
        if depth < 0:
            is_absolute = True
    if is_absolute or not parts or (below is None and ".." in parts):
        raise _leaves_folder()
    return given


def _leaves_folder() -> SectionFormatError:
    return SectionFormatError(
        "The archive contains paths or links that leave its folder; it was not opened. "
        "Pack the folder again.",
        code="R1",
    )


@contextmanager
def _plain_errors(name: str) -> Iterator[None]:
    """Turn what damaged archives and full disks raise into sentences."""
    try:
        yield
    except SectionFormatError:
        raise
    except NotImplementedError as error:
        raise refuse_kind(name, "a zip with an unusual compression") from error
    except FOREIGN as error:
        raise damaged(name) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise SectionFormatError(
                f"Unpacking {name} needs more room than the disk has; free some space, or unpack "
                "it elsewhere and open the folder by path.",
                code="R13",
            ) from error
        raise damaged(name) from error
