"""Sections and runs on disk, named after their content, checked when read, bounded in size."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from platformdirs import user_data_path
from scipy.sparse import csr_matrix

from stentrans.errors import StoreError
from stentrans.keys import ARRAY_COL, ARRAY_ROW, IN_TISSUE, SPATIAL, STENTRANS

if TYPE_CHECKING:
    from anndata import AnnData

HOME_VARIABLE = "STENTRANS_HOME"
RESULT_VERSION = 2
"""Raised whenever the same section and settings give other numbers than before."""
LIMIT_BYTES = 20 * 2**30
IN_USE_S = 600.0
"""An entry opened less than this many seconds ago counts as in use and is not removed."""
LEFT_OVER_S = 24 * 3600.0
"""A temporary folder untouched for so long belongs to nobody any more."""

Shelf = Literal["sections", "runs"]
Work = Literal["enhance", "holdout"]

ABOUT = "about.json"
CHECKSUMS = "checksums.json"
USED = "used"
SECTION_FILE = "section.h5ad"
# The notes below uns["stentrans"] that say how far apart the spots are; set by stentrans.section.
SCALE_NOTES = ("pitch_um", "technology")
# Names come from addresses too: nothing else may become part of a path.
NAME = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Run:
    """Everything that a result depends on.

    Parameters
    ----------
    section
        Id of the section, from `section_id`.
    work
        ``"enhance"`` for new sites, ``"holdout"`` for every spot predicted while hidden.
    method, factor, fill_gaps, seed, settings
        As in `stentrans.enhance`; ``settings`` by name, sorted.
    """

    section: str
    work: Work = "enhance"
    method: str = "stentrans"
    factor: int = 2
    fill_gaps: bool = True
    seed: int = 0
    settings: tuple[tuple[str, Any], ...] = field(default=())

    @property
    def id(self) -> str:
        """Sixteen bytes of the sha256 of all of it and the result version, in hex."""
        told = json.dumps([self.to_dict(), RESULT_VERSION], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()[:32]

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON; `from_dict` is the inverse."""
        return asdict(self)

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Run:
        """Rebuild a run from what `to_dict` gave, also after a way through JSON.

        Raises
        ------
        StoreError
            If it holds other keys than a run has, or lacks the section.
        """
        try:
            settings = tuple((str(name), value) for name, value in told.get("settings", ()))
            return cls(**{**told, "settings": settings})
        except (AttributeError, TypeError, ValueError) as error:
            raise StoreError(
                f"A stored run must be one that this version wrote; it is not ({error}). "
                "Start the run again."
            ) from error

    def holdout(self) -> Run:
        """Return the run that tests this method on hidden spots; sites play no part in it."""
        return replace(self, work="holdout", factor=1, fill_gaps=False)


def section_id(section: AnnData) -> str:
    """Name a section after its content.

    Parameters
    ----------
    section
        Validated section: CSR counts in ``X``.

    Returns
    -------
    id
        Sixteen bytes in hex of the sha256 of counts, positions (array, pixels, in tissue),
        spot names and genes, pitch and technology. The order of stored zeros or columns within a
        row plays no part.
    """
    counts = csr_matrix(section.X, dtype=np.float32, copy=True)
    counts.sum_duplicates()
    counts.eliminate_zeros()
    digest = hashlib.sha256(np.array(counts.shape, np.int64).tobytes())
    digest.update(counts.data.tobytes())
    for integers in (counts.indices, counts.indptr):
        digest.update(integers.astype(np.int64).tobytes())
    for column in (ARRAY_ROW, ARRAY_COL, IN_TISSUE):
        if column in section.obs:
            digest.update(column.encode() + section.obs[column].to_numpy(np.int64).tobytes())
    if SPATIAL in section.obsm:
        digest.update(np.asarray(section.obsm[SPATIAL], np.float64).tobytes())
    for names in (section.obs_names, section.var_names):
        digest.update(json.dumps(list(names)).encode())
    digest.update(json.dumps(_scale_notes(section)).encode())
    return digest.hexdigest()[:32]


