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
    path = Path(text.strip().strip("\"'")).expanduser().resolve()
    if not is_allowed(path):
        listed = ", ".join(str(folder) for folder in data_folders()) or "none are listed"
        raise ParameterError(
            "On a server that others can reach, a path must lie below a folder its administrator "
            f"lists in {DATA_VARIABLE} ({listed}). Upload the file instead."
        )
    if not path.exists():
        raise ParameterError(f"The path must exist on this computer; {path} does not. Check it.")
    _open(path, path.name)


def is_allowed(path: Path) -> bool:
    """Say whether a resolved path may be opened by whoever sees the page."""
    return is_private_server() or any(path.is_relative_to(one) for one in data_folders())


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
    return [Path(one).expanduser().resolve() for one in listed if one.strip()]


def _open(path: Path, label: str) -> None:
    section = stentrans.read(path)
    state.choose_section(cache.store().put_section(section, about={"label": label}), label)


def _place(folder: Path, file: Uploaded) -> Path:
    """Write an upload below ``folder`` under a harmless form of its name."""
    parts = [_harmless(part) for part in PurePosixPath(file.name.replace("\\", "/")).parts]
    path = folder.joinpath(*[part for part in parts if part] or ["upload"])
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as target:
        _write(target, file.getbuffer())
    return path


def _write(target: BinaryIO, content: memoryview) -> None:
    target.write(content)


def _harmless(part: str) -> str:
    """Keep letters, digits, dots, dashes and underscores; no leading dots, so no way upwards."""
    return re.sub(r"[^\w.\-]", "_", part.strip("/")).lstrip(".")[:120]
