"""Submit, follow and cancel jobs; one job per run."""

# Dask distributed declares its types only in part.
# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future as LaunchFuture
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Condition
from typing import Any

from distributed import Client, Event, Future, KilledWorker

from stentrans.errors import JobError, StentransError
from stentrans.jobs.cluster import connect
from stentrans.jobs.kinds import kind_of
from stentrans.jobs.leftovers import forget, remember, take_leftovers
from stentrans.jobs.progress import Job, cancel_event_name, progress_topic
from stentrans.jobs.work import DoRun, do_run, work_on
from stentrans.store import Run, Store

MEMORY_SENTENCE = (
    "The worker process ended before the run was done, most likely because it needed more memory "
    "than it may use. Try a smaller factor or fewer genes, or give the worker more memory "
    "(STENTRANS_WORKER_MEMORY)."
)
INTERRUPTED_SENTENCE = "The app was stopped while this run was going on; start the run again."
KEPT_RECORDS = 200
"""So many jobs that are over are remembered, the last ones; their results stay in the store."""
LOST_SENTENCE = (
    "The connection to the scheduler must last as long as the run; it was lost. "
    "Check that the scheduler is up and start the run again."
)


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
    """

    def __init__(
        self,
        store: Store,
        *,
        open_client: Callable[[], Client] = connect,
        do: DoRun = do_run,
    ) -> None:
        self._store = store
        self._open_client = open_client
        self._do = do
        self._notes = store.folder / "jobs"
        self._jobs: dict[str, Job] = {
            run.id: Job(run).ended("failed", INTERRUPTED_SENTENCE)
            for run in take_leftovers(self._notes)
            if not store.has("runs", run.id)
        }
        self._futures: dict[str, Future[Any]] = {}
        self._asked_to_stop: set[str] = set()
        self._launched_again: set[str] = set()
        self._attempts = count()
        self._client: Client | None = None
        # Guards all of the above, and wakes those who wait for a job.
        self._changed = Condition()
        # Starting a cluster takes seconds; a page must not wait for it.
        self._launcher = ThreadPoolExecutor(1, thread_name_prefix="stentrans-jobs")

    def submit(self, run: Run) -> Job:
        """Start a run, or join the one that is there, and return its record.

        A result in the store is finished at once; a run that failed or was cancelled starts anew.

        Raises
        ------
        MissingKeyError
            If there is no such kind of work.
        """
        kind_of(run)
        with self._changed:
            job = self._jobs.get(run.id)
            if job is not None and not job.is_over:
                return job
            # Neither the place nor the future of an earlier attempt counts for this one.
            self._jobs.pop(run.id, None)
            self._futures.pop(run.id, None)
            self._forget_oldest()
            if self._store.has("runs", run.id):
                self._jobs[run.id] = Job(run).ended("finished")
            else:
                self._asked_to_stop.discard(run.id)
                self._launched_again.discard(run.id)
                self._jobs[run.id] = Job(run)
                remember(self._notes, run)
                self._start(run)
            return self._jobs[run.id]

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
        """Count the queued jobs that were submitted before a queued one."""
        with self._changed:
            order = [key for key, job in self._jobs.items() if job.state == "queued"]
        return order.index(run_id) if run_id in order else 0

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
        """Ask a job to stop; one that waits is dropped, one that runs stops at its next report."""
        with self._changed:
            job, future, client = self._jobs.get(run_id), self._futures.get(run_id), self._client
            if job is None or job.is_over:
                return
            self._asked_to_stop.add(run_id)
            if job.state == "queued":
                self._jobs[run_id] = job.ended("cancelled", "Cancelled before it started.")
                # Its end must not be taken for that of the next attempt.
                self._futures.pop(run_id, None)
                forget(self._notes, run_id)
                self._changed.notify_all()
        if client is not None and future is not None:
            Event(cancel_event_name(run_id), client=client).set()
            if job.state == "queued":
                future.cancel()

    def close(self) -> None:
        """Stop everything; the embedded worker ends with it."""
        self._launcher.shutdown(wait=True, cancel_futures=True)
        with self._changed:
            client, self._client = self._client, None
            self._futures.clear()
        if client is not None:
            cluster = client.cluster
            client.close()
            if cluster is not None:
                cluster.close()

    def _start(self, run: Run) -> None:
        """Have the launcher hand a run to Dask."""
        launched = self._launcher.submit(self._launch, run)
        launched.add_done_callback(lambda done: self._check_launch(run, done))

    def _launch(self, run: Run) -> None:
        """Hand a run to Dask, in the launcher's thread."""
        try:
            if self._client is None:
                self._client = self._open_client()
        except StentransError as error:
            self._end(run.id, self._jobs[run.id].ended("failed", str(error)))
            return
        with self._changed:
            if not self._is_to_launch(run.id):
                return
        client = self._client
        Event(cancel_event_name(run.id), client=client).clear()
        client.subscribe_topic(progress_topic(run.id), lambda event: self._hear(run.id, event))
        with self._changed:
            if not self._is_to_launch(run.id):
                return
            # A new key each time: Dask would answer a known one with its old ending.
            key = f"{run.id}-{next(self._attempts)}"
            future = client.submit(
                work_on,
                run,
                str(self._store.folder),
                self._do,
                key=key,
                pure=False,
                priority=kind_of(run).priority,
            )
            self._futures[run.id] = future
        future.add_done_callback(lambda done: self._close_record(run.id, done))

    def _is_to_launch(self, run_id: str) -> bool:
        """Say whether a job still waits: not cancelled meanwhile, not launched twice for that."""
        job = self._jobs.get(run_id)
        return job is not None and not job.is_over and run_id not in self._futures

    def _check_launch(self, run: Run, launched: LaunchFuture[None]) -> None:
        """End a job that could not even be handed over."""
        if not launched.cancelled() and launched.exception() is not None:
            self._end(run.id, self._fault(self._jobs[run.id], launched.exception()))

    def _hear(self, run_id: str, event: tuple[float, Any]) -> None:
        """Take a worker's report, in the client's own thread."""
        now, told = event
        with self._changed:
            job = self._jobs.get(run_id)
            if job is not None and not job.is_over:
                self._jobs[run_id] = job.advanced(told, float(now))
                self._changed.notify_all()

    def _close_record(self, run_id: str, future: Future[Any]) -> None:
        """Write the end of a job that its future shows."""
        # Asked before locking: the answer comes through the thread that calls `_hear`.
        is_killed = future.status == "error" and isinstance(future.exception(), KilledWorker)
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
        self._end(run_id, self._ending(job, future), of=future)

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
        if job.state == "finished" and job.run.work == "enhance":
            self.submit(job.run.holdout())

    def _ending(self, job: Job, future: Future[Any]) -> Job:
        """Read from a future that is done how its job ended."""
        if future.status == "finished":
            state, sentence = future.result()
            return job.ended(state, sentence)
        if future.status == "cancelled":
            if job.run.id in self._asked_to_stop:
                return job.ended("cancelled", "Cancelled.")
            return job.ended("failed", LOST_SENTENCE)
        error = future.exception() if future.status == "error" else None
        if isinstance(error, KilledWorker) or error is None:
            return job.ended("failed", MEMORY_SENTENCE)
        return self._fault(job, error)

    @staticmethod
    def _fault(job: Job, error: BaseException | None) -> Job:
        """Name an error that nobody meant for people."""
        return job.ended(
            "failed",
            f"A fault of the program ended the run ({type(error).__name__}: {error}). "
            "Please report it with the section that shows it.",
        )
