"""Jobs: a cohort on one and two workers, what is told after a kill, cancelling, estimates.

    python benchmarks/jobs.py [--sections 8] [--spots 300 1000 3000] [--out docs/jobs.md]

Every worker has one thread. Sections are synthetic (synthetic.py). Wall-clock times: the load of
the machine before and after is printed with them. On a crowded machine two workers get twice the
share of one, so that a ratio above the number of workers is no speed-up; the share of the time
that workers were at work tells all the same whether work was there for each of them. Takes about
five minutes on an idle machine.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import anndata as ad  # noqa: TID251  # makes sections
import pandas as pd
import psutil
from distributed import Client  # noqa: TID251  # looks at workers
from machine import ROOT, machine, markdown, publish
from synthetic import counts, spots

from stentrans.jobs import Manager
from stentrans.jobs.cluster import connect
from stentrans.jobs.estimate import Size, estimate, expected
from stentrans.jobs.kinds import load
from stentrans.section import check_section
from stentrans.store import Run, Store

COHORT = (300, 1_000, "prior")  # spots, genes, method
CANCELLED = (3_000, 2_000)
STAGES = (
    "finding factors",
    "kriging factors",
    "learning loadings",
    "training",
    "learning expression",
    "predicting",
)
TIMED = ("linear", "lowrank_kriging", "kriging", "prior", "kernel", "stentrans")
TIMED_GENES = 4_000
LOOK_EVERY_S, AT_MOST_S = 0.02, 1800.0
ENDLESS = (("steps", 100_000),)
APP = """
import sys
from stentrans.jobs import Manager
from stentrans.store import Run, Store
manager, run = Manager(Store()), Run(sys.argv[1], settings=(("steps", 100_000),))
manager.submit(run)
with manager._changed:
    manager._changed.wait_for(lambda: manager._jobs[run.id].stage == "training")
