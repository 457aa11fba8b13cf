"""The store keeps what it is given, notices damage and stays within its limit."""

from __future__ import annotations

import os
import time
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from stentrans.errors import DamageError, StoreError
from stentrans.section.positions import PITCH_UM, TECHNOLOGY
from stentrans.store import RESULT_VERSION, Run, Store, section_id

A, B, C, NEW, OLD, OLDER, ABSENT = (
    "a" * 32,
    "b" * 32,
    "9" * 32,
    "c" * 32,
    "d" * 32,
    "e" * 32,
    "f" * 32,
)
ILL_NAMES = ["", "a", "..", "../runs/" + A, "/" + A, A.upper(), A + "\n", A + "/.", "g" * 32]


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


def test_section_id_with_a_pitch_survives_a_file(
    store: Store, hexagonal_section: ad.AnnData
) -> None:
    hexagonal_section.uns["stentrans"] = {PITCH_UM: 55.3, TECHNOLOGY: "Visium"}
    name = store.put_section(hexagonal_section)
    assert section_id(store.section(name)) == name


def test_section_id_ignores_how_zeros_are_stored(hexagonal_section: ad.AnnData) -> None:
    dense = hexagonal_section.copy()
    dense.X = np.asarray(hexagonal_section.X.todense())
    assert section_id(dense) == section_id(hexagonal_section)


@pytest.mark.parametrize("what", ["count", "position", "gene", "spot", "pitch", "technology"])
def test_section_id_follows_the_content(hexagonal_section: ad.AnnData, what: str) -> None:
    changed = hexagonal_section.copy()
    if what == "count":
        changed.X.data[0] += 1
    elif what == "position":
        changed.obs.loc[changed.obs_names[0], "array_row"] += 2
    elif what == "gene":
        changed.var_names = ["other", *changed.var_names[1:]]
    elif what in ("pitch", "technology"):
        key, value = (PITCH_UM, 55.0) if what == "pitch" else (TECHNOLOGY, "other")
        changed.uns["stentrans"] = {**changed.uns.get("stentrans", {}), key: value}
    else:
        changed.obs_names = ["other", *changed.obs_names[1:]]
    assert section_id(changed) != section_id(hexagonal_section)


def test_entry_is_opened_with_its_files_and_notes(store: Store) -> None:
    store.put("runs", A, write_numbers, about={"method": "linear"})
    with np.load(store.open("runs", A) / "numbers.npz", allow_pickle=False) as arrays:
        assert arrays["values"].sum() == 499500.0
    assert store.about("runs", A) == {"method": "linear"}


@pytest.mark.parametrize("file", ["numbers.npz", "about.json", "checksums.json"])
def test_damaged_entry_is_refused_once_and_can_be_made_again(store: Store, file: str) -> None:
    store.put("runs", A, write_numbers, about={"method": "linear"})
    path = store.folder / "runs" / A / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamageError, match=f"{file} of {A} among the runs were changed or damaged"):
        store.open("runs", A)
    assert not store.has("runs", A)
    store.put("runs", A, write_numbers)
    assert store.open("runs", A).is_dir()


def test_missing_and_foreign_files_are_damage(store: Store) -> None:
    store.put("runs", A, write_numbers)
    folder = store.folder / "runs" / A
    (folder / "numbers.npz").rename(folder / "other.npz")
    with pytest.raises(DamageError, match=r"numbers\.npz, other\.npz of"):
        store.open("runs", A)


def test_run_of_another_version_is_not_read_as_one_of_this(store: Store) -> None:
    run = Run(section=B, method="linear")
    store.put_run(run, write_numbers, about={"who": "me"})
    assert store.run(run.id) == run
    assert store.about("runs", run.id)["result_version"] == RESULT_VERSION
    # The same notes under another name: settings meant something else when it was written.
    store.put("runs", A, write_numbers, about={"run": run.to_dict()})
    store.put("runs", C, write_numbers, about={"run": {**run.to_dict(), "foreign": 1}})
    assert store.run(A) is None
    assert store.run(C) is None


def test_pinned_run_is_never_removed_to_make_room_nor_is_its_section(store: Store) -> None:
    run = Run(section=B)
    store.put_run(run, write_numbers)
    store.put("sections", B, write_numbers)
    store.put("runs", OLD, write_numbers)
    store.pin(run.id)
    for shelf, name in (("runs", run.id), ("sections", B), ("runs", OLD)):
        os.utime(store.folder / shelf / name / "used", (1.0, 1.0))
    store.limit_bytes = 0
    assert store.evict() == [OLD]
    store.unpin(run.id)
    assert sorted(store.evict()) == sorted([run.id, B])


def test_only_a_stored_run_is_pinned(store: Store) -> None:
    for name in (ABSENT, "../" + A, ""):
        with pytest.raises(StoreError, match="Only a stored run can be pinned"):
            store.pin(name)
    assert not (store.folder / "pins").exists()


def test_section_is_in_use_as_long_as_its_runs_are(store: Store) -> None:
    run = Run(section=B)
    store.put_run(run, write_numbers)
    store.put("sections", B, write_numbers)
    os.utime(store.folder / "sections" / B / "used", (1.0, 1.0))
    store.open("runs", run.id)
    store.limit_bytes = 0
    assert store.evict() == []


