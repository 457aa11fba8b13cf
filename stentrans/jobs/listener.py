"""How a worker tells its progress, and hears that it shall stop or end with what it has."""

# Dask distributed declares its types only in part.
# mypy: allow-untyped-calls

from __future__ import annotations

import time
from threading import Lock
from typing import Any

import numpy as np
import psutil  # type: ignore[import-untyped]  # has no types of its own
from distributed import Event, Status, get_client, get_worker

from stentrans.methods.progress import ENOUGH, Progress, Reply

TOPIC = "stentrans-progress"
"""The stream of events that all jobs of a scheduler are told in; each names its key."""
REPORT_EVERY_S = 0.5
GRACE_S = 0.2
"""So much longer a report waits for a next one, which can be told with a preview."""
PREVIEW_EVERY_S = 2.0
ASK_EVERY_S = 0.2


def enough_event_name(key: str) -> str:
    """Name the event that asks an attempt to end with what it has."""
    return f"stentrans-enough-{key}"


class Listener:
    """What a method calls on a Dask worker.

    Tells at most twice a second: what comes in between waits, and only the latest of it is told.

    Parameters
    ----------
    key
        Dask's key of the attempt.
    can_keep
        Whether the work may be asked to end early.
    column
        The gene to preview, by its column; None for no preview.
    """

    def __init__(self, key: str, *, can_keep: bool = False, column: int | None = None) -> None:
        self.worker, self.key, self.column = get_worker(), key, column
        self.enough = Event(enough_event_name(key), client=get_client()) if can_keep else None
        self.process = psutil.Process()
        self.is_enough, self.is_first = False, True
        self.told_at = self.shown_at = self.asked_at = float("-inf")
        self.waiting: dict[str, Any] | None = None
        self.is_alarm_set, self.lock = False, Lock()
        self.shown = b""

    def __call__(self, progress: Progress) -> Reply:
        """Tell a report, now or soon, and answer what was asked for."""
        self._tell(progress, time.monotonic())
        if not self._is_wanted():
            return False
        return ENOUGH if self._asked_for_enough() else None

    def close(self) -> None:
        """Tell what still waits to be told; the work is done."""
        with self.lock:
            told = self.waiting
        if told is not None:
            self._send(told)

    def _tell(self, progress: Progress, now: float) -> None:
        told = {
            "key": self.key,
            "stage": progress.stage,
            "fraction": float(progress.fraction),
            "loss": None if progress.loss is None else float(progress.loss),
            "message": progress.message,
            "preview": None,
        }
        wait = self.told_at + REPORT_EVERY_S - now
        if wait <= 0:
            self._send(told | {"preview": self._preview(progress, now)})
            return
        with self.lock:
            self.waiting = told
            is_alarm_set, self.is_alarm_set = self.is_alarm_set, True
        if not is_alarm_set:
            # Nothing may follow for a while: the latest stage must be known all the same.
            loop = self.worker.loop
            loop.add_callback(loop.call_later, wait + GRACE_S, self._send_waiting)

    def _send_waiting(self) -> None:
        """Tell what came too early to be told at once, in the thread of the worker's loop."""
        wait = self.told_at + REPORT_EVERY_S - time.monotonic()
        with self.lock:
            told = self.waiting
            self.is_alarm_set = told is not None and wait > 0  # others were told meanwhile
        if self.is_alarm_set:
            self.worker.loop.call_later(wait + GRACE_S, self._send_waiting)
        elif told is not None:
            self._send(told)

    def _send(self, told: dict[str, Any]) -> None:
        with self.lock:
            self.told_at, self.waiting = time.monotonic(), None
            is_first, self.is_first = self.is_first, False
        told |= {
            "is_first": is_first,
            "memory": int(self.process.memory_info().rss),
            "memory_limit": self.worker.memory_manager.memory_limit,
        }
        self.worker.log_event(TOPIC, told)

    def _preview(self, progress: Progress, now: float) -> bytes | None:
        """Values of the watched gene, where they differ from what was shown last."""
        if self.column is None or progress.preview is None:
            return None
        if now - self.shown_at < PREVIEW_EVERY_S:
            return None
        self.shown_at = now
        values = progress.preview(self.column)
        told = b"" if values is None else values.astype(np.float16).tobytes()
        if not told or told == self.shown:
            return None
        self.shown = told
        return told

    def _is_wanted(self) -> bool:
        """Whether anybody still waits: Dask marks what its clients gave up, or were killed over.

        A worker whose scheduler is gone closes, but only when its work is done.
        """
        if self.worker.status in (Status.closing, Status.closed):
            return False
        task = self.worker.state.tasks.get(self.key)
        return task is not None and task.state != "cancelled"

    def _asked_for_enough(self) -> bool:
        now = time.monotonic()
        if self.enough is not None and not self.is_enough and now - self.asked_at >= ASK_EVERY_S:
            self.asked_at = now
            self.is_enough = bool(self.enough.is_set())
        return self.is_enough
