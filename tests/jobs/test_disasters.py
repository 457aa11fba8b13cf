"""Killed workers, schedulers and apps, and workers that need too much: the record says so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from distributed import Client, LocalCluster

from stentrans.jobs import Job, Manager
from stentrans.jobs.cluster import JOBS_AT_ONCE, connect
from stentrans.jobs.work import DoRun
from stentrans.store import Run, Store

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 120.0
TOLD_WITHIN_S = 10.0
"""So soon everybody knows what happened."""


def as_told(note: Path) -> DoRun:
    """Seed 0 notes its process and never ends, 1 takes all memory, 2 finds a disk that is full.

    The others finish.
    """
    place = str(note)

    def do(run, store, on_progress):  # type: ignore[no-untyped-def]
        import os
        import resource
        from pathlib import Path
        from threading import Event

        from stentrans.methods.base import Progress, report

        tick, held = Event(), []
        while run.seed < 2:
            report(on_progress, Progress("training", 0.1))
            if run.seed == 0:
                unfinished = Path(f"{place}.part")
                unfinished.write_text(str(os.getpid()))
                unfinished.replace(place)  # whole as soon as it is there
            else:
                held.append(b"x" * 2**25)
            tick.wait(0.05)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        if run.seed == 2:
            resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
        try:
            store.put("runs", run.id, lambda folder: (folder / "values").write_bytes(bytes(20_000)))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return do


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def manager(folder: Path) -> Iterator[Manager]:
    made = Manager(
        Store(folder),
        open_client=lambda: connect(memory_limit="700MB"),
        do=as_told(folder / "pid"),
    )
    yield made
    made.close()


def run_of(seed: int) -> Run:
    return Run(section="s", work="holdout", method="linear", seed=seed)


def ended(manager: Manager, run: Run, timeout_s: float = TIMEOUT_S) -> Job:
    manager.submit(run)
    return manager.wait(run.id, timeout_s=timeout_s)


def wait_for_endless_run(manager: Manager, note: Path) -> int:
    """Return the process that works on seed 0."""
    with manager._changed:
        assert manager._changed.wait_for(
            lambda: manager._jobs[run_of(0).id].state == "running" and note.exists(), TIMEOUT_S
        )
    return int(note.read_text())


def test_killed_worker_fails_its_run_and_finished_ones_stay(manager: Manager, folder: Path) -> None:
    assert ended(manager, run_of(3)).state == "finished"
    manager.submit(run_of(0))
    os.kill(wait_for_endless_run(manager, folder / "pid"), signal.SIGKILL)
    job = manager.wait(run_of(0).id, timeout_s=TOLD_WITHIN_S)
    assert (job.state, "stopped from outside" in job.sentence) == ("failed", True)
    assert not [job for job in manager.jobs() if not job.is_over]
    assert Store(folder).open("runs", run_of(3).id).is_dir()
    assert ended(manager, run_of(4)).state == "finished"


def test_run_that_needs_too_much_memory_dies_alone_with_the_numbers(manager: Manager) -> None:
    job = ended(manager, run_of(1))
    assert job.state == "failed"
    assert "needed more memory than its worker has" in job.sentence
    assert "of the 0.7 GB" in job.sentence
    assert ended(manager, run_of(5)).state == "finished"


def test_run_that_finds_the_disk_full_fails_with_a_sentence(manager: Manager, folder: Path) -> None:
    assert ended(manager, run_of(6)).state == "finished"
    job = ended(manager, run_of(2))
    assert (job.state, "must be writable and have room; File too large" in job.sentence) == (
        "failed",
        True,
    )
    assert not Store(folder).has("runs", run_of(2).id)
    assert Store(folder).open("runs", run_of(6).id).is_dir()
    assert ended(manager, run_of(7)).state == "finished"


def test_killed_scheduler_fails_its_run_and_is_used_again_when_it_comes_back(
    lab: Any, folder: Path, tmp_path: Path
) -> None:
    worker = lab.add_worker()
    note = tmp_path / "pid"
    manager = Manager(Store(tmp_path), open_client=lambda: connect(lab.address), do=as_told(note))
    assert ended(manager, run_of(3)).state == "finished"
    manager.submit(run_of(0))
    wait_for_endless_run(manager, note)
    lab.scheduler.kill()
    job = manager.wait(run_of(0).id, timeout_s=TOLD_WITHIN_S)
    assert (job.state, "connection to the scheduler" in job.sentence) == ("failed", True)
    assert worker.wait(timeout=TIMEOUT_S) is not None  # it does not go on for nobody
    lab.open()
    lab.add_worker()
    lab.wait_for_workers(1)
    assert ended(manager, run_of(4)).state == "finished"
    manager.close()


def in_threads() -> Client:
    """A cluster without processes: quick to start."""
    nowhere = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
    return Client(
        LocalCluster(
            n_workers=1, processes=False, dashboard_address=None, scheduler_kwargs=nowhere
        ),
        set_as_default=False,
    )


APP = """
import sys
from functools import partial
from streamlit.testing.v1 import AppTest
from stentrans import section
from stentrans.app import cache

section.simulate = partial(section.simulate, n_rows=8, n_cols=10)
AppTest.from_file("app.py", default_timeout=100).run()
(job,) = cache.manager().jobs()
with cache.manager()._changed:
    cache.manager()._changed.wait_for(lambda: cache.manager()._jobs[job.run.id].stage == "training")
print(job.run.id, flush=True)
sys.stdin.read()
"""
"""The app opens on its example, which starts a run; it tells when that is in mid-training."""


def test_killed_app_leaves_no_process_behind_and_its_run_can_be_made_again(tmp_path: Path) -> None:
    app = subprocess.Popen(
        [sys.executable, "-c", APP],
        cwd=ROOT,
        env=os.environ | {"STENTRANS_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert app.stdout is not None
    run_id = app.stdout.readline().strip()
    workers = psutil.Process(app.pid).children(recursive=True)
    assert len(workers) >= JOBS_AT_ONCE
    app.kill()
    app.communicate()
    _, left = psutil.wait_procs(workers, timeout=TOLD_WITHIN_S)
    assert left == []
    store = Store(tmp_path)
    assert [entry.damaged_files() for entry in store.entries("sections")] == [[]]
    assert store.entries("runs") == []
    manager = Manager(store, open_client=in_threads, is_tested_after=False)
    job = manager.follow(run_id)
    assert job is not None
    assert (job.state, "The app was stopped" in job.sentence) == ("failed", True)
    assert ended(manager, job.run).state == "finished"
    assert store.open("runs", run_id).is_dir()
    manager.close()
