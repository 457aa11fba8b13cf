"""Runs that were under way when their app ended: remembered on disk, found by the next one."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # has no types of its own

from stentrans.errors import StoreError
from stentrans.store import Run


def remember(folder: Path, run: Run) -> None:
    """Note that this process answers for a run; a store that cannot be written is no obstacle."""
    owner = {"pid": os.getpid(), "born": psutil.Process().create_time()}
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        note = json.dumps({"run": run.to_dict(), "owner": owner})
        (folder / f"{run.id}.json").write_text(note, "utf-8")


def forget(folder: Path, run_id: str) -> None:
    """Drop the note of a run that ended."""
    with suppress(OSError):
        (folder / f"{run_id}.json").unlink(missing_ok=True)


def take_leftovers(folder: Path) -> list[Run]:
    """Return the runs whose process is gone, and drop their notes.

    Whether it is gone is asked of the operating system; a note alone proves nothing, as another
    app may share the store.
    """
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            note = json.loads(path.read_text("utf-8"))
            run, owner = Run.from_dict(note["run"]), note["owner"]
        except (OSError, ValueError, KeyError, TypeError, StoreError):
            continue  # half written by a process that was killed, or by another version
        if not _is_alive(owner["pid"], owner["born"]):
            found.append(run)
            forget(folder, run.id)
    return found


def _is_alive(pid: int, born: float) -> bool:
    try:
        return abs(float(psutil.Process(pid).create_time()) - born) < 1.0
    except psutil.Error:
        return False
