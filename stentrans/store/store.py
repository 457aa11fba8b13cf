"""A folder of finished things: written whole or not at all, checked when read, bounded in size."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, Literal

from platformdirs import user_data_path

from stentrans.errors import DamageError, StoreError
from stentrans.keys import IN_TISSUE
from stentrans.store.entry import Entry
from stentrans.store.names import check_name, is_name
from stentrans.store.runs import EXPORT, RESULT_VERSION, Run
from stentrans.store.sections import section_id, write_section

if TYPE_CHECKING:
    from anndata import AnnData

HOME_VARIABLE = "STENTRANS_HOME"
LIMIT_BYTES = 20 * 2**30
IN_USE_S = 600.0
"""An entry opened less than this many seconds ago counts as in use and is not removed."""
LEFT_OVER_S = 24 * 3600.0
"""A temporary folder untouched for so long belongs to nobody any more."""

Shelf = Literal["sections", "runs", "uploads"]
SHELVES: tuple[Shelf, ...] = ("runs", "sections", "uploads")
SECTION_FILE = "section.h5ad"


class Store:
    """A folder of finished things.

    Every entry is written into a temporary folder and renamed, so that a half-written one is
    never seen, and carries the sha256 of each file, compared whenever it is opened.

    Parameters
    ----------
    folder
        Where to keep it; None for ``$STENTRANS_HOME``, else the platform's data folder.
    limit_bytes
        Above this the entries that were used longest ago are removed, pinned ones never.
    """

    def __init__(self, folder: Path | None = None, *, limit_bytes: int = LIMIT_BYTES) -> None:
        self.folder = _home() if folder is None else Path(folder)
        self.limit_bytes = limit_bytes
        self._remove_leftovers()

    def has(self, shelf: Shelf, name: str) -> bool:
        """Say whether an entry is there, without reading it, and mark it as used."""
        if not is_name(name) or not (entry := self._entry(shelf, name)).is_there:
            return False
        entry.mark_used()
        return True

    def put(
        self,
        shelf: Shelf,
        name: str,
        write: Callable[[Path], None],
        *,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        """Keep what ``write`` writes into the empty folder it is given.

        An entry that is already there stays as it is: same name, same content.

        Raises
        ------
        StoreError
            If the disk is full or the folder cannot be written; nothing else is lost. Or if
            ``name`` is none.
        """
        check_name(name)
        if self.has(shelf, name):
            return
        with self._temporary_folder() as folder:
            write(folder)
            Entry(folder).seal(about or {})
            self._move_in(folder, self._entry(shelf, name))
        self.evict(keep=name)

    def open(self, shelf: Shelf, name: str) -> Path:
        """Return the folder of an entry after comparing its checksums, and mark it as used.

        Raises
        ------
        DamageError
            If its files are not those that were written. The entry is removed, so that the same
            can be made again.
        StoreError
            If ``name`` is none, or it is not there.
        """
        check_name(name)
        entry = self._entry(shelf, name)
        if not self.has(shelf, name):
            raise StoreError(
                f"The store must hold {name} among its {shelf}; it is not in "
                f"{entry.folder.parent}. It may have been removed to make room: make it again."
            )
        if damaged := entry.damaged_files():
            self.remove(shelf, name)
            raise DamageError(
                f"The files of a stored result must be as they were written; {', '.join(damaged)} "
                f"of {name} among the {shelf} were changed or damaged. It was removed: make it "
                "again."
            )
        if shelf == "runs" and (run := self.run(name)) is not None:
            # A section is needed as long as what was made of it.
            self._entry("sections", run.section).mark_used()
        return entry.folder

    def about(self, shelf: Shelf, name: str) -> dict[str, Any]:
        """Return the notes kept with an entry; empty where there is none."""
        return self._entry(shelf, name).about() if is_name(name) else {}

    def names(self, shelf: Shelf) -> list[str]:
        """List the entries, the one used last first."""
        return [entry.name for entry in self.entries(shelf)]

    def entries(self, shelf: Shelf) -> list[Entry]:
        """Return the entries, the one used last first."""
        found = [Entry(path) for path in (self.folder / shelf).glob("*") if is_name(path.name)]
        return sorted((e for e in found if e.is_there), key=lambda e: e.used_at, reverse=True)

    def remove(self, shelf: Shelf, name: str) -> None:
        """Remove an entry; one that is not there is no error.

        A pin stays: made again, the entry is as wanted as before.
        """
        if not is_name(name):
            return
        away = self.folder / "temporary" / f"{name}-{token_hex(4)}"
        # Renamed first, so that nobody sees half of it; a full disk has room for that.
        with suppress(FileNotFoundError):
            away.parent.mkdir(parents=True, exist_ok=True)
            self._entry(shelf, name).folder.rename(away)
            shutil.rmtree(away, ignore_errors=True)

    def pin(self, name: str) -> None:
        """Never remove this run, nor its section, to make room.

        Raises
        ------
        StoreError
            If there is no such run, or the folder cannot be written.
        """
        if not self.has("runs", name):
            raise StoreError(f"Only a stored run can be pinned; {name!r} is none.")
        try:
            self._pin(name).parent.mkdir(parents=True, exist_ok=True)
            self._pin(name).touch()
        except OSError as error:
            raise StoreError(self._cannot_write(error)) from error

    def unpin(self, name: str) -> None:
        """Let a run be removed again to make room; one that is not pinned is no error."""
        if is_name(name):
            self._pin(name).unlink(missing_ok=True)

    def is_pinned(self, name: str) -> bool:
        """Say whether a run is pinned."""
        return is_name(name) and self._pin(name).is_file()

    def evict(self, *, keep: str = "") -> list[str]:
        """Remove the entries used longest ago until the limit holds, and return their names.

        Exported files, which are made again in no time, go before everything else. Never removes
        ``keep``, an entry that was used within the last ten minutes, or a pinned run with its
        section.
        """
        shelf_of = {entry: shelf for shelf in SHELVES for entry in self.entries(shelf)}
        sizes = {entry: entry.size for entry in shelf_of}
        total, now, removed = sum(sizes.values()), time.time(), []
        if total <= self.limit_bytes:
            return []
        kept = {keep, *self._pinned()}
        exports = {entry for entry in shelf_of if self._is_export(entry)}
        for entry in sorted(shelf_of, key=lambda entry: (entry not in exports, entry.used_at)):
            if total <= self.limit_bytes:
                break
            if entry.name in kept or now - entry.used_at < IN_USE_S:
                continue
            self.remove(shelf_of[entry], entry.name)
            total -= sizes[entry]
            removed.append(entry.name)
        return removed

    def put_run(
        self, run: Run, write: Callable[[Path], None], *, about: Mapping[str, Any] | None = None
    ) -> None:
        """Keep the result of a run; see `put`."""
        noted = {**(about or {}), "run": run.to_dict(), "result_version": RESULT_VERSION}
        self.put("runs", run.id, write, about=noted | {"made_at": time.time()})

    def run(self, name: str) -> Run | None:
        """Return the run that an entry is the result of.

        None where there is none, and for a run of another version: its settings may mean something
        else today, so that it is made again and not read.
        """
        told = self.about("runs", name).get("run")
        if not isinstance(told, dict):
            return None
        with suppress(StoreError):
            run = Run.from_dict(told)
            return run if run.id == name else None
        return None

    def put_section(self, section: AnnData, *, about: Mapping[str, Any] | None = None) -> str:
        """Keep a validated section and return its id.

        Noted with it: the number of ``spots`` on tissue and of ``genes``, and how many ``counts``
        are above zero, so that the cost of a run is known without reading the section.
        """
        name = section_id(section)
        noted = {
            "spots": int((section.obs[IN_TISSUE] > 0).sum()),
            "genes": section.n_vars,
            "counts": int(section.X.nnz),
            **(about or {}),
        }
        self.put(
            "sections",
            name,
            lambda folder: write_section(section, folder / SECTION_FILE),
            about=noted,
        )
        return name

    def section(self, name: str) -> AnnData:
        """Read a section back as it was put; raises as `open` does."""
        from anndata import read_h5ad

        return read_h5ad(self.open("sections", name) / SECTION_FILE)

    def _entry(self, shelf: Shelf, name: str) -> Entry:
        return Entry(self.folder / shelf / name)

    def _is_export(self, entry: Entry) -> bool:
        run = self.run(entry.name) if entry.shelf == "runs" else None
        return run is not None and run.work == EXPORT

    def _pin(self, name: str) -> Path:
        return self.folder / "pins" / name

    def _pinned(self) -> set[str]:
        """Pinned runs and the sections that they need."""
        pinned = {path.name for path in (self.folder / "pins").glob("*")}
        runs = [run for name in pinned if (run := self.run(name)) is not None]
        return pinned | {run.section for run in runs}

    def _remove_leftovers(self) -> None:
        """Remove what writers that were killed left in the temporary folder."""
        for left in (self.folder / "temporary").glob("*"):
            with suppress(OSError):
                if time.time() - left.stat().st_mtime > LEFT_OVER_S:
                    shutil.rmtree(left, ignore_errors=True)

    @contextmanager
    def _temporary_folder(self) -> Iterator[Path]:
        """Give an empty folder beside the entries; disk errors become one sentence."""
        try:
            (self.folder / "temporary").mkdir(parents=True, exist_ok=True)
            folder = Path(mkdtemp(dir=self.folder / "temporary"))
        except OSError as error:
            raise StoreError(self._cannot_write(error)) from error
        try:
            yield folder
        except OSError as error:
            raise StoreError(self._cannot_write(error)) from error
        except StoreError as error:
            # A result that saves itself names the folder it was given, which nobody knows.
            if isinstance(error.__cause__, OSError):
                raise StoreError(self._cannot_write(error.__cause__)) from error
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _cannot_write(self, error: OSError) -> str:
        return (
            f"The folder {self.folder} must be writable and have room; {error.strerror or error}. "
            f"Free some space, or set {HOME_VARIABLE} to another folder. Nothing finished is lost."
        )

    def _move_in(self, folder: Path, final: Entry) -> None:
        final.folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            folder.rename(final.folder)
        except OSError:
            # Somebody else wrote the same content first; then theirs is as good.
            if not final.is_there:
                raise


def _home() -> Path:
    told = os.environ.get(HOME_VARIABLE)
    return Path(told) if told else user_data_path("stentrans")
