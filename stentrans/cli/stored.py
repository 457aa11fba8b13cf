"""The command ``store``: what is kept, whether it is whole, and room for more."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from datetime import datetime

from stentrans.errors import StoreError
from stentrans.store import Shelf, Store

DAMAGED = 1
SHELVES: tuple[Shelf, ...] = ("sections", "runs")


def store(arguments: Namespace) -> int:
    """Do what is asked of the store, and return the exit code."""
    actions = {
        "list": _list,
        "show": _show,
        "verify": _verify,
        "prune": _prune,
        "pin": _pin,
        "unpin": _unpin,
    }
    return actions[arguments.action](Store(), arguments)


def _list(store: Store, arguments: Namespace) -> int:
    """One line per entry, the one used last first."""
    total = 0
    for shelf in SHELVES:
        for entry in store.entries(shelf):
            total += entry.size
            used = datetime.fromtimestamp(entry.used_at).strftime("%Y-%m-%d %H:%M")
            pin = " pinned" if store.is_pinned(entry.name) else ""
            what = _what(store, shelf, entry.name)
            print(f"{shelf:<9}{entry.name}  {entry.size / 1e6:8.1f} MB  {used}  {what}{pin}")
    print(f"{total / 1e9:.2f} GB of {store.limit_bytes / 1e9:.0f} GB in {store.folder}")
    return 0


def _what(store: Store, shelf: Shelf, name: str) -> str:
    """Say in a few words what an entry is."""
    about = store.about(shelf, name)
    if shelf == "sections":
        return f"{about.get('label', '?')}: {about.get('spots', '?')} spots"
    run = store.run(name)
    if run is None:
        return "of another version: made again when asked for"
    stopped = f", stopped {run.stopped}" if run.stopped else ""
    return f"{run.work} {run.method} x{run.factor}, section {run.section[:8]}{stopped}"


def _show(store: Store, arguments: Namespace) -> int:
    """All that is noted with one entry."""
    for shelf in SHELVES:
        if arguments.name in store.names(shelf):
            print(json.dumps(store.about(shelf, arguments.name), indent=2, sort_keys=True))
            return 0
    raise StoreError(
        f"Only what is stored can be shown; {arguments.name!r} is not. See: stentrans store list."
    )


def _verify(store: Store, arguments: Namespace) -> int:
    """Compare every file with its checksum, and name those that differ."""
    n_damaged = n_whole = 0
    for shelf in SHELVES:
        for entry in store.entries(shelf):
            damaged = entry.damaged_files()
            for name in damaged:
                print(f"damaged: {shelf}/{entry.name}/{name}")
            n_damaged += bool(damaged)
            n_whole += not damaged
    print(f"{n_whole} whole, {n_damaged} damaged")
    if n_damaged:
        sys.stderr.write("Damaged entries are removed and made again when they are asked for.\n")
    return DAMAGED if n_damaged else 0


def _prune(store: Store, arguments: Namespace) -> int:
    """Remove what no version reads any more, then what was used longest ago."""
    removed = [name for name in store.names("runs") if store.run(name) is None]
    for name in removed:
        if not store.is_pinned(name):
            store.remove("runs", name)
    if arguments.to is not None:
        store.limit_bytes = int(arguments.to * 1e9)
    removed += store.evict()
    print(f"removed {len(removed)}")
    return 0


def _pin(store: Store, arguments: Namespace) -> int:
    """Never remove this run to make room."""
    store.pin(arguments.name)
    return 0


def _unpin(store: Store, arguments: Namespace) -> int:
    """Let it be removed again."""
    store.unpin(arguments.name)
    return 0
