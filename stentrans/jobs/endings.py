"""How a job ended, read from what Dask says of it, as a sentence for people."""

# Dask distributed declares its types only in part.
# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

from distributed import Future, KilledWorker

from stentrans.jobs.cluster import MEMORY_VARIABLE
from stentrans.jobs.progress import Job

INTERRUPTED_SENTENCE = "The app was stopped while this run was going on; start the run again."
LOST_SENTENCE = (
    "The connection to the scheduler must last as long as the run; it was lost. "
    "Check that the scheduler is up and start the run again."
)
CLOSE_TO_LIMIT = 0.7
"""A worker that held this share of its memory when last heard of probably died of the rest."""


def ending_of(
    job: Job, future: Future[Any], *, was_cancelled: bool, memory_event: dict[str, Any] | None
) -> Job:
    """Read from a future that is done how its job ended.

    Parameters
    ----------
    job
        The record so far.
    future
        Done.
    was_cancelled
        Whether somebody asked for the end.
    memory_event
        What was noted if the worker was ended for holding too much memory.
    """
    if future.status == "finished":
        state, sentence, kept = future.result()
        return job.ended(state, sentence, kept=kept)
    if future.status == "cancelled":
        if was_cancelled:
            return job.ended("cancelled", "Cancelled.")
        return job.ended("failed", LOST_SENTENCE)
    error = future.exception() if future.status == "error" else None
    if isinstance(error, KilledWorker):
        return job.ended("failed", _killed(job, memory_event))
    if error is None:
        return job.ended("failed", LOST_SENTENCE)
    return fault(job, error)


def fault(job: Job, error: BaseException | None) -> Job:
    """End a job with an error that nobody meant for people."""
    return job.ended(
        "failed",
        f"A fault of the program ended the run ({type(error).__name__}: {error}). "
        "Please report it with the section that shows it.",
    )


def gigabytes(size: float) -> str:
    """Return a size for people."""
    return f"{size / 1e9:.1f} GB"


def _killed(job: Job, memory_event: dict[str, Any] | None) -> str:
    """Say why the worker process ended, as surely as it is known."""
    remedy = (
        "Choose a smaller factor or a quicker method, or give the worker more memory "
        f"({MEMORY_VARIABLE})."
    )
    limit = "" if job.memory_limit is None else f" of the {gigabytes(job.memory_limit)} it may use"
    if memory_event is not None:
        return (
            f"The run needed more memory than its worker has: {gigabytes(memory_event['rss'])}"
            f"{limit}. Nothing else was lost. {remedy}"
        )
    stage = f" ({job.stage})" if job.stage else ""
    if job.memory is None or job.memory_limit is None:
        return f"The worker process ended before the run was done{stage}; start the run again."
    held = f"it held {gigabytes(job.memory)}{limit}"
    if job.memory > CLOSE_TO_LIMIT * job.memory_limit:
        return (
            f"The worker process ended before the run was done{stage}, probably for lack of "
            f"memory: {held} when last heard of. {remedy}"
        )
    return (
        f"The worker process was stopped from outside before the run was done{stage}; {held} "
        "when last heard of. Start the run again."
    )
