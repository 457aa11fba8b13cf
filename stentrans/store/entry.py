"""One finished thing on disk: its files, what is noted beside them, and whether they are whole."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ABOUT = "about.json"
CHECKSUMS = "checksums.json"
USED = "used"


@dataclass(frozen=True)
class Entry:
    """A folder of the store.

    Parameters
    ----------
    folder
        Where it lies; its name is the entry's.
    """

    folder: Path

    @property
    def name(self) -> str:
        """The content id."""
        return self.folder.name

    @property
    def shelf(self) -> str:
        """``"sections"``, ``"runs"`` or ``"uploads"``."""
        return self.folder.parent.name

    @property
    def is_there(self) -> bool:
        """Whether it was written to its end; its files may have been damaged since."""
        return (self.folder / CHECKSUMS).is_file()

    @property
    def used_at(self) -> float:
        """When it was last used, seconds since the epoch; 0 if nobody knows."""
        try:
            return (self.folder / USED).stat().st_mtime
        except OSError:
            return 0.0

    @property
    def size(self) -> int:
        """Bytes of the files that are there; another process may be removing it."""
        total = 0
        with suppress(OSError):
            for path in self.folder.rglob("*"):
                with suppress(OSError):
                    total += path.stat().st_size if path.is_file() else 0
        return total

    def mark_used(self) -> None:
        """Note that somebody uses it now; a store that cannot be written still serves."""
        with suppress(OSError):
            os.utime(self.folder / USED)

    def about(self) -> dict[str, Any]:
        """Return what was noted with it; empty where that is not as it was written."""
        try:
            noted = (self.folder / ABOUT).read_bytes()
            written = json.loads((self.folder / CHECKSUMS).read_text("utf-8"))
            is_whole = written[ABOUT] == hashlib.sha256(noted).hexdigest()
            told = json.loads(noted) if is_whole else {}
        except (OSError, ValueError, KeyError, TypeError):
            return {}
        return dict(told) if isinstance(told, dict) else {}

    def seal(self, about: Mapping[str, Any]) -> None:
        """Add notes and checksums to the files that were written; the last step before it counts.

        Raises OSError if the disk is full.
        """
        _write_json(self.folder / ABOUT, about)
        _write_json(self.folder / CHECKSUMS, _checksums(self.folder))
        (self.folder / USED).touch()

    def damaged_files(self) -> list[str]:
        """Name the files that are not as they were written, added and missing ones included."""
        found = _checksums(self.folder)
        try:
            written = json.loads((self.folder / CHECKSUMS).read_text("utf-8"))
        except (OSError, ValueError):
            return [CHECKSUMS]
        if not isinstance(written, dict):
            return [CHECKSUMS]
        names = sorted({*found, *written})
        return [name for name in names if found.get(name) != written.get(name)]


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(dict(content), sort_keys=True), "utf-8")


def _checksums(folder: Path) -> dict[str, str]:
    """Sha256 of every file but the two that follow from the others or change with use."""
    sums = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in (CHECKSUMS, USED):
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            sums[path.relative_to(folder).as_posix()] = digest
    return sums
