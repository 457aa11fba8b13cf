"""Large files go from disk to the browser, past the memory of the app."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from secrets import token_urlsafe
from threading import Lock
from typing import Final

import streamlit as st
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from stentrans.app import text

PLACE: Final = "downloads"
MOST: Final = 1000
"""So many links work at the same time; the oldest stops first."""


class Downloads:
    """Files that may be downloaded, each by whoever knows its token.

    Safe in any thread. A token cannot be guessed, and is told to one browser session only.
    """

    def __init__(self) -> None:
        self._files: OrderedDict[str, tuple[Path, str]] = OrderedDict()
        self._lock = Lock()

    def offer(self, path: Path, name: str) -> str:
        """Return a new token for a file, to be saved as ``name``."""
        token = token_urlsafe(24)
        with self._lock:
            self._files[token] = (path, name)
            while len(self._files) > MOST:
                self._files.popitem(last=False)
        return token

    def find(self, token: str) -> tuple[Path, str] | None:
        """Return file and name that a token stands for, None where it stands for nothing."""
        with self._lock:
            return self._files.get(token)


@st.cache_resource(show_spinner=False)
def downloads() -> Downloads:
    """Return the downloads of this app."""
    return Downloads()


def link(path: Path, name: str) -> str:
    """Return the address of a file within the app, the same one for a session each time."""
    known: dict[tuple[Path, str], str] = st.session_state.setdefault(PLACE, {})
    token = known.get((path, name))
    if token is None or downloads().find(token) is None:
        token = known[path, name] = downloads().offer(path, name)
    return f"{_base()}/{PLACE}/{token}"


def routes() -> list[Route]:
    """Return what the server answers beside the pages."""
    return [Route(f"{_base()}/{PLACE}/{{token}}", _send)]


async def _send(request: Request) -> Response:
    found = downloads().find(request.path_params["token"])
    if found is None or not found[0].is_file():
        return PlainTextResponse(text.DOWNLOAD_IS_GONE, status_code=404)
    path, name = found
    return FileResponse(path, filename=name, headers={"Cache-Control": "no-store"})


def _base() -> str:
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}" if base else ""
