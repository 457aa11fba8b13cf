"""Open what a user hands over: uploaded files, or a path on the server."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import BinaryIO, Protocol

import streamlit as st

import stentrans
from stentrans.app import cache, state
from stentrans.errors import ParameterError

DATA_VARIABLE = "STENTRANS_DATA"
MOST_LETTERS = 60


class Uploaded(Protocol):
    """What is needed of an uploaded file."""

    name: str

    def getbuffer(self) -> memoryview:
        """Return the content without a copy."""
        ...


def open_upload(files: Sequence[Uploaded]) -> None:
    """Read uploaded files as one section and look at it.

    Raises
    ------
    SectionFormatError
        If they are not one usable section.
    """
    with TemporaryDirectory(prefix="stentrans-upload-") as folder:
        paths = [_place(Path(folder), file) for file in files]
        _open(paths[0] if len(paths) == 1 else Path(folder), paths[0].name)


def open_path(text: str) -> None:
    """Read a section at a path of the machine that the app runs on, and look at it.

    Raises
    ------
    ParameterError
        If this path may not be opened from the browser, or does not exist.
    SectionFormatError
        If there is no usable section.
    """
    path = _resolved(text.strip().strip("\"'"))
    if not is_allowed(path):
        listed = ", ".join(str(folder) for folder in data_folders()) or "none are listed"
        raise ParameterError(
            "On this server a path must lie below a folder its administrator lists in "
            f"{DATA_VARIABLE} ({listed}). Upload the file instead."
        )
    if not _exists(path):
        raise ParameterError(
            f"The path must exist on this computer; {_short(str(path))} does not. Check it."
        )
    _open(path, path.name)


def is_allowed(path: Path) -> bool:
    """Say whether a resolved path may be opened by whoever sees the page.

    Folders that an administrator listed are a limit for everybody; without a list, only people
    at this machine may open paths.
    """
    if DATA_VARIABLE in os.environ:
        return any(path.is_relative_to(one) for one in data_folders())
    return is_private_server()


def is_private_server() -> bool:
    """Say whether only people on this machine can reach the app."""
    address = st.get_option("server.address") or ""
    if address == "localhost":
        return True
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


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


def _open(path: Path, label: str) -> None:
    section = stentrans.read(path)
    state.choose_section(cache.store().put_section(section, about={"label": label}), label)


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
