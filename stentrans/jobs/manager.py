"""Submit, follow and cancel jobs; one job per run."""

# Dask distributed declares its types only in part.
# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future as LaunchFuture
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from secrets import token_hex
from threading import Condition
from typing import Any

from distributed import Client, Future, KilledWorker

from stentrans.errors import JobError, StentransError
from stentrans.jobs.cluster import MEMORY_VARIABLE, connect
from stentrans.jobs.connection import Connection
from stentrans.jobs.endings import (
    INTERRUPTED_SENTENCE,
    LOST_SENTENCE,
    ending_of,
    fault,
    gigabytes,
)
from stentrans.jobs.estimate import Size, estimate
from stentrans.jobs.kinds import kind_of
from stentrans.jobs.leftovers import forget, remember, take_leftovers
from stentrans.jobs.progress import Job, Watched
from stentrans.jobs.work import DoRun, do_run, work_on
from stentrans.store import Run, Store

KEPT_RECORDS = 200
"""So many jobs that are over are remembered, the last ones; their results stay in the store."""


class Manager:
    """The jobs of one app, shared by its sessions; every method is safe in any thread.

    Parameters
    ----------
    store
        Where workers keep results.
    open_client
        Returns a Dask client; called on first use, never before.
    do
        What a worker does for a run.
    is_tested_after
        Whether an enhancement is followed by its test on hidden spots.
    """

    def __init__(
        self,
        store: Store,
        *,
        open_client: Callable[[], Client] = connect,
        do: DoRun = do_run,
        is_tested_after: bool = True,
    ) -> None:
        self._store, self._do, self._is_tested_after = store, do, is_tested_after
        self._line = Connection(open_client, self._hear)
        self._notes = store.folder / "jobs"
        self._jobs: dict[str, Job] = {
            run.id: Job(run).ended("failed", INTERRUPTED_SENTENCE)
            for run in take_leftovers(self._notes)
            if not store.has("runs", run.id)
        }
        self._futures: dict[str, Future[Any]] = {}
        self._asked_to_stop: set[str] = set()
        self._launched_again: set[str] = set()
        # Keys of this app and no other on the same scheduler, a new one for every attempt: Dask
        # would answer a known one with its old ending.
        self._token, self._attempts = token_hex(4), count()
        # Guards all of the above, and wakes those who wait for a job.
        self._changed = Condition()
        # Starting a cluster takes seconds; a page must not wait for it.
        self._launcher = ThreadPoolExecutor(1, thread_name_prefix="stentrans-jobs")

    def submit(self, run: Run, *, who: str = "", watched: Watched | None = None) -> Job:
        """Start a run, or join the one that is there, and return its record.

        A result in the store is finished at once; a run that failed or was cancelled starts anew.

        Parameters
        ----------
        run
            What to compute.
        who
            Name of the user, noted with the result.
        watched
            The gene to preview.

        Raises
        ------
        MissingKeyError
            If there is no such kind of work.
        JobError
            If it was stopped early: what was there then cannot be computed again.
        """
        kind_of(run)
        is_there = self._store.has("runs", run.id)
        # Asks the scheduler, so not under the lock, and only where there is something to do.
        refusal = None if is_there else self.refusal_of(run)
        with self._changed:
            job = self._jobs.get(run.id)
            if job is not None and not job.is_over:
                return job
            is_there = is_there or self._store.has("runs", run.id)
            if run.stopped and not is_there:
                raise JobError(
                    "A run that was stopped early can be neither repeated nor tested on hidden "
                    "spots: it would never stop at the same place. Start the whole run."
                )
            # Neither the place nor the future of an earlier attempt counts for this one.
            self._jobs.pop(run.id, None)
            self._futures.pop(run.id, None)
            self._forget_oldest()
            self._jobs[run.id] = Job(run, who=who, watched=watched)
            if is_there:
                self._jobs[run.id] = self._jobs[run.id].ended("finished")
            elif refusal is not None:
                self._jobs[run.id] = self._jobs[run.id].ended("failed", refusal)
            else:
                self._asked_to_stop.discard(run.id)
                self._launched_again.discard(run.id)
                remember(self._notes, run)
                self._start(run)
            return self._jobs[run.id]

    def refusal_of(self, run: Run) -> str | None:
        """Say why a run cannot fit into the memory of a worker; None if it can, as far as known."""
        size = Size.of(run.section, self._store)
        cost = None if size is None else estimate(run, size)
        limit = self._line.memory_limit()
        if cost is None or limit is None or cost.memory <= limit:
            return None
        return (
            f"A run must fit into the memory of its worker; this one needs about "
            f"{gigabytes(cost.memory)} and the worker may use {gigabytes(limit)}. Choose a smaller "
            f"factor, or give workers more memory ({MEMORY_VARIABLE})."
        )

    def follow(self, run_id: str) -> Job | None:
        """Return the record as it is now, None for a run that was never submitted here."""
        with self._changed:
            job, future = self._jobs.get(run_id), self._futures.get(run_id)
        if job is not None and not job.is_over and future is not None and future.done():
            # The callback of the future may not have run yet.
            self._close_record(run_id, future)
            with self._changed:
                return self._jobs.get(run_id)
        return job

    def jobs(self) -> list[Job]:
        """Return all records, the latest submission last."""
        with self._changed:
            return list(self._jobs.values())

    def waiting_before(self, run_id: str) -> int:
        """Count the queued jobs that go before a queued one."""
        with self._changed:
            queued = [job.run for job in self._jobs.values() if job.state == "queued"]
        # Dask takes the higher priority first, then the earlier submission; so does sorting.
        order = sorted(queued, key=lambda run: -kind_of(run).priority)
        return next((place for place, run in enumerate(order) if run.id == run_id), 0)

    def has_workers(self) -> bool:
        """Say whether anybody is there to do the work; true while that is not known."""
        workers = self._line.workers()
        return workers is None or bool(workers)

    def wait(self, run_id: str, *, timeout_s: float) -> Job:
        """Wait until a job is over and return its record.

        Raises
        ------
        JobError
            If it is unknown, or not over in time.
        """
        with self._changed:
            if run_id not in self._jobs:
                raise JobError(f"Only a submitted run can be waited for; {run_id} was not.")
            if self._changed.wait_for(lambda: self._jobs[run_id].is_over, timeout_s):
                return self._jobs[run_id]
        raise JobError(f"Run {run_id} must end within {timeout_s:g} s; it is still going on.")

    def cancel(self, run_id: str) -> None:
        """Drop a job: one that waits never starts, one that runs stops at its next report."""
        with self._changed:
            job, future = self._jobs.get(run_id), self._futures.get(run_id)
            if job is None or job.is_over:
                return
            self._asked_to_stop.add(run_id)
            sentence = "Cancelled before it started." if job.state == "queued" else "Cancelled."
            self._jobs[run_id] = job.ended("cancelled", sentence)
            # Its end must not be taken for that of the next attempt.
            self._futures.pop(run_id, None)
            forget(self._notes, run_id)
            self._changed.notify_all()
        if future is not None:
            # The worker sees at its next report that nobody waits for it any more.
            future.cancel(reason="cancelled by the user")

    def drop(self, run_id: str) -> None:
        """Forget the record of a job that is over."""
        with self._changed:
            job = self._jobs.get(run_id)
            if job is not None and job.is_over:
                del self._jobs[run_id]

    def keep(self, run_id: str) -> None:
        """Ask a job to end with what it has learned so far; see `Job.kept`.

        Raises
        ------
        JobError
            If this kind of work cannot end early.
        """
        with self._changed:
            job, future = self._jobs.get(run_id), self._futures.get(run_id)
        if job is None or job.is_over or future is None:
            return
        if not kind_of(job.run).can_keep:
            raise JobError(
                "Only learning can end early; this job has nothing to keep. Cancel it instead."
            )
        self._line.ask_for_enough(str(future.key))

    def close(self) -> None:
        """Stop everything; the embedded workers end with it."""
        self._launcher.shutdown(wait=True, cancel_futures=True)
        with self._changed:
            self._futures.clear()
        self._line.close()

    def _start(self, run: Run) -> None:
        """Have the launcher hand a run to Dask."""
        launched = self._launcher.submit(self._launch, run)
        launched.add_done_callback(lambda done: self._check_launch(run, done))

    def _launch(self, run: Run) -> None:
        """Hand a run to Dask, in the launcher's thread."""
        with self._changed:
            if not self._is_to_launch(run.id):
                return
            job = self._jobs[run.id]
        key = f"{run.id}-{self._token}-{next(self._attempts)}"
        do = partial(self._do, who=job.who) if job.who else self._do
        column = None if job.watched is None else job.watched.column
        given = (run, str(self._store.folder), do, key, column)
        try:
            future = self._line.submit(key, kind_of(run).priority, work_on, *given)
        except StentransError as error:
            self._end(run.id, job.ended("failed", str(error)))
            return
        with self._changed:
            is_wanted = self._is_to_launch(run.id)
            if is_wanted:
                self._futures[run.id] = future
        if not is_wanted:  # cancelled meanwhile
            future.cancel()
            return
        future.add_done_callback(lambda done: self._close_record(run.id, done))

    def _is_to_launch(self, run_id: str) -> bool:
        """Say whether a job still waits: not cancelled meanwhile, not launched twice for that."""
        job = self._jobs.get(run_id)
        return job is not None and not job.is_over and run_id not in self._futures

    def _check_launch(self, run: Run, launched: LaunchFuture[None]) -> None:
        """End a job that could not even be handed over."""
        if not launched.cancelled() and launched.exception() is not None:
            self._end(run.id, fault(self._jobs[run.id], launched.exception()))

    def _hear(self, event: tuple[float, Any]) -> None:
        """Take a worker's report, in the client's own thread."""
        now, told = event
        run_id = str(told["key"]).partition("-")[0]
        with self._changed:
            job, future = self._jobs.get(run_id), self._futures.get(run_id)
            # Other apps, and earlier attempts, are told of in the same stream.
            if job is None or job.is_over or future is None or future.key != told["key"]:
                return
            self._jobs[run_id] = job.advanced(told, float(now))
            self._changed.notify_all()

    def _close_record(self, run_id: str, future: Future[Any]) -> None:
        """Write the end of a job that its future shows."""
        # Asked before locking: the answer comes through the thread that calls `_hear`.
        error = future.exception() if future.status == "error" else None
        is_killed = isinstance(error, KilledWorker)
        with self._changed:
            job = self._jobs.get(run_id)
            if job is None or job.is_over or self._futures.get(run_id) is not future:
                return
            if is_killed and job.state == "queued" and run_id not in self._launched_again:
                # Dask hands jobs to workers before these are free, and blames them all for a
                # worker's death; one that never told anything gets one more chance.
                self._launched_again.add(run_id)
                del self._futures[run_id]
                self._start(job.run)
                return
        ended = ending_of(
            job,
            future,
            was_cancelled=run_id in self._asked_to_stop,
            memory_event=self._line.died_of_memory(error.last_worker.address)
            if isinstance(error, KilledWorker)
            else None,
        )
        self._end(run_id, ended, of=future)
        if ended.sentence == LOST_SENTENCE:
            # Not in this thread, which is the lost client's own.
            self._launcher.submit(self._line.drop)

    def _forget_oldest(self) -> None:
        """Drop the records of the jobs that ended longest ago, above the number kept."""
        over = sorted(
            (key for key, job in self._jobs.items() if job.is_over),
            key=lambda key: self._jobs[key].ended_at or 0.0,
        )
        for key in over[: max(0, len(over) - KEPT_RECORDS)]:
            del self._jobs[key]

    def _end(self, run_id: str, job: Job, *, of: Future[Any] | None = None) -> None:
        """Write the end of a job, unless the attempt it is the end of is no longer the latest."""
        with self._changed:
            if run_id not in self._jobs or (of is not None and self._futures.get(run_id) is not of):
                return
            if not self._jobs[run_id].is_over:
                self._jobs[run_id] = job
            forget(self._notes, run_id)
            # Dask forgets a key, and so its result, when nobody holds the future.
            self._futures.pop(run_id, None)
            self._changed.notify_all()
        if self._is_tested_after and job.state == "finished" and job.run.work == "enhance":
            self.submit(job.run.holdout(), who=job.who)