def test_size_of_a_section_is_noted_beside_it(store: Store, hexagonal_section: ad.AnnData) -> None:
    hexagonal_section.X = csr_matrix(hexagonal_section.X, dtype=np.float32)
    noted = store.about("sections", store.put_section(hexagonal_section, about={"label": "x"}))
    assert (noted["spots"], noted["genes"]) == hexagonal_section.shape
    assert noted["counts"] == hexagonal_section.X.nnz
    assert noted["label"] == "x"


def test_absent_entry_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match=r"must hold f{32} among its runs"):
        store.open("runs", ABSENT)


def test_half_written_entry_is_never_seen(store: Store) -> None:
    def broken(folder: Path) -> None:
        write_numbers(folder)
        raise ValueError("stopped")

    with pytest.raises(ValueError, match="stopped"):
        store.put("runs", A, broken)
    assert not store.has("runs", A)
    assert store.names("runs") == []
    assert list((store.folder / "temporary").iterdir()) == []


def test_folder_without_checksums_is_no_entry(store: Store) -> None:
    (store.folder / "runs" / A).mkdir(parents=True)
    assert not store.has("runs", A)
    assert store.names("runs") == []


def test_full_disk_gives_one_sentence_and_loses_nothing(store: Store) -> None:
    def full(folder: Path) -> None:
        raise OSError(28, "No space left on device")

    store.put("runs", A, write_numbers)
    with pytest.raises(StoreError, match="have room; No space left on device"):
        store.put("runs", B, full)
    assert store.names("runs") == [A]


def test_second_writer_of_the_same_content_changes_nothing(store: Store) -> None:
    store.put("runs", A, write_numbers)

    def refuse(folder: Path) -> None:
        raise AssertionError("it is there already")

    store.put("runs", A, refuse)
    assert store.has("runs", A)


def test_entry_used_longest_ago_goes_first(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for name in (OLD, OLDER, NEW):
        store.put("runs", name, write_numbers)
    age(store, OLD, 10)
    age(store, OLDER, 20)
    size = sum(p.stat().st_size for p in (tmp_path / "runs" / NEW).iterdir())
    store.limit_bytes = 2 * size
    assert store.evict() == [OLDER]
    assert store.names("runs") == [NEW, OLD]


def test_entry_in_use_is_kept_above_the_limit(tmp_path: Path) -> None:
    store = Store(tmp_path, limit_bytes=0)
    store.put("runs", A, write_numbers)
    store.put("runs", B, write_numbers)
    assert sorted(store.names("runs")) == [A, B]


def test_home_variable_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STENTRANS_HOME", str(tmp_path / "home"))
    assert Store().folder == tmp_path / "home"


@pytest.mark.parametrize("name", ILL_NAMES)
def test_ill_name_is_never_looked_at(store: Store, name: str) -> None:
    # Every one of these would lead to something that is there.
    for target in (A, "a", A.upper(), "g" * 32, A + "\n"):
        folder = store.folder / "runs" / target
        folder.mkdir(parents=True, exist_ok=True)
        for file in ("checksums.json", "about.json"):
            (folder / file).write_text('{"seen": 1}')
    assert not store.has("runs", name)
    assert store.about("runs", name) == {}
    with pytest.raises(StoreError, match="must be 32 digits"):
        store.open("runs", name)
    with pytest.raises(StoreError, match="must be 32 digits"):
        store.put("runs", name, write_numbers)
    store.remove("runs", name)
    assert (store.folder / "runs" / A / "about.json").is_file()


def test_entry_that_was_asked_for_counts_as_in_use(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for name in (OLD, OLDER):
        store.put("runs", name, write_numbers)
        age(store, name, 10)
    assert store.has("runs", OLD)
    store.limit_bytes = 0
    assert store.evict() == [OLDER]


def test_file_that_vanishes_meanwhile_does_not_stop_the_eviction(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("runs", A, write_numbers)
    store.limit_bytes = 0
    age(store, A, 10)
    is_file = Path.is_file

    def gone_after(path: Path) -> bool:
        there = is_file(path)
        if path.name == "numbers.npz":
            path.unlink(missing_ok=True)
        return there

    monkeypatch.setattr(Path, "is_file", gone_after)
    assert store.evict() == [A]


def test_old_leftovers_go_when_the_store_is_opened(tmp_path: Path) -> None:
    for name, days in (("left", 2.0), ("being_written", 0.5)):
        folder = tmp_path / "temporary" / name
        folder.mkdir(parents=True)
        write_numbers(folder)
        then = time.time() - days * 24 * 3600
        os.utime(folder, (then, then))
    Store(tmp_path)
    assert [path.name for path in (tmp_path / "temporary").iterdir()] == ["being_written"]


def test_exported_files_go_before_older_runs(store: Store) -> None:
    run = Run(A, method="linear")
    file = run.export(".h5ad", genes=None, scale="log", layers=[])
    for one, seconds in ((run, 9000), (file, 1000)):
        store.put_run(one, write_numbers)
        age(store, one.id, seconds)
    store.limit_bytes = store.entries("runs")[0].size + 100
    assert store.evict() == [file.id]


@pytest.mark.parametrize("kind", [object, "string"])
def test_labels_with_holes_are_kept(
    store: Store, hexagonal_section: ad.AnnData, kind: object
) -> None:
    labels = ["tumour", None] + ["stroma"] * (hexagonal_section.n_obs - 2)
    hexagonal_section.obs["label"] = pd.Series(labels, hexagonal_section.obs_names, dtype=kind)
    read = store.section(store.put_section(hexagonal_section)).obs["label"]
    assert read.isna().tolist() == [label is None for label in labels]
    assert read.dropna().tolist() == [label for label in labels if label is not None]
