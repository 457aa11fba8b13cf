"""How a job ends, told by a real worker process."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stentrans.errors import JobError
from stentrans.jobs import Job, Manager
from stentrans.jobs import manager as module
from stentrans.jobs.cluster import JOBS_AT_ONCE, connect
from stentrans.jobs.work import DoRun
from stentrans.store import Run, Store

TIMEOUT_S = 120.0


# The work is defined inside functions, so that Dask sends its code: the worker process
# cannot import this module.
def finishing() -> DoRun:
    def do(run, store, on_progress):  # type: ignore[no-untyped-def]
        from stentrans.methods.base import Progress, report

        report(on_progress, Progress("training", 0.5, loss=2.0))
        report(on_progress, Progress("done", 1.0, loss=1.0))
        store.put("runs", run.id, lambda folder: (folder / "values.txt").write_text("1"))

    return do


def refusing() -> DoRun:
    def do(run, store, on_progress):  # type: ignore[no-untyped-def]
        from stentrans.errors import ParameterError

        raise ParameterError("factor must be between 1 and 4; got 9.")

    return do


def counting_new_pages() -> DoRun:
    """Refused if every array of a mebibyte comes with 256 new pages of the system's."""

    def do(run, store, on_progress):  # type: ignore[no-untyped-def]
        import resource

        import numpy as np

        from stentrans.errors import ParameterError

        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(50):
            np.ones(2**20, np.uint8)
        new = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
        if new > 10 * 256:
            raise ParameterError(f"At most 2560 pages must be new; {new} were.")
        store.put("runs", run.id, lambda folder: (folder / "values.txt").write_text("1"))

    return do


def breaking() -> DoRun:
    def do(run, store, on_progress):  # type: ignore[no-untyped-def]
        return {}["gone"]

    return do


def dying() -> DoRun:
    def do(run, store, on_progress):  # type: ignore[no-untyped-def]
        import os

        os._exit(1)

    return do


def endless() -> DoRun:
    def do(run, store, on_progress):  # type: ignore[no-untyped-def]
        from threading import Event

        from stentrans.methods.base import Progress, report

        tick = Event()
        while not tick.wait(0.02):
            report(on_progress, Progress("training", 0.1))

    return do


def dying_when_told(flag: Path) -> DoRun:
    """Seed 0 ends its worker once the flag is there, seed 1 and above finish after that."""
    path = str(flag)

    def do(run, store, on_progress):  # type: ignore[no-untyped-def]
        import os
        from pathlib import Path
        from threading import Event

        from stentrans.methods.base import Progress, report

        tick = Event()
        while not Path(path).exists():
            tick.wait(0.02)
            report(on_progress, Progress("training", 0.1))
        if run.seed == 0:
            os._exit(1)
        while not Path(path + "-all").exists():
            tick.wait(0.02)
            report(on_progress, Progress("training", 0.2))

    return do


def wait_until_running(manager: Manager, *runs: Run) -> None:
    with manager._changed:
        assert manager._changed.wait_for(
            lambda: all(manager._jobs[run.id].state == "running" for run in runs), TIMEOUT_S
        )


@pytest.fixture
def manager_of(tmp_path: Path) -> Iterator[Callable[[DoRun], Manager]]:
    opened: list[Manager] = []

    def make(do: DoRun) -> Manager:
        opened.append(
            Manager(Store(tmp_path), open_client=lambda: connect(memory_limit="1GiB"), do=do)
        )
        return opened[-1]

    yield make
    for manager in opened:
        manager.close()


def manager_without_workers(folder: Path) -> Manager:
    """A manager whose jobs stay queued: nothing is ever handed over."""
    manager = Manager(Store(folder))
    manager._launch = lambda run: None  # type: ignore[method-assign]
    return manager


def run_of(seed: int = 0) -> Run:
    return Run(section="s", work="holdout", method="linear", seed=seed)


