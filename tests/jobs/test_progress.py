"""What a worker tells, and how often it asks whether to stop."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from stentrans.jobs import progress
from stentrans.methods.base import OnProgress, Progress


class Wire:
    """The worker and the event of a job, with a clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.told: list[tuple[str, float]] = []
        self.asked = 0
        self.is_cancelled = False

    def monotonic(self) -> float:
        return self.now

    def log_event(self, topic: str, report: dict[str, Any]) -> None:
        self.told.append((report["stage"], report["fraction"]))

    def is_set(self) -> bool:
        self.asked += 1
        return self.is_cancelled


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def listen(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> OnProgress:
    replaced: dict[str, Callable[..., Any] | SimpleNamespace] = {
        "time": SimpleNamespace(monotonic=wire.monotonic),
        "get_worker": lambda: wire,
        "get_client": lambda: None,
        "Event": lambda name, client: wire,
    }
    for name, value in replaced.items():
        monkeypatch.setattr(progress, name, value)
    return progress.worker_listener("a")


def test_new_stage_is_told_at_once(wire: Wire, listen: OnProgress) -> None:
    for stage in ("reading", "training", "training", "writing"):
        listen(Progress(stage, 0.5))
    assert [stage for stage, _ in wire.told] == ["reading", "training", "writing"]


def test_same_stage_is_told_now_and_then(wire: Wire, listen: OnProgress) -> None:
    for step in range(11):
        wire.now = 100.0 + step * 0.125
        listen(Progress("training", step / 100))
    assert [fraction for _, fraction in wire.told] == [0.0, 0.04, 0.08]


def test_wish_to_stop_is_heard_between_two_reports(wire: Wire, listen: OnProgress) -> None:
    assert listen(Progress("training", 0.1)) is True
    wire.is_cancelled, wire.now = True, 100.25
    assert listen(Progress("training", 0.1)) is False
    assert len(wire.told) == 1


def test_wish_to_stop_is_heard_at_a_new_stage(wire: Wire, listen: OnProgress) -> None:
    listen(Progress("training", 0.1))
    wire.is_cancelled = True
    assert listen(Progress("writing", 0.1)) is False


def test_wish_to_stop_is_not_asked_for_at_every_step(wire: Wire, listen: OnProgress) -> None:
    for step in range(9):
        wire.now = 100.0 + step * 0.0625
        listen(Progress("training", 0.1))
    assert wire.asked == 3
