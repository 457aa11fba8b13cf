"""A run that outlived its app is found, one of a living app is left alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from stentrans.jobs import Manager
from stentrans.jobs.leftovers import forget, remember, take_leftovers
from stentrans.store import Run, Store

RUN = Run(section="s", method="linear", settings=(("rank", 3),))


def remember_as_a_process_that_is_gone(folder: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    remember(folder, RUN)
    path = folder / f"{RUN.id}.json"
    note = json.loads(path.read_text())
    note["owner"]["pid"] = ended.pid
    path.write_text(json.dumps(note))


def test_run_of_a_living_process_is_left_alone(tmp_path: Path) -> None:
    remember(tmp_path, RUN)
    assert take_leftovers(tmp_path) == []
    assert (tmp_path / f"{RUN.id}.json").is_file()


def test_run_of_a_dead_process_is_taken_once(tmp_path: Path) -> None:
    remember_as_a_process_that_is_gone(tmp_path)
    assert take_leftovers(tmp_path) == [RUN]
    assert take_leftovers(tmp_path) == []


def test_ended_run_is_forgotten(tmp_path: Path) -> None:
    remember(tmp_path, RUN)
    forget(tmp_path, RUN.id)
    assert list(tmp_path.iterdir()) == []


def test_damaged_note_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{")
    assert take_leftovers(tmp_path) == []


def test_note_of_another_version_is_passed_over(tmp_path: Path) -> None:
    note = {"run": {**RUN.to_dict(), "foreign": 1}, "owner": {"pid": 1, "born": 0.0}}
    (tmp_path / "x.json").write_text(json.dumps(note))
    assert take_leftovers(tmp_path) == []


def test_next_app_shows_the_run_as_failed_with_the_reason(tmp_path: Path) -> None:
    remember_as_a_process_that_is_gone(tmp_path / "jobs")
    manager = Manager(Store(tmp_path))
    job = manager.follow(RUN.id)
    assert job is not None
    assert (job.state, "was stopped" in job.sentence) == ("failed", True)
    manager.close()


def test_run_that_finished_after_all_is_not_shown_as_failed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    remember_as_a_process_that_is_gone(tmp_path / "jobs")
    store.put("runs", RUN.id, lambda folder: None)
    manager = Manager(store)
    assert manager.submit(RUN).state == "finished"
    manager.close()