print(run.id, flush=True)
sys.stdin.read()
"""


def section(n_spots: int, n_genes: int, seed: int = 0) -> ad.AnnData:
    """A synthetic section."""
    array = spots(n_spots)
    obs = pd.DataFrame({"array_row": array[:, 0], "array_col": array[:, 1]})
    obs.index = [f"{row}x{col}" for row, col in array.tolist()]
    var = pd.DataFrame(index=[f"G{i}" for i in range(n_genes)])
    return check_section(ad.AnnData(counts(array, n_genes, seed), obs=obs, var=var))


def seconds_until(is_so: Callable[[], bool]) -> float:
    """Wait for something, and say how long it took."""
    started = time.perf_counter()
    while not is_so():
        if time.perf_counter() - started > AT_MOST_S:
            sys.exit("Something that was waited for did not happen.")
        time.sleep(LOOK_EVERY_S)
    return time.perf_counter() - started


@contextmanager
def lab(n_workers: int) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and workers of one thread as processes of their own: its address, and them."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    local = ["--host", "127.0.0.1", "--no-dashboard", "--dashboard-address", "127.0.0.1:0"]

    def started(*words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *words, *local],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    processes = [started("scheduler", "--port", str(port))]
    processes += [started("worker", address, "--nthreads", "1") for _ in range(n_workers)]
    try:
        with Client(address, timeout=120, set_as_default=False) as client:
            client.wait_for_workers(n_workers, timeout=120)
        yield address, processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def cohort(n_workers: int, n_sections: int) -> tuple[float, float]:
    """Seconds of a cohort from first submission to last result, and share that workers worked.

    What is imported on the way is imported before.
    """
    n_spots, n_genes, method = COHORT
    with TemporaryDirectory() as home, lab(n_workers) as (address, _):
        store = Store(Path(home))
        manager = Manager(store, open_client=lambda: connect(address), is_tested_after=False)

        def work(sizes: Sequence[tuple[int, int]]) -> tuple[float, float]:
            names = [store.put_section(section(n, n_genes, seed)) for n, seed in sizes]
            started = time.perf_counter()
            for name in names:
                manager.submit(Run(name, method=method))
            for name in names:
                job = manager.wait(Run(name, method=method).id, timeout_s=AT_MOST_S)
                assert job.state == "finished", job.sentence
            taken = time.perf_counter() - started
            runs = [Run(name, method=method).id for name in names]
            worked = sum(float(store.about("runs", one)["seconds"]) for one in runs)
            return taken, worked / taken / n_workers

        work([(100, seed) for seed in range(2 * n_workers)])
        found = work([(n_spots, 100 + seed) for seed in range(n_sections)])
        manager.close()
    return found


class Here:
    """Jobs on the embedded cluster, with a look at its workers."""

    def __init__(self, home: Path) -> None:
        self.store = Store(home)
        self.client: Client | None = None
        self.manager = Manager(self.store, open_client=self._open, is_tested_after=False)

    def _open(self) -> Client:
        self.client = connect()
        return self.client

    def wait_for_stage(self, run: Run, stage: str) -> None:
        """Wait until a job is in a stage, or past it."""

        def is_there() -> bool:
            job = self.manager.follow(run.id)
            if job is None or job.is_over:
                sys.exit(f"The run ended before {stage}.")
            return job.stage == stage

        seconds_until(is_there)

    def busy(self) -> dict[int, bool]:
        """Whether the worker of each process works on something."""
        assert self.client is not None
        found = self.client.run(_busy)
        return dict(found.values())


def _busy(dask_worker: object = None) -> tuple[int, bool]:
    return os.getpid(), bool(dask_worker.state.executing)  # type: ignore[union-attr]


def killed_worker(home: Path) -> float:
    """Seconds from the death of a worker until its job says so."""
    here = Here(home)
    run = Run(here.store.put_section(section(300, 500)), settings=ENDLESS)
    here.manager.submit(run)
    here.wait_for_stage(run, "training")
    os.kill(next(pid for pid, is_busy in here.busy().items() if is_busy), signal.SIGKILL)
    told = seconds_until(lambda: here.manager.follow(run.id).is_over)  # type: ignore[union-attr]
    here.manager.close()
    return told


def killed_scheduler(home: Path) -> float:
    """Seconds from the death of a lab's scheduler until its job says so."""
    store = Store(home)
    run = Run(store.put_section(section(300, 500)), settings=ENDLESS)
    with lab(1) as (address, processes):
        manager = Manager(store, open_client=lambda: connect(address))
        manager.submit(run)
        seconds_until(lambda: manager.follow(run.id).stage == "training")  # type: ignore[union-attr]
        processes[0].kill()
        told = seconds_until(lambda: manager.follow(run.id).is_over)  # type: ignore[union-attr]
        manager.close()
    return told