class Store:
    """A folder of finished things.

    Every entry is written into a temporary folder and renamed, so that a half-written one is
    never seen, and carries the sha256 of each file, compared whenever it is opened.

    Parameters
    ----------
    folder
        Where to keep it; None for ``$STENTRANS_HOME``, else the platform's data folder.
    limit_bytes
        Above this the entries that were used longest ago are removed.
    """

    def __init__(self, folder: Path | None = None, *, limit_bytes: int = LIMIT_BYTES) -> None:
        self.folder = _home() if folder is None else Path(folder)
        self.limit_bytes = limit_bytes
        self._remove_leftovers()

    def has(self, shelf: Shelf, name: str) -> bool:
        """Say whether an entry is there, without reading it, and mark it as used."""
        if not _is_name(name) or not (self.folder / shelf / name / CHECKSUMS).is_file():
            return False
        with suppress(OSError):  # a read-only store still serves
            os.utime(self.folder / shelf / name / USED)
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
        _check_name(name)
        if self.has(shelf, name):
            return
        with self._temporary_folder() as folder:
            write(folder)
            _write_json(folder / ABOUT, dict(about or {}))
            _write_json(folder / CHECKSUMS, _checksums(folder))
            (folder / USED).touch()
            self._move_in(folder, self.folder / shelf / name)
        self.evict(keep=name)

    def open(self, shelf: Shelf, name: str) -> Path:
        """Return the folder of an entry after comparing its checksums, and mark it as used.

        Raises
        ------
        StoreError
            If ``name`` is none, it is not there, or its files are not those that were written.
        """
        _check_name(name)
        folder = self.folder / shelf / name
        if not self.has(shelf, name):
            raise StoreError(
                f"The store must hold {name} among its {shelf}; it is not in {folder.parent}. "
                "It may have been removed to make room: make it again."
            )
        if json.loads((folder / CHECKSUMS).read_text("utf-8")) != _checksums(folder):
            raise StoreError(
                f"The files of a stored result must be as they were written; those in {folder} "
                "were changed or damaged. Delete that folder and make it again."
            )
        return folder

    def about(self, shelf: Shelf, name: str) -> dict[str, Any]:
        """Return the notes kept with an entry; empty where there is none."""
        if not _is_name(name):
            return {}
        path = self.folder / shelf / name / ABOUT
        return dict(json.loads(path.read_text("utf-8"))) if path.is_file() else {}

    def names(self, shelf: Shelf) -> list[str]:
        """List the entries, the one used last first."""
        return [entry.name for entry in sorted(self._entries(shelf), key=_used, reverse=True)]

    def remove(self, shelf: Shelf, name: str) -> None:
        """Remove an entry; one that is not there is no error."""
        if not _is_name(name):
            return
        folder = self.folder / shelf / name
        with self._temporary_folder() as away, suppress(FileNotFoundError):
            # Renamed first, so that nobody sees half of it.
            folder.rename(away / name)

    def evict(self, *, keep: str = "") -> list[str]:
        """Remove the entries used longest ago until the limit holds, and return their names.

        Never removes ``keep`` or an entry that was used within the last ten minutes.
        """
        entries = [*self._entries("runs"), *self._entries("sections")]
        sizes = {entry: _size(entry) for entry in entries}
        total, now, removed = sum(sizes.values()), time.time(), []
        for entry in sorted(entries, key=_used):
            if total <= self.limit_bytes:
                break
            if entry.name == keep or now - _used(entry) < IN_USE_S:
                continue
            self.remove("runs" if entry.parent.name == "runs" else "sections", entry.name)
            total -= sizes[entry]
            removed.append(entry.name)
        return removed

    def put_section(self, section: AnnData, *, about: Mapping[str, Any] | None = None) -> str:
        """Keep a validated section and return its id."""
        name = section_id(section)
        self.put(
            "sections", name, lambda folder: section.write_h5ad(folder / SECTION_FILE), about=about
        )
        return name

    def section(self, name: str) -> AnnData:
        """Read a section back as it was put."""
        from anndata import read_h5ad

        return read_h5ad(self.open("sections", name) / SECTION_FILE)

    def _entries(self, shelf: Shelf) -> list[Path]:
        """Return the folders of the whole entries."""
        folders = [path.parent for path in (self.folder / shelf).glob(f"*/{CHECKSUMS}")]
        return [folder for folder in folders if _is_name(folder.name)]

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
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _cannot_write(self, error: OSError) -> str:
        return (
            f"The folder {self.folder} must be writable and have room; {error.strerror or error}. "
            f"Free some space, or set {HOME_VARIABLE} to another folder. Nothing finished is lost."
        )

    def _move_in(self, folder: Path, final: Path) -> None:
        final.parent.mkdir(parents=True, exist_ok=True)
        try:
            folder.rename(final)
        except OSError:
            # Somebody else wrote the same content first; then theirs is as good.
            if not (final / CHECKSUMS).is_file():
                raise


def _home() -> Path:
    told = os.environ.get(HOME_VARIABLE)
    return Path(told) if told else user_data_path("stentrans")


def _is_name(name: object) -> bool:
    return isinstance(name, str) and NAME.fullmatch(name) is not None


def _check_name(name: str) -> None:
    if not _is_name(name):
        raise StoreError(
            f"The name of a stored section or run must be 32 digits of 0-9 and a-f; got {name!r}. "
            "Use the link as it was given."
        )


def _scale_notes(section: AnnData) -> list[str]:
    """Pitch and technology as text, the same before and after a way through a file."""
    ours = section.uns.get(STENTRANS)
    told = ours if isinstance(ours, Mapping) else {}
    pitch, technology = (told.get(key) for key in SCALE_NOTES)
    return [repr(float(pitch)) if pitch else "", str(technology) if technology else ""]


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, sort_keys=True), "utf-8")


def _checksums(folder: Path) -> dict[str, str]:
    """Sha256 of every file but the two that follow from the others or change with use."""
    sums = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in (CHECKSUMS, USED):
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            sums[path.relative_to(folder).as_posix()] = digest
    return sums


def _used(entry: Path) -> float:
    try:
        return (entry / USED).stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _size(entry: Path) -> int:
    """Sum the sizes of the files that are there; another app may be removing the entry."""
    total = 0
    with suppress(OSError):
        for path in entry.rglob("*"):
            with suppress(OSError):
                total += path.stat().st_size if path.is_file() else 0
    return total
