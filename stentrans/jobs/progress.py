"""The record of a job, as everybody who looks at it sees it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from stentrans.store import Run

JobState = Literal["queued", "running", "finished", "failed", "cancelled"]
_MOST_LOSSES = 400


@dataclass(frozen=True)
class Watched:
    """The gene whose map is shown while a run goes on.

    Parameters
    ----------
    gene
        Its name.
    column
        Its column among the genes of the section.
    """

    gene: str
    column: int


@dataclass(frozen=True)
class Job:
    """One run on its way.

    Parameters
    ----------
    run
        What is being computed; its id is the job's id.
    state
        queued, running, finished, failed or cancelled, written by whoever ends it.
    who
        Name of the user who asked for it first; empty where nobody signs in.
    watched
        The gene of the preview.
    stage, fraction
        What is being done, and the share of the whole that is done, in [0, 1].
    losses
        (seconds since the start, training loss), in time order.
    preview
        Log values of the watched gene at the spots on tissue as far as they are known, shape
        ``(n_spots,)``, float16; None before there is one.
    memory, memory_limit
        Bytes that the worker held when last heard of, and may hold; None before.
    sentence
        Why it failed, for people; or the latest message.
    kept
        What was stored in its place when it was stopped early.
    submitted_at, started_at, ended_at
        Seconds since the epoch, None before.
    """

    run: Run
    state: JobState = "queued"
    who: str = ""
    watched: Watched | None = None
    stage: str = ""
    fraction: float = 0.0
    losses: tuple[tuple[float, float], ...] = ()
    preview: NDArray[np.float16] | None = field(default=None, compare=False)
    memory: int | None = None
    memory_limit: int | None = None
    sentence: str = ""
    kept: Run | None = None
    submitted_at: float = field(default_factory=time.time)
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
        """Return the record after a worker's report, see `stentrans.jobs.listener`.

        A report that starts at 0 again comes from another worker that took over.
        """
        is_anew = told["is_first"]
        started_at = now if is_anew or self.started_at is None else self.started_at
        losses = () if is_anew else self.losses
        if told["loss"] is not None:
            losses = (*losses, (now - started_at, float(told["loss"])))[-_MOST_LOSSES:]
        preview = self.preview
        if told["preview"] is not None:
            preview = np.frombuffer(told["preview"], np.float16)
        return replace(
            self,
            state="running",
            stage=told["stage"],
            fraction=float(told["fraction"]) if is_anew else max(self.fraction, told["fraction"]),
            losses=losses,
            preview=preview,
            memory=told["memory"],
            memory_limit=told["memory_limit"],
            sentence=told["message"],
            started_at=started_at,
        )

    def ended(self, state: JobState, sentence: str = "", *, kept: Run | None = None) -> Job:
        """Return the record after its end."""
        fraction = 1.0 if state == "finished" else self.fraction
        return replace(
            self,
            state=state,
            sentence=sentence,
            fraction=fraction,
            kept=kept,
            ended_at=time.time(),
        )
