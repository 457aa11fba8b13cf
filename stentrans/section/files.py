"""What a file really is, by its first bytes, and its content within bounds."""

from __future__ import annotations

import gzip
import io
import zlib
from codecs import getincrementaldecoder
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from stentrans.errors import SectionFormatError
from stentrans.section.memory import refuse_bytes
from stentrans.section.notes import Note

MAX_EXPANDED: Final = 8 * 2**30
"""Bytes that a compressed file may expand to (a project default)."""
MAX_RATIO: Final = 200
RATIO_FROM: Final = 50 * 2**20
"""Above this size a file may expand to at most ``MAX_RATIO`` times its compressed size."""
CHUNK: Final = 2**20
BIG_CHUNK: Final = 2**26

_MAGIC: Final = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"\x89HDF\r\n\x1a\n", "HDF5"),
    (b"PAR1", "parquet"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"%PDF", "a PDF"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"7z\xbc\xaf", "7-zip"),
    (b"RDX", "R data"),
    (b"X\n\x00\x00", "R data"),
    (b"\x93NUMPY", "a NumPy array"),
)
_SUFFIXES: Final = {
    ".h5ad": "HDF5",
    ".h5": "HDF5",
    ".zip": "zip",
    ".gz": "gzip",
    ".csv": "text",
    ".tsv": "text",
    ".txt": "text",
}


def kind_of(path: Path) -> str:
    """Return what a file is: zip, gzip, HDF5, parquet, pickle, text, empty or another format."""
    with path.open("rb") as file:
        head = file.read(4096)
    return kind_of_bytes(head)


def kind_of_bytes(head: bytes) -> str:
    """Return what content is by its first bytes; see `kind_of`."""
    if not head:
        return "empty"
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[0] == 0x80 and len(head) > 1 and head[1] in range(2, 6):
        return "pickle"
    if head[257:262] == b"ustar":
        return "tar"
    is_utf16 = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    return "text" if is_utf16 or b"\x00" not in head else "a binary file"


def kind_within_gzip(path: Path) -> str:
    """Return what a gzip file holds; see `kind_of`.

    Raises
    ------
    SectionFormatError
        R3 if it is damaged from the start.
    """
    try:
        with gzip.open(path, "rb") as file:
            return kind_of_bytes(file.read(4096))
    except (EOFError, OSError, zlib.error) as error:
        raise damaged(path.name) from error


def suffix_note(path: Path, kind: str) -> list[Note]:
    """Return T19 where the name promises another kind of file."""
    promised = _SUFFIXES.get(path.suffix.lower())
    if promised is None or promised == kind:
        return []
    return [Note("T19", f"{path.name} is really {kind}.")]


def refuse_kind(name: str, kind: str) -> SectionFormatError:
    """Return the refusal that fits a kind of file no reader takes."""
    if kind == "empty":
        return damaged(name)
    if kind == "pickle":
        return SectionFormatError(
            f"A section must be plain data; {name} holds pickled objects, which can run code. "
            "Export csv, mtx or h5ad.",
            code="R4",
        )
    return SectionFormatError(
        f"{name} is {kind}, which is not supported; use h5ad, a Space Ranger folder or zip, or a "
        "csv/tsv table of counts.",
        code="R5",
    )


def damaged(name: str) -> SectionFormatError:
    """Return the refusal for an incomplete file (R3)."""
    return SectionFormatError(
        f"Files must be complete; {name} is incomplete or damaged. Copy it again.", code="R3"
    )


def too_large(limit: int) -> SectionFormatError:
    """Return the refusal for a file that expands too far (R2)."""
    shown = f"{limit / 2**30:.3g} GiB" if limit >= 2**30 else f"{limit / 2**20:.3g} MiB"
    return SectionFormatError(
        f"The file expands beyond {shown}; unpack it and open the folder by path.",
        code="R2",
    )


def expanded_limit(n_compressed: int, limit: int) -> int:
    """Return how far a compressed file of this size may expand, in bytes."""
    return min(limit, max(RATIO_FROM, MAX_RATIO * n_compressed))


