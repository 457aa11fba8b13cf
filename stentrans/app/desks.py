"""Whose sections are whose, and the links that share one: small files beside the store."""

from __future__ import annotations

import hashlib
import json
import re
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from secrets import token_hex, token_urlsafe
from typing import Any

from stentrans.errors import StoreError

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
FORGET_AFTER_S = 90 * 24 * 3600.0
"""A desk that nobody came back to for so long is cleared."""


def new_token() -> str:
    """Return 32 random bytes as 43 letters, digits, dashes and underscores: never to be guessed."""
    return token_urlsafe(32)


def is_token(text: object) -> bool:
    """Say whether this has the form of a token."""
    return isinstance(text, str) and _TOKEN.fullmatch(text) is not None


@dataclass(frozen=True)
class Link:
    """A section that its owner shares.

    Parameters
    ----------
    section, run
        What is shown; the run may be empty.
    label
        The name of the section.
    owner
        Key of the desk that shares it.
    made_at
        Seconds since the epoch.
    """

    section: str
    run: str
    label: str
    owner: str
    made_at: float


class Desks:
    """What every owner has open, and what is shared.

    Files are named after the sha256 of a key or token, so that neither becomes part of a path and
    none can be read off the disk.

    Parameters
    ----------
    folder
        The folder of the store.
    """

    def __init__(self, folder: Path) -> None:
        self._desks, self._links = folder / "desks", folder / "links"
        for desk in self._desks.glob("*.json"):
            with suppress(OSError):
                if time.time() - desk.stat().st_mtime > FORGET_AFTER_S:
                    desk.unlink()

    def labels(self, key: str) -> dict[str, str]:
        """Return the sections on a desk, id to name, in the order they were opened."""
        found = _read(self._desks / _name(key)).get("labels", {})
        return {str(name): str(label) for name, label in dict(found).items()}

    def put(self, key: str, section: str, label: str) -> None:
        """Lay a section on a desk."""
        labels = self.labels(key)
        if labels.get(section) != label:
            self._write(self._desks / _name(key), {"labels": labels | {section: label}})

    def share(self, link: Link) -> str:
        """Make a link and return its token, which is told nowhere else."""
        token = new_token()
        self._write(self._links / _name(token), asdict(link))
        return token

    def link(self, token: str) -> Link | None:
        """Return what a token opens; None for one that never was, or was revoked."""
        return self._link(self._links / _name(token)) if is_token(token) else None

    def links_of(self, owner: str) -> dict[str, Link]:
        """Return the links of an owner by their names on disk."""
        found = {path.stem: self._link(path) for path in sorted(self._links.glob("*.json"))}
        return {name: one for name, one in found.items() if one is not None and one.owner == owner}

    def revoke(self, name: str, owner: str) -> None:
        """Take back a link; that of another owner stays."""
        if name in self.links_of(owner):
            (self._links / f"{name}.json").unlink(missing_ok=True)

    def _link(self, path: Path) -> Link | None:
        with suppress(TypeError):
            return Link(**_read(path))
        return None

    def _write(self, path: Path, content: dict[str, Any]) -> None:
        """Write whole or not at all; readable by this user only."""
        unfinished = path.with_name(f".{path.name}-{token_hex(4)}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.touch(mode=0o600)
            unfinished.write_text(json.dumps(content), "utf-8")
            unfinished.replace(path)
        except OSError as error:
            raise StoreError(
                f"The folder {path.parent} must be writable and have room; "
                f"{error.strerror or error}. Free some space."
            ) from error


def _name(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest() + ".json"


def _read(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