def ended(manager: Manager, run: Run) -> Job:
    manager.submit(run)
    return manager.wait(run.id, timeout_s=TIMEOUT_S)


def test_finished_run_is_stored_and_tells_its_losses(
    manager_of: Callable[[DoRun], Manager], tmp_path: Path
) -> None:
    job = ended(manager_of(finishing()), run_of())
    assert (job.state, job.fraction) == ("finished", 1.0)
    assert job.losses[-1][1] == 1.0
    assert Store(tmp_path).has("runs", run_of().id)


def test_stored_run_is_finished_without_a_worker(
    manager_of: Callable[[DoRun], Manager], tmp_path: Path
) -> None:
    Store(tmp_path).put("runs", run_of().id, lambda folder: None)

    def refuse() -> None:
        raise AssertionError("no cluster is needed")

    manager = Manager(Store(tmp_path), open_client=refuse)  # type: ignore[arg-type]
    assert manager.submit(run_of()).state == "finished"
    manager.close()


def test_refused_run_fails_with_its_sentence(manager_of: Callable[[DoRun], Manager]) -> None:
    job = ended(manager_of(refusing()), run_of())
    assert (job.state, job.sentence) == ("failed", "factor must be between 1 and 4; got 9.")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="asks glibc")
def test_worker_uses_memory_again_during_a_job(manager_of: Callable[[DoRun], Manager]) -> None:
    job = ended(manager_of(counting_new_pages()), run_of())
    assert (job.state, job.sentence) == ("finished", "")


def test_fault_of_the_program_is_named_as_one(manager_of: Callable[[DoRun], Manager]) -> None:
    job = ended(manager_of(breaking()), run_of())
    assert job.state == "failed"
    assert "fault of the program" in job.sentence
    assert "KeyError" in job.sentence


def test_dead_worker_fails_the_run_and_the_next_one_still_works(
    manager_of: Callable[[DoRun], Manager],
) -> None:
    manager = manager_of(dying())
    job = ended(manager, run_of())
    assert job.state == "failed"
    assert "worker process" in job.sentence
    manager._do = finishing()
    assert ended(manager, run_of(seed=1)).state == "finished"


def test_dead_worker_takes_no_other_job_with_it(
    manager_of: Callable[[DoRun], Manager], tmp_path: Path
) -> None:
    flag = tmp_path / "flag"
    manager = manager_of(dying_when_told(flag))
    dies, *others = [run_of(seed=seed) for seed in range(JOBS_AT_ONCE + 2)]
    for run in [dies, *others]:
        manager.submit(run)
    wait_until_running(manager, dies, others[0])
    flag.touch()
    assert manager.wait(dies.id, timeout_s=TIMEOUT_S).state == "failed"
    Path(f"{flag}-all").touch()
    for run in others:  # one of them ran beside it, the rest waited, maybe for the same worker
        assert manager.wait(run.id, timeout_s=TIMEOUT_S).state == "finished"


def test_running_job_stops_when_cancelled_and_can_start_again(
    manager_of: Callable[[DoRun], Manager],
) -> None:
    manager = manager_of(endless())
    manager.submit(run_of())
    wait_until_running(manager, run_of())
    manager.cancel(run_of().id)
    assert manager.wait(run_of().id, timeout_s=TIMEOUT_S).state == "cancelled"
    manager._do = finishing()
    assert ended(manager, run_of()).state == "finished"


def test_waiting_job_is_cancelled_at_once(manager_of: Callable[[DoRun], Manager]) -> None:
    manager = manager_of(endless())
    running = [run_of(seed=seed) for seed in range(JOBS_AT_ONCE)]
    waiting = run_of(seed=JOBS_AT_ONCE)
    for run in [*running, waiting]:
        manager.submit(run)
    wait_until_running(manager, *running)
    manager.cancel(waiting.id)
    job = manager.follow(waiting.id)
    assert job is not None
    assert job.state == "cancelled"
    # The end of the first attempt is not that of the second one.
    manager._do = finishing()
    manager.submit(waiting)
    job = manager.follow(waiting.id)
    assert job is not None
    assert job.state == "queued"
    for run in running:
        manager.cancel(run.id)
        assert manager.wait(run.id, timeout_s=TIMEOUT_S).state == "cancelled"
    assert manager.wait(waiting.id, timeout_s=TIMEOUT_S).state == "finished"


