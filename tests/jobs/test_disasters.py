"""Workers that are killed, and workers that need too much: the record says so, others go on."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from stentrans.jobs import Manager
from stentrans.jobs.cluster import connect
from stentrans.jobs.work import DoRun
from stentrans.store import Run, Store

pytestmark = pytest.mark.slow
TIMEOUT_S = 120.0


def as_told(note: Path) -> DoRun:
    """Seed 0 notes its process and never ends, 1 takes all memory, the others finish."""
    place = str(note)

    def do(run, store, on_progress):  # type: ignore[no-untyped-def]
        import os
        from pathlib import Path
        from threading import Event

        from stentrans.methods.base import Progress, report

        tick, held = Event(), []
        while run.seed < 2:
            report(on_progress, Progress("training", 0.1))
            if run.seed == 0:
                Path(place).write_text(str(os.getpid()))
            else:
                held.append(b"x" * 2**25)
            tick.wait(0.05)
        store.put("runs", run.id, lambda folder: (folder / "values.txt").write_text("1"))

    return do


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    made = Manager(
        Store(tmp_path),
        open_client=lambda: connect(memory_limit="700MB"),
        do=as_told(tmp_path / "pid"),
    )
    yield made
    made.close()


def run_of(seed: int) -> Run:
    return Run(section="s", work="holdout", method="linear", seed=seed)


def test_killed_worker_fails_its_run_and_finished_ones_stay(
    manager: Manager, tmp_path: Path
) -> None:
    manager.submit(run_of(2))
    assert manager.wait(run_of(2).id, timeout_s=TIMEOUT_S).state == "finished"
    manager.submit(run_of(0))
    with manager._changed:
        assert manager._changed.wait_for(
            lambda: manager._jobs[run_of(0).id].state == "running" and (tmp_path / "pid").exists(),
            TIMEOUT_S,
        )
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    job = manager.wait(run_of(0).id, timeout_s=TIMEOUT_S)
    assert (job.state, "stopped from outside" in job.sentence) == ("failed", True)
    assert not [job for job in manager.jobs() if not job.is_over]
    assert Store(tmp_path).open("runs", run_of(2).id).is_dir()
    manager.submit(run_of(3))
    assert manager.wait(run_of(3).id, timeout_s=TIMEOUT_S).state == "finished"


def test_run_that_needs_too_much_memory_dies_alone_with_the_numbers(manager: Manager) -> None:
    manager.submit(run_of(1))
    job = manager.wait(run_of(1).id, timeout_s=TIMEOUT_S)
    assert job.state == "failed"
    assert "needed more memory than its worker has" in job.sentence
    assert "of the 0.7 GB" in job.sentence
    manager.submit(run_of(4))
    assert manager.wait(run_of(4).id, timeout_s=TIMEOUT_S).state == "finished"