def killed_app(home: Path) -> tuple[float, float]:
    """Seconds until no worker of a killed app is left, and until the next app says what was."""
    store = Store(home)
    app = subprocess.Popen(
        [sys.executable, "-c", APP, store.put_section(section(300, 500))],
        cwd=ROOT,
        env=os.environ | {"STENTRANS_HOME": str(home), "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert app.stdout is not None
    run_id = app.stdout.readline().strip()
    workers = psutil.Process(app.pid).children(recursive=True)
    started = time.perf_counter()
    app.kill()
    app.communicate()
    psutil.wait_procs(workers, timeout=AT_MOST_S)
    gone = time.perf_counter() - started
    started = time.perf_counter()
    manager = Manager(Store(home))
    job = manager.follow(run_id)
    assert job is not None
    assert job.state == "failed"
    told = time.perf_counter() - started
    manager.close()
    return gone, told


def cancelled(home: Path) -> dict[str, float]:
    """Seconds from cancelling in a stage until the worker is free, by stage."""
    here, found = Here(home), {}
    name = here.store.put_section(section(*CANCELLED))
    for seed, stage in enumerate(STAGES):
        run = Run(name, seed=seed)
        here.manager.submit(run)
        here.wait_for_stage(run, stage)
        here.manager.cancel(run.id)
        found[stage] = seconds_until(lambda: not any(here.busy().values()))
    here.manager.close()
    return found


def estimated(home: Path, sizes: Sequence[int]) -> tuple[list[list[str]], float]:
    """Rows of estimates beside what runs took, and seconds of asking for one that is there."""
    here, rows = Here(home), []
    for n_spots in sizes:
        name = here.store.put_section(section(n_spots, TIMED_GENES))
        size = Size.of(name, here.store)
        assert size is not None
        for method in TIMED:
            run = Run(name, method=method)
            first, learned = estimate(run, size), expected(run, here.store)
            assert first is not None
            assert learned is not None
            here.manager.submit(run)
            job = here.manager.wait(run.id, timeout_s=AT_MOST_S)
            assert job.state == "finished", job.sentence
            taken = float(here.store.about("runs", run.id)["seconds"])
            guesses = [f"{one.seconds:.1f} s" for one in (first, learned)]
            rows.append(
                [method, f"{size.spots:,}", *guesses, f"{taken:.1f} s"]
                + [f"{learned.seconds / taken:.2f}"]
            )
    started = time.perf_counter()
    here.manager.submit(run)
    load(run, here.store.open("runs", run.id))
    again = time.perf_counter() - started
    here.manager.close()
    return rows, again


def main() -> None:
    """Measure and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sections", type=int, default=8)
    parser.add_argument("--spots", type=int, nargs="+", default=[300, 1_000, 3_000])
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    before = os.getloadavg()[0]
    (one, _), (two, worked) = (cohort(n_workers, given.sections) for n_workers in (1, 2))
    with TemporaryDirectory() as folder:
        home = Path(folder)
        worker, scheduler = killed_worker(home / "worker"), killed_scheduler(home / "scheduler")
        gone, told = killed_app(home / "app")
        stages = cancelled(home / "cancel")
        rows, again = estimated(home / "estimate", given.spots)
    n_spots, n_genes, method = COHORT
    what = f"{given.sections} sections of {n_spots} spots and {n_genes:,} genes by `{method}`"
    last = f"{TIMED[-1]}, {given.spots[-1]:,} spots, {TIMED_GENES:,} genes"
    main_rows = [
        [f"{what}, one worker", f"{one:.1f} s", ""],
        ["the same, two workers", f"{two:.1f} s", ""],
        ["one worker / two workers", f"{one / two:.2f}", "at least 1.6"],
        ["share of the time that the two were at work", f"{worked:.0%}", "80 %"],
        ["worker killed in training: until the job says so", f"{worker:.1f} s", "10 s"],
        ["scheduler of a lab killed: until the job says so", f"{scheduler:.1f} s", "10 s"],
        ["app killed: until none of its processes is left", f"{gone:.1f} s", "10 s"],
        ["the next app: until it says what happened", f"{told:.1f} s", "10 s"],
        [f"asking for a run that is there, result read ({last})", f"{again:.2f} s", "0.5 s"],
    ]
    size = f"`stentrans`, {CANCELLED[0]:,} spots, {CANCELLED[1]:,} genes"
    publish(
        [
            "# Jobs",
            "Made by `python benchmarks/jobs.py`: synthetic sections, one thread per worker, wall "
            "clock.",
            f"{machine()}; load of the machine {before:.1f} before and {os.getloadavg()[0]:.1f} "
            "after (above 2 others worked on its cores, and times are longer than on an idle one)",
            markdown(["what", "measured", "asked for"], main_rows),
            f"Cancelling ({size}): the record says so at once; until the worker is free it takes",
            markdown(
                ["cancelled while", "until the worker is free", "at most"],
                [[stage, f"{taken:.2f} s", "2 s"] for stage, taken in stages.items()],
            ),
            "Time of a run as estimated, before any run was stored (one idle core) and from the "
            "runs that were by then, beside what it took; within a factor of two is asked for. "
            "The app rounds to five seconds: whatever takes less is called 5 s there.",
            markdown(
                ["method", "spots", "estimate", "learned", "measured", "learned / measured"], rows
            ),
        ],
        given.out,
    )


if __name__ == "__main__":
    main()
