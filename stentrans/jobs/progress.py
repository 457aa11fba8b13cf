"""The record of a job, and how a worker tells its progress and hears a cancellation."""

# Dask distributed declares its types only in part.
# mypy: allow-untyped-calls

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, Literal

from distributed import Event, get_client, get_worker

from stentrans.methods.base import OnProgress, Progress
from stentrans.store import Run

JobState = Literal["queued", "running", "finished", "failed", "cancelled"]

REPORT_EVERY_S = 0.5
ASK_EVERY_S = 0.2


@dataclass(frozen=True)
class Job:
    """One run on its way.

    Parameters
    ----------
    run
        What is being computed; its id is the job's id.
    state
        queued, running, finished, failed or cancelled, written by whoever ends it.
    stage, fraction
        What is being done, and the share of the whole that is done, in [0, 1].
    losses
        (seconds since the start, training loss), in time order.
    sentence
        Why it failed, for people; or the latest message.
    started_at, ended_at
        Seconds since the epoch, None before.
    """

    run: Run
    state: JobState = "queued"
    stage: str = ""
    fraction: float = 0.0
    losses: tuple[tuple[float, float], ...] = ()
    sentence: str = ""
    started_at: float | None = None
    ended_at: float | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in ("finished", "failed", "cancelled")

    @property
    def seconds_left(self) -> float | None:
        """A guess from the time taken so far; None before a twentieth is done."""
        if self.state != "running" or self.started_at is None or self.fraction < 0.05:
            return None
        return (time.time() - self.started_at) * (1 - self.fraction) / self.fraction

    def advanced(self, told: dict[str, Any], now: float) -> Job:
        """Return the record after a worker's report."""
        started_at = self.started_at if self.started_at is not None else now
        losses = self.losses
        if told["loss"] is not None:
            losses = (*losses, (now - started_at, float(told["loss"])))
        return replace(
            self,
            state="running",
            stage=told["stage"],
            fraction=max(self.fraction, float(told["fraction"])),
            losses=losses,
            sentence=told["message"],
            started_at=started_at,
        )

    def ended(self, state: JobState, sentence: str = "") -> Job:
        """Return the record after its end."""
        fraction = 1.0 if state == "finished" else self.fraction
        return replace(
            self, state=state, sentence=sentence, fraction=fraction, ended_at=time.time()
        )


def progress_topic(job_id: str) -> str:
    """Name the stream of events of a job."""
    return f"stentrans-progress-{job_id}"


def cancel_event_name(job_id: str) -> str:
    """Name the event that asks a job to stop."""
    return f"stentrans-cancel-{job_id}"


def worker_listener(job_id: str) -> OnProgress:
    """Return what a method calls on a Dask worker: tells the progress, may say stop.

    A new stage is told and the wish to stop asked for at once, else each only now and then.
    """
    worker, cancel = get_worker(), Event(cancel_event_name(job_id), client=get_client())
    stage: str | None = None
    told_at = asked_at = 0.0

    def listen(progress: Progress) -> bool:
        nonlocal stage, told_at, asked_at
        now, is_new = time.monotonic(), progress.stage != stage
        stage = progress.stage
        if is_new or now - told_at >= REPORT_EVERY_S or progress.fraction >= 1:
            told_at = now
            worker.log_event(progress_topic(job_id), _told(progress))
        if is_new or now - asked_at >= ASK_EVERY_S:
            asked_at = now
            return not cancel.is_set()
        return True

    return listen


def _told(progress: Progress) -> dict[str, Any]:
    """Return a report as plain values, for `Job.advanced`."""
    return {
        "stage": progress.stage,
        "fraction": float(progress.fraction),
        "loss": None if progress.loss is None else float(progress.loss),
        "message": progress.message,
    }