def copy_bounded(source: BinaryIO, target: BinaryIO, limit: int) -> int:
    """Copy a stream; raise SectionFormatError (R2) as soon as it is longer than ``limit``."""
    n_copied = 0
    while block := source.read(CHUNK):
        n_copied += len(block)
        if n_copied > limit:
            raise too_large(limit)
        target.write(block)
    return n_copied


class BoundedReader(io.RawIOBase):
    """A stream that raises SectionFormatError (R2) when more than ``limit`` bytes were read."""

    def __init__(self, source: BinaryIO, limit: int) -> None:
        self._source, self._limit, self._n_read = source, limit, 0

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer from the source."""
        found = self._source.read(len(buffer))
        self._n_read += len(found)
        if self._n_read > self._limit:
            raise too_large(self._limit)
        buffer[: len(found)] = found
        return len(found)

    def close(self) -> None:
        """Close the source, too."""
        self._source.close()
        super().close()


def open_bounded(path: Path, limit: int) -> io.BufferedReader:
    """Open a file, expanded if it is gzip, that refuses (R2) to give more than ``limit`` bytes."""
    if kind_of(path) == "gzip":
        return io.BufferedReader(BoundedReader(cast("BinaryIO", gzip.open(path, "rb")), limit))
    return io.BufferedReader(BoundedReader(path.open("rb"), limit))


def gunzip(path: Path, target: Path, *, limit: int = MAX_EXPANDED) -> None:
    """Write the expanded content of a gzip file to ``target``.

    Raises
    ------
    SectionFormatError
        R3 if the file is damaged, R2 if it expands beyond the limits.
    """
    bound = expanded_limit(path.stat().st_size, limit)
    try:
        with gzip.open(path, "rb") as source, target.open("wb") as sink:
            copy_bounded(source, sink, bound)  # type: ignore[arg-type]
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise damaged(path.name) from error


def content(path: Path, *, limit: int = MAX_EXPANDED) -> bytes:
    """Return a file's bytes, expanded if it is gzip whatever its name says.

    Raises
    ------
    SectionFormatError
        R3 if the file is damaged, R2 if it expands beyond the limits, R13 if that is more than
        the memory holds.
    """
    if kind_of(path) != "gzip":
        n_bytes = path.stat().st_size
        if n_bytes > limit:
            raise too_large(limit)
        refuse_bytes(n_bytes)
        return path.read_bytes()
    bound = expanded_limit(path.stat().st_size, limit)
    found = bytearray()
    try:
        with gzip.open(path, "rb") as source:
            while block := source.read(BIG_CHUNK):
                found += block
                if len(found) > bound:
                    raise too_large(bound)
                refuse_bytes(2 * len(block))  # the block again, and once more as it is joined
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise damaged(path.name) from error
    return bytes(found)


def beginning(path: Path, n_bytes: int = 2**16) -> bytes:
    """Return the first bytes of a file, expanded if it is gzip; as many as are readable."""
    if kind_of(path) != "gzip":
        with path.open("rb") as file:
            return file.read(n_bytes)
    decompressor = zlib.decompressobj(wbits=31)
    with path.open("rb") as file, suppress(zlib.error):
        return decompressor.decompress(file.read(n_bytes), n_bytes)
    return b""


def encoding_of(raw: bytes) -> tuple[str, str]:
    """Return the encoding of a text, as Python and as people call it.

    UTF-8 and 16 are told by their marks and by what is possible in them; else it is Latin-1.
    """
    marked = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    codec, shown = ("utf-16", "UTF-16") if marked else ("utf-8-sig", "UTF-8")
    decoder = getincrementaldecoder(codec)()
    try:
        for start in range(0, len(raw), CHUNK):
            decoder.decode(raw[start : start + CHUNK])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "latin-1", "Latin-1"
    return codec, shown


def decode(raw: bytes) -> str:
    """Return the text of a small file; see `encoding_of`."""
    return raw.decode(encoding_of(raw)[0])
