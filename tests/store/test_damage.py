"""Disks that are full and bits that flip: nothing half-written or changed is ever read."""

from __future__ import annotations

import gc
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import anndata as ad
import numpy as np
import pytest

import stentrans
from stentrans.errors import DamageError, StoreError
from stentrans.jobs.here import result_of
from stentrans.jobs.work import do_run
from stentrans.section import check_section
from stentrans.store import Run, Store
from stentrans.store.entry import ABOUT, USED, Entry

BEFORE = "a" * 32
ROOM = 40_000
"""Bytes that can be written; a section takes more."""
FLIPS = 4


@pytest.fixture(scope="module")
def section() -> ad.AnnData:
    return check_section(stentrans.simulate(n_rows=8, n_cols=10))


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory, section: ad.AnnData) -> Path:
    """A store with a section, its enhancement and its test on hidden spots."""
    store = Store(tmp_path_factory.mktemp("pristine"))
    run = Run(store.put_section(section), method="linear")
    for one in (run, run.holdout()):
        do_run(one, store, lambda progress: None)
    return store.folder


@pytest.fixture
def store(pristine: Path, tmp_path: Path) -> Store:
    shutil.copytree(pristine, tmp_path / "home")
    return Store(tmp_path / "home")


def entries(store: Store) -> list[Entry]:
    return [*store.entries("sections"), *store.entries("runs")]


def flips(entry: Entry) -> Iterator[tuple[Path, int, int]]:
    """Bits of every file of an entry: file, byte and bit, drawn anew from one seed."""
    rng = np.random.default_rng(7)
    for path in sorted(entry.folder.iterdir()):
        if path.name != USED:  # empty
            for byte in rng.integers(path.stat().st_size, size=FLIPS):
                yield path, int(byte), 1 << int(rng.integers(8))


def flip(path: Path, byte: int, bit: int) -> None:
    content = bytearray(path.read_bytes())
    content[byte] ^= bit
    path.write_bytes(content)


def test_flipped_bit_in_any_file_is_found_when_the_entry_is_opened(
    store: Store, pristine: Path
) -> None:
    kept = entries(store)
    assert len(kept) == 3
    for entry in kept:
        for path, byte, bit in flips(entry):
            flip(path, byte, bit)
            with pytest.raises(DamageError, match=f"{entry.name} among the {entry.shelf}"):
                store.open(entry.shelf, entry.name)  # type: ignore[arg-type]
            assert not entry.folder.exists()
            shutil.copytree(pristine / entry.shelf / entry.name, entry.folder)
        assert store.open(entry.shelf, entry.name).is_dir()  # type: ignore[arg-type]


def test_flipped_bit_in_the_notes_is_not_shown_to_anybody(store: Store) -> None:
    for entry in entries(store):
        about = (entry.folder / ABOUT).read_bytes()
        flip(entry.folder / ABOUT, about.rindex(b".") + 1 if b"." in about else len(about) - 3, 1)
        assert entry.about() == {}
        assert store.run(entry.name) is None


def test_damaged_result_is_computed_again_with_the_same_numbers(
    store: Store, section: ad.AnnData
) -> None:
    run = next(run for name in store.names("runs") if (run := store.run(name)).work == "enhance")
    told: list[str] = []
    genes = list(section.var_names[:3])

    def asked() -> np.ndarray:
        options = {"store": store, "on_progress": lambda progress: None, "warn": told.append}
        return result_of(run, section, **options).expression(genes)

    first = asked()
    for path, byte, bit in list(flips(Entry(store.folder / "runs" / run.id)))[::FLIPS]:
        flip(path, byte, bit)
        told.clear()
        assert (asked() == first).all()
        assert ["were changed or damaged" in sentence for sentence in told] == [True], path.name


@contextmanager
def small_files() -> Iterator[None]:
    """Let no file of this process grow above the room there is, as under a quota."""
    resource = pytest.importorskip("resource", reason="this system has no limits on files")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Put a disk of as much room below a folder."""
    if shutil.which("mount") is None:
        pytest.skip("this system mounts no disks")
    command = ["mount", "-t", "tmpfs", "-o", f"size={2 * ROOM}", "none", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only an administrator may mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def write_little(folder: Path) -> None:
    (folder / "values.txt").write_text("1")


def check_that_nothing_is_lost(
    store: Store, section: ad.AnnData, make: Callable[[], object], reason: str
) -> None:
    with pytest.raises(StoreError, match=rf"must be writable and have room; {reason}\. ") as caught:
        make()
    assert "\n" not in str(caught.value)
    gc.collect()  # what could not be written is forgotten without taking the process along
    assert [entry.name for entry in entries(store)] == [BEFORE]
    assert (store.open("runs", BEFORE) / "values.txt").read_text() == "1"
    assert list((store.folder / "temporary").iterdir()) == []


@pytest.mark.parametrize("shelf", ["sections", "runs"])
def test_full_quota_gives_one_sentence_and_loses_nothing(
    tmp_path: Path, section: ad.AnnData, shelf: str
) -> None:
    store = Store(tmp_path)
    store.put("runs", BEFORE, write_little)
    result = stentrans.enhance(section, method="linear")
    run = Run("0" * 32, method="linear")

    def make() -> None:
        if shelf == "sections":
            store.put_section(section)
        else:
            store.put_run(run, result.save)

    with small_files():
        check_that_nothing_is_lost(store, section, make, "File too large")
    make()
    assert len(store.names(shelf)) == 1 + (shelf == "runs")  # type: ignore[arg-type]


def test_full_disk_gives_one_sentence_and_loses_nothing(
    tmp_path: Path, section: ad.AnnData
) -> None:
    with small_disk(tmp_path):
        store = Store(tmp_path)
        store.put("runs", BEFORE, write_little)
        reason = "No space left on device"
        check_that_nothing_is_lost(store, section, lambda: store.put_section(section), reason)
