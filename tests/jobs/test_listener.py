"""What a worker tells, how often, and how soon it hears."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from distributed import Status

from stentrans.jobs import Job, listener
from stentrans.jobs.listener import Listener
from stentrans.methods.progress import ENOUGH, Progress
from stentrans.store import Run


class Wire:
    """The worker and the event of a job, with a clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.told: list[dict[str, Any]] = []
        self.later: list[tuple[float, Callable[[], None]]] = []
        self.asked = 0
        self.is_enough = False
        self.task: Any = SimpleNamespace(state="executing")
        self.loop = self
        self.status = Status.running
        self.memory_manager = SimpleNamespace(memory_limit=2**30)
        self.state = SimpleNamespace(tasks=self)

    def monotonic(self) -> float:
        return self.now

    def get(self, key: str) -> Any:
        return self.task

    def log_event(self, topic: str, report: dict[str, Any]) -> None:
        self.told.append(report)

    def add_callback(self, call: Callable[..., None], *given: Any) -> None:
        call(*given)

    def call_later(self, wait: float, call: Callable[[], None]) -> None:
        self.later.append((self.now + wait, call))

    def is_set(self) -> bool:
        self.asked += 1
        return self.is_enough

    def pass_to(self, now: float) -> None:
        self.now = now
        due = [call for at, call in self.later if at <= now]
        self.later = [(at, call) for at, call in self.later if at > now]
        for call in due:
            call()

    @property
    def stages(self) -> list[str]:
        return [told["stage"] for told in self.told]


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    wire = Wire()
    replaced: dict[str, Any] = {
        "time": SimpleNamespace(monotonic=wire.monotonic),
        "get_worker": lambda: wire,
        "get_client": lambda: None,
        "Event": lambda name, client: wire,
    }
    for name, value in replaced.items():
        monkeypatch.setattr(listener, name, value)
    return wire


def test_reports_are_told_at_most_twice_a_second(wire: Wire) -> None:
    listen = Listener("a-1")
    for step in range(101):
        wire.pass_to(100.0 + step * 0.02)
        listen(Progress(f"stage {step}", step / 100))
    assert len(wire.told) <= 5
    assert wire.told[-1]["fraction"] >= 0.75


def test_latest_stage_is_told_even_if_nothing_follows(wire: Wire) -> None:
    listen = Listener("a-1")
    for stage in ("reading", "choosing", "training"):
        listen(Progress(stage, 0.5))
    assert wire.stages == ["reading"]
    wire.pass_to(100.75)
    assert wire.stages == ["reading", "training"]
    wire.pass_to(105.0)
    assert wire.stages == ["reading", "training"]


def test_work_that_nobody_waits_for_is_stopped_at_once(wire: Wire) -> None:
    listen = Listener("a-1")
    assert listen(Progress("training", 0.1)) is None
    wire.task.state = "cancelled"
    assert listen(Progress("training", 0.1)) is False
    wire.task = None
    assert listen(Progress("training", 0.1)) is False


def test_work_of_a_worker_whose_scheduler_is_gone_is_stopped(wire: Wire) -> None:
    listen = Listener("a-1")
    assert listen(Progress("training", 0.1)) is None
    wire.status = Status.closing
    assert listen(Progress("training", 0.1)) is False


def test_wish_to_keep_is_heard_and_stays(wire: Wire) -> None:
    listen = Listener("a-1", can_keep=True)
    assert listen(Progress("training", 0.1)) is None
    wire.is_enough, wire.now = True, 100.25
    assert listen(Progress("training", 0.1)) == ENOUGH
    asked = wire.asked
    wire.now = 101.0
    assert listen(Progress("learning expression", 0.1)) == ENOUGH
    assert wire.asked == asked


def test_scheduler_is_not_asked_at_every_step(wire: Wire) -> None:
    listen = Listener("a-1", can_keep=True)
    for step in range(9):
        wire.now = 100.0 + step * 0.0625
        listen(Progress("training", 0.1))
    assert wire.asked == 3


def test_work_that_cannot_end_early_is_never_told_to(wire: Wire) -> None:
    wire.is_enough = True
    assert Listener("a-1")(Progress("training", 0.1)) is None


def test_preview_is_computed_only_to_be_told_and_told_only_when_it_changed(wire: Wire) -> None:
    listen = Listener("a-1", column=7)
    values, asked = [np.array([1.0, 2.0], np.float32)], []

    def preview(gene: int) -> np.ndarray:
        asked.append(gene)
        return values[-1]

    for step in range(201):
        if step == 150:
            values.append(np.array([1.0, 3.0], np.float32))
        wire.pass_to(100.0 + step * 0.0625)
        listen(Progress("training", step / 200, preview=preview))
    shown = [told["preview"] for told in wire.told if told["preview"] is not None]
    assert len(shown) == 2
    assert set(asked) == {7}
    assert len(asked) <= 7
    job = Job(Run(section="s")).advanced(wire.told[-1] | {"preview": shown[-1]}, 0.0)
    assert job.preview is not None
    assert job.preview.tolist() == [1.0, 3.0]


def test_report_of_a_worker_that_took_over_starts_the_record_anew(wire: Wire) -> None:
    job = Job(Run(section="s"))
    for attempt in range(2):
        listen = Listener("a-1")
        wire.now += 1
        listen(Progress("training", 0.5 if attempt == 0 else 0.1, loss=1.0))
    for told in wire.told:
        job = job.advanced(told, wire.now)
    assert job.fraction == 0.1
    assert len(job.losses) == 1
    assert job.memory_limit == 2**30
