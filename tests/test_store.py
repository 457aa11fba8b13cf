"""The store keeps what it is given, notices damage and stays within its limit."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import anndata as ad
import numpy as np
import pytest
from scipy.sparse import csr_matrix

from stentrans.errors import StoreError
from stentrans.store import Run, Store, section_id


def write_numbers(folder: Path) -> None:
    np.savez(folder / "numbers.npz", values=np.arange(1000.0))


def age(store: Store, name: str, seconds: float) -> None:
    os.utime(store.folder / "runs" / name / "used", (1e9 - seconds, 1e9 - seconds))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_section_comes_back_as_it_was_put(store: Store, hexagonal_section: ad.AnnData) -> None:
    hexagonal_section.X = csr_matrix(hexagonal_section.X, dtype=np.float32)
    name = store.put_section(hexagonal_section)
    back = store.section(name)
    assert section_id(back) == name
    assert (back.X != hexagonal_section.X).nnz == 0
    assert back.obs.equals(hexagonal_section.obs)


def test_section_id_ignores_how_zeros_are_stored(hexagonal_section: ad.AnnData) -> None:
    dense = hexagonal_section.copy()
    dense.X = np.asarray(hexagonal_section.X.todense())
    assert section_id(dense) == section_id(hexagonal_section)


@pytest.mark.parametrize("what", ["count", "position", "gene", "spot"])
def test_section_id_follows_the_content(hexagonal_section: ad.AnnData, what: str) -> None:
    changed = hexagonal_section.copy()
    if what == "count":
        changed.X.data[0] += 1
    elif what == "position":
        changed.obs.loc[changed.obs_names[0], "array_row"] += 2
    elif what == "gene":
        changed.var_names = ["other", *changed.var_names[1:]]
    else:
        changed.obs_names = ["other", *changed.obs_names[1:]]
    assert section_id(changed) != section_id(hexagonal_section)


def test_run_id_follows_every_setting() -> None:
    run = Run(section="s")
    others = [
        replace(run, seed=1),
        replace(run, factor=3),
        replace(run, method="linear"),
        replace(run, fill_gaps=False),
        replace(run, settings=(("rank", 5),)),
        run.holdout(),
    ]
    assert len({run.id, *(other.id for other in others)}) == 7
    assert Run(section="s").id == run.id


def test_holdout_does_not_depend_on_the_factor() -> None:
    assert Run(section="s", factor=2).holdout() == Run(section="s", factor=4).holdout()


def test_entry_is_opened_with_its_files_and_notes(store: Store) -> None:
    store.put("runs", "a", write_numbers, about={"method": "linear"})
    with np.load(store.open("runs", "a") / "numbers.npz", allow_pickle=False) as arrays:
        assert arrays["values"].sum() == 499500.0
    assert store.about("runs", "a") == {"method": "linear"}


def test_damaged_file_is_refused(store: Store) -> None:
    store.put("runs", "a", write_numbers)
    path = store.folder / "runs" / "a" / "numbers.npz"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(StoreError, match="changed or damaged"):
        store.open("runs", "a")


def test_absent_entry_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="must hold nothing among its runs"):
        store.open("runs", "nothing")


def test_half_written_entry_is_never_seen(store: Store) -> None:
    def broken(folder: Path) -> None:
        write_numbers(folder)
        raise ValueError("stopped")

    with pytest.raises(ValueError, match="stopped"):
        store.put("runs", "a", broken)
    assert not store.has("runs", "a")
    assert store.names("runs") == []
    assert list((store.folder / "temporary").iterdir()) == []


def test_folder_without_checksums_is_no_entry(store: Store) -> None:
    (store.folder / "runs" / "a").mkdir(parents=True)
    assert not store.has("runs", "a")
    assert store.names("runs") == []


def test_full_disk_gives_one_sentence_and_loses_nothing(store: Store) -> None:
    def full(folder: Path) -> None:
        raise OSError(28, "No space left on device")

    store.put("runs", "a", write_numbers)
    with pytest.raises(StoreError, match="have room; No space left on device"):
        store.put("runs", "b", full)
    assert store.names("runs") == ["a"]


def test_second_writer_of_the_same_content_changes_nothing(store: Store) -> None:
    store.put("runs", "a", write_numbers)

    def refuse(folder: Path) -> None:
        raise AssertionError("it is there already")

    store.put("runs", "a", refuse)
    assert store.has("runs", "a")


def test_entry_used_longest_ago_goes_first(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for name in ("old", "older", "new"):
        store.put("runs", name, write_numbers)
    age(store, "old", 10)
    age(store, "older", 20)
    size = sum(p.stat().st_size for p in (tmp_path / "runs" / "new").iterdir())
    store.limit_bytes = 2 * size
    assert store.evict() == ["older"]
    assert store.names("runs") == ["new", "old"]


def test_entry_in_use_is_kept_above_the_limit(tmp_path: Path) -> None:
    store = Store(tmp_path, limit_bytes=0)
    store.put("runs", "a", write_numbers)
    store.put("runs", "b", write_numbers)
    assert sorted(store.names("runs")) == ["a", "b"]


def test_home_variable_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STENTRANS_HOME", str(tmp_path / "home"))
    assert Store().folder == tmp_path / "home"