def test_waiting_before_counts_the_queued_jobs_before_it(tmp_path: Path) -> None:
    manager = manager_without_workers(tmp_path)
    runs = [run_of(seed=seed) for seed in range(4)]
    for run in runs:
        manager.submit(run)
    manager._jobs[runs[0].id] = replace(manager._jobs[runs[0].id], state="running")
    assert [manager.waiting_before(run.id) for run in runs] == [0, 0, 1, 2]
    # Started again, it comes after those that waited meanwhile.
    manager.cancel(runs[1].id)
    manager.submit(runs[1])
    assert [job.run.seed for job in manager.jobs()] == [0, 2, 3, 1]
    assert manager.waiting_before(runs[1].id) == 2
    # What somebody asked for goes before the tests that follow by themselves.
    asked = Run(section="s", method="linear")
    manager.submit(asked)
    assert manager.waiting_before(asked.id) == 0
    assert manager.waiting_before(runs[1].id) == 3
    manager.close()


def test_only_the_last_records_of_ended_jobs_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT_RECORDS", 2)
    manager = manager_without_workers(tmp_path)
    for seed in range(5):
        manager.submit(run_of(seed=seed))
    for seed in (4, 2, 0, 1):
        manager.cancel(run_of(seed=seed).id)
    manager.submit(run_of(seed=9))
    assert [job.run.seed for job in manager.jobs()] == [0, 1, 3, 9]
    assert manager.follow(run_of(seed=4).id) is None
    manager.close()


def test_same_run_submitted_twice_is_one_job(manager_of: Callable[[DoRun], Manager]) -> None:
    manager = manager_of(endless())
    first, second = manager.submit(run_of()), manager.submit(run_of())
    assert first.run == second.run
    assert len(manager.jobs()) == 1
    manager.cancel(run_of().id)
    manager.wait(run_of().id, timeout_s=TIMEOUT_S)


def test_enhancement_is_followed_by_its_test_on_hidden_spots(
    manager_of: Callable[[DoRun], Manager],
) -> None:
    manager = manager_of(finishing())
    run = Run(section="s")
    manager.submit(run)
    manager.wait(run.id, timeout_s=TIMEOUT_S)
    with manager._changed:
        assert manager._changed.wait_for(lambda: run.holdout().id in manager._jobs, TIMEOUT_S)
    assert manager.wait(run.holdout().id, timeout_s=TIMEOUT_S).state == "finished"


def test_silent_scheduler_fails_the_run_with_a_sentence(tmp_path: Path) -> None:
    def unreachable() -> None:
        raise JobError("The scheduler at tcp://127.0.0.1:1 must answer; it did not.")

    manager = Manager(Store(tmp_path), open_client=unreachable)  # type: ignore[arg-type]
    job = ended(manager, run_of())
    assert (job.state, "must answer" in job.sentence) == ("failed", True)
    manager.close()


def test_cluster_that_breaks_at_its_start_fails_the_run(tmp_path: Path) -> None:
    def broken() -> None:
        raise AttributeError("no such thing")

    manager = Manager(Store(tmp_path), open_client=broken)  # type: ignore[arg-type]
    job = ended(manager, run_of())
    assert (job.state, "AttributeError" in job.sentence) == ("failed", True)
    manager.close()


def test_wait_for_unknown_run_is_refused(tmp_path: Path) -> None:
    manager = Manager(Store(tmp_path))
    with pytest.raises(JobError, match="Only a submitted run"):
        manager.wait("nothing", timeout_s=0.1)
    manager.close()
