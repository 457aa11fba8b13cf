"""Open what a user hands over: uploaded files, or a path on the server."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol

import streamlit as st

import stentrans
from stentrans.app import access, cache, state
from stentrans.app.server import is_private_server as is_private_server
from stentrans.app.sources import Source
from stentrans.errors import ParameterError, SectionFormatError
from stentrans.section import ReadOptions

DATA_VARIABLE = "STENTRANS_DATA"
MOST_LETTERS = 60
FILES = "files"
"""Folder of an upload in the store: nothing that is uploaded can lie beside it."""


class Uploaded(Protocol):
    """What is needed of an uploaded file."""

    name: str
    size: int

    def getbuffer(self) -> memoryview:
        """Return the content without a copy."""
        ...


def open_upload(files: Sequence[Uploaded]) -> None:
    """Keep uploaded files, read them as one section and look at it.

    They are kept in the store, so that the section can be read again another way.

    Raises
    ------
    SectionFormatError
        R12 if they are larger than an upload may be; or if they are not one usable section.
    """
    _refuse_too_much(files)
    name = _upload_name(files)
    cache.store().put("uploads", name, lambda folder: _place_all(folder / FILES, files))
    _open(Source(label=_label(files), upload=name))


def open_path(text: str) -> None:
    """Read a section at a path of the machine that the app runs on, and look at it.

    Raises
    ------
    ParameterError
        If the path does not exist, or cannot be looked up.
    SectionFormatError
        R16 if this path may not be opened from the browser; or if there is no usable section.
    """
    path = _resolved(text.strip().strip("\"'"))
    _open(Source(label=path.name, path=str(path)))


def open_public(folder: Path) -> None:
    """Read a public section that was fetched to a folder of the store, and look at it.

    Raises
    ------
    SectionFormatError
        If it is no usable section.
    """
    section = stentrans.read(folder)
    label = folder.name
    state.choose_section(cache.store().put_section(section, about={"label": label}), label)


def can_reopen(section_id: str) -> bool:
    """Say whether the files of a section are still there to be read another way."""
    source = state.source_of(section_id)
    if source is None:
        return False
    return bool(source.path) or cache.store().has("uploads", source.upload)


def reopen(options: ReadOptions) -> None:
    """Read the files of the section that is looked at again, another way, and look at that.

    Raises
    ------
    ParameterError, SectionFormatError, StoreError
        If its files are gone, or cannot be read this way.
    """
    before = state.section_id()
    source = None if before is None else state.source_of(before)
    if before is None or source is None:
        raise ParameterError(
            "Only a section whose files are known here can be read another way; these are not. "
            "Open the files again."
        )
    _open(source.read_with(options))
    if state.section_id() != before:
        state.forget_section(before)


def _open(source: Source) -> None:
    """Read what a source names, keep it and look at it."""
    section = stentrans.read(_place_of(source), **source.options.given())
    about = {"label": source.label, "source": source.to_dict()}
    name = cache.store().put_section(section, about=about)
    state.choose_section(name, source.label)
    state.keep_source(name, source)


def _place_of(source: Source) -> Path:
    """The file or folder to read, checked again: who may open what can have changed."""
    if source.upload:
        return _only_file(cache.store().open("uploads", source.upload) / FILES)
    path = _resolved(source.path)
    refuse_foreign(path)
    if not _exists(path):
        raise ParameterError(
            f"The path must exist on this computer; {_short(str(path))} does not. Check it."
        )
    return path


def _only_file(folder: Path) -> Path:
    """The file of a folder that holds one and nothing else; else the folder."""
    held = list(folder.iterdir())
    return held[0] if len(held) == 1 and held[0].is_file() else folder


def _refuse_too_much(files: Sequence[Uploaded]) -> None:
    """Raise SectionFormatError (R12) where files together are larger than one may be."""
    limit = int(st.get_option("server.maxUploadSize") or 200)
    size = sum(file.size for file in files)
    if size > limit * 2**20:
        raise SectionFormatError(
            f"{size / 2**20:,.0f} MB exceed the upload limit of {limit:,} MB; open the file or "
            "folder by its path instead.",
            code="R12",
        )


def _upload_name(files: Sequence[Uploaded]) -> str:
    """Name uploaded files after their names and content."""
    digest = sha256()
    for file in files:
        digest.update(sha256(file.name.encode("utf-8", "replace")).digest())
        digest.update(sha256(file.getbuffer()).digest())
    return digest.hexdigest()[:32]


def _label(files: Sequence[Uploaded]) -> str:
    """What the user calls the files: the one, or the folder they are in, or the first."""
    tops = {PurePosixPath(file.name.replace("\\", "/")).parts[:1] for file in files}
    if len(files) > 1 and len(tops) == 1:
        return next(iter(tops))[0]
    return PurePosixPath(files[0].name.replace("\\", "/")).name or files[0].name


def refuse_foreign(path: Path) -> None:
    """Raise SectionFormatError (R16) for a path that may not be opened from the browser.

    Neither may a folder that holds links to such places.
    """
    if is_allowed(path) and not _has_links_out(path):
        return
    listed = ", ".join(str(folder) for folder in data_folders()) or "none are listed"
    raise SectionFormatError(
        "That path is outside the data folder: on this server it must lie below a folder its "
        f"administrator lists in {DATA_VARIABLE} ({listed}), links included. Upload the file "
        "instead.",
        code="R16",
    )


def _has_links_out(path: Path) -> bool:
    """Whether a listed folder holds links to places beside the listed ones."""
    if DATA_VARIABLE not in os.environ or not path.is_dir():
        return False
    links = (
        Path(folder, name)
        for folder, folders, files in os.walk(path)
        for name in (*folders, *files)
        if Path(folder, name).is_symlink()
    )
    return not all(is_allowed(_resolved(str(link))) for link in links)


def is_allowed(path: Path) -> bool:
    """Say whether a resolved path may be opened by whoever sees the page.

    Folders that an administrator listed are a limit for everybody; without a list, only people
    at this machine may open paths.
    """
    if DATA_VARIABLE in os.environ:
        return any(path.is_relative_to(one) for one in data_folders())
    return not access.is_shared()


def data_folders() -> list[Path]:
    """Return the folders that an administrator opened, resolved."""
    listed = os.environ.get(DATA_VARIABLE, "").split(os.pathsep)
    return [_resolved(one) for one in listed if one.strip()]


def _resolved(text: str) -> Path:
    # NUL is a ValueError, an unknown home a RuntimeError, a long name an OSError.
    try:
        return Path(text).expanduser().resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise ParameterError(
            f"The path must be one that this computer can look up; {_short(text)} is not. Check it."
        ) from error


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _short(text: str) -> str:
    """Return a path as it may stand in a sentence: printable, and no longer than a line."""
    shown = text if text.isprintable() else repr(text)
    return shown if len(shown) <= 200 else f"{shown[:200]} …"


def _place_all(folder: Path, files: Sequence[Uploaded]) -> None:
    """Write uploads below a folder."""
    for file in files:
        _place(folder, file)


def _place(folder: Path, file: Uploaded) -> Path:
    """Write an upload below ``folder`` under a harmless form of its name, over no other one."""
    parts = [_harmless(part) for part in PurePosixPath(file.name.replace("\\", "/")).parts]
    path = folder.joinpath(*[part for part in parts if part] or ["upload"])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path = _unused(path)
        with path.open("xb") as target:
            _write(target, file.getbuffer())
    except OSError as error:
        raise ParameterError(
            f"Uploaded files must have names that can be kept; {_short(file.name)} cannot "
            f"({error.strerror or error}). Rename it or free some space."
        ) from error
    return path


def _unused(path: Path) -> Path:
    """Number a name that is taken, in front: the end of a name tells readers what it is."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{number}-{path.name}")
    return free


def _write(target: BinaryIO, content: memoryview) -> None:
    target.write(content)


def _harmless(part: str) -> str:
    """Keep letters, digits, dots, dashes and underscores; no leading dots, so no way upwards.

    The end of a long name is kept; file systems allow 255 bytes, and a letter takes up to four.
    """
    return re.sub(r"[^\w.\-]", "_", part.strip("/"))[-MOST_LETTERS:].lstrip(".")
