"""Fetch a public section from its publisher: when asked, resumed, bounded, and never half."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import BinaryIO, Final

import requests
from urllib3.exceptions import HTTPError

from stentrans.errors import Cancelled, FetchError, MissingKeyError
from stentrans.section.archive import unpack
from stentrans.section.registry import MATRIX, PUBLIC, PUBLISHER, SOURCE_PAGE, SPATIAL

MAX_BYTES: Final = 2**30
"""A file of a Visium example is far smaller."""
TRIES: Final = 4
WAIT_S: Final = (10.0, 30.0)
"""For a connection, and for the next bytes."""
_CHUNK = 2**18
_PART = ".part"
_VALIDATOR = ".validator"


@dataclass(frozen=True)
class Fetching:
    """How far a download is.

    Parameters
    ----------
    file
        Name of the file.
    done, total
        Bytes; the total is None where the publisher does not tell it.
    """

    file: str
    done: int
    total: int | None


class _TooLarge(Exception):
    """More arrives than is allowed."""


OnFetch = Callable[[Fetching], "bool | None"]


def fetch(
    name: str,
    folder: Path,
    *,
    on_progress: OnFetch | None = None,
    publisher: str = PUBLISHER,
    limit: int = MAX_BYTES,
) -> Path:
    """Fetch a public section, unless it is there already, and return a folder for `read`.

    A download that was broken off goes on where it stopped, now and at the next call. The folder
    gets its name when everything is in it.

    Parameters
    ----------
    name
        A name in `PUBLIC`.
    folder
        Where public sections are kept.
    on_progress
        Gets a `Fetching` now and then; returning False cancels, and what is there is kept.
    publisher
        Address below which the files lie.
    limit
        Bytes that a file may have.

    Raises
    ------
    MissingKeyError
        If there is no such section.
    FetchError
        If the publisher cannot be reached, has no such file, or sends another one than it should.
    SectionFormatError
        If an archive is not what it should be; see `unpack`.
    Cancelled
        If ``on_progress`` returned False.
    """
    if name not in PUBLIC:
        raise MissingKeyError(f"A public section must be one of {', '.join(PUBLIC)}; got {name!r}.")
    section, final = PUBLIC[name], folder / name
    if final.is_dir():
        return final
    waiting = folder / "incomplete" / name
    waiting.mkdir(parents=True, exist_ok=True)
    got = {}
    for ending in (MATRIX, SPATIAL):
        address = f"{publisher}/{section.path(ending)}"
        got[ending] = waiting / ending
        download(
            address,
            got[ending],
            md5=dict(section.md5).get(ending),
            on_progress=on_progress,
            limit=limit,
        )
    made = Path(mkdtemp(dir=folder / "incomplete"))
    try:
        unpack(got[SPATIAL], made)
        shutil.copyfile(got[MATRIX], made / MATRIX)
        made.chmod(0o755)
        if not final.is_dir():
            made.rename(final)
    finally:
        shutil.rmtree(made, ignore_errors=True)
        # Also when it cannot be unpacked: what is there would be taken for good the next time.
        shutil.rmtree(waiting, ignore_errors=True)
    return final


def download(
    address: str,
    target: Path,
    *,
    md5: str | None = None,
    on_progress: OnFetch | None = None,
    limit: int = MAX_BYTES,
) -> None:
    """Download a file, going on where an earlier attempt stopped; it appears when it is whole.

    Parameters
    ----------
    address, target
        From where to where.
    md5
        What its checksum must be, where that is known.
    on_progress, limit
        See `fetch`.

    Raises
    ------
    FetchError, Cancelled
        See `fetch`.
    """
    if target.is_file():
        return
    part = target.with_name(target.name + _PART)
    is_whole = False
    for _ in range(TRIES):
        before = part.stat().st_size if part.is_file() else 0
        is_whole = _attempt(address, part, on_progress, limit)
        if is_whole or (part.stat().st_size if part.is_file() else 0) == before:
            break
    if not is_whole:
        raise FetchError(
            f"A file must arrive whole; {target.name} broke off before its end. Fetch it again: it "
            "goes on where it stopped."
        )
    if md5 is not None and _md5_of(part) != md5:
        _forget(part)
        raise FetchError(
            f"A file must be the one that its publisher describes; the checksum of {target.name} "
            "is another one. It was deleted: fetch it again."
        )
    part.replace(target)
    _validator(part).unlink(missing_ok=True)


def _attempt(address: str, part: Path, on_progress: OnFetch | None, limit: int) -> bool:
    """Fetch what is missing of a file; say whether it is whole now."""
    start = part.stat().st_size if part.is_file() else 0
    headers = {"Accept-Encoding": "identity"}
    if start and _validator(part).is_file():
        # The rest is only asked for while the file at the publisher's is still the same.
        headers |= {"Range": f"bytes={start}-", "If-Range": _validator(part).read_text("utf-8")}
    try:
        with requests.get(address, headers=headers, stream=True, timeout=WAIT_S) as answer:
            if answer.status_code == requests.codes.requested_range_not_satisfiable:
                _forget(part)
                return False
            _refuse_status(answer, address)
            is_rest = answer.status_code == requests.codes.partial_content
            start = start if is_rest else 0
            length = answer.headers.get("Content-Length")
            total = None if length is None else start + int(length)
            if total is not None and total > limit:
                raise _TooLarge
            _note_validator(part, answer)
            told = Fetching(part.name.removesuffix(_PART), start, total)
            with part.open("ab" if is_rest else "wb") as file:
                done = _receive(answer, file, told, on_progress, limit)
    except (HTTPError, requests.exceptions.ReadTimeout):
        return False  # broke off in the middle
    except _TooLarge as error:
        _forget(part)
        raise _too_large(address, limit) from error
    except requests.exceptions.RequestException as error:
        raise _offline(address) from error
    return total is None or done == total


def _receive(
    answer: requests.Response,
    file: BinaryIO,
    told: Fetching,
    on_progress: OnFetch | None,
    limit: int,
) -> int:
    """Write what arrives; return the bytes that are there now."""
    done = told.done
    # Whatever has arrived, so that nothing of it is lost when the connection breaks.
    while chunk := answer.raw.read1(_CHUNK):
        done += len(chunk)
        if done > limit:
            raise _TooLarge
        file.write(chunk)
        if on_progress is not None and on_progress(replace(told, done=done)) is False:
            raise Cancelled(f"Cancelled on request; {told.file} goes on where it stopped.")
    return done


def _refuse_status(answer: requests.Response, address: str) -> None:
    if answer.status_code in (requests.codes.not_found, requests.codes.forbidden):
        raise FetchError(
            f"The publisher must have the file; {address} is not there (any more). See "
            f"{SOURCE_PAGE} for where it went, download it by hand and open it here."
        )
    if not answer.ok:
        raise FetchError(
            f"The publisher must answer with the file; it said {answer.status_code} "
            f"{answer.reason}. Try again later."
        )


def _note_validator(part: Path, answer: requests.Response) -> None:
    """Remember what tells this version of the file from another one."""
    told = answer.headers.get("ETag", "")
    # A weak one does not promise the same bytes.
    known = told if told and not told.startswith("W/") else answer.headers.get("Last-Modified")
    if known:
        _validator(part).write_text(known, "utf-8")
    else:
        _validator(part).unlink(missing_ok=True)


def _validator(part: Path) -> Path:
    return part.with_name(part.name + _VALIDATOR)


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _validator(part).unlink(missing_ok=True)


def _too_large(address: str, limit: int) -> FetchError:
    return FetchError(
        f"A file of a public section may have up to {limit / 2**20:,.0f} MiB; {address} has more. "
        "Download it by hand and open it here."
    )


def _offline(address: str) -> FetchError:
    host = address.split("/")[2]
    return FetchError(
        f"Public sections come from their publisher, over the internet; {host} could not be "
        "reached. Everything else works without."
    )


def _md5_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
