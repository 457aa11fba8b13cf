"""What a running method tells, and how it hears that it shall stop or end with what it has."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from stentrans.errors import Cancelled

ENOUGH: Final = "enough"
"""Answer of a listener: learn no more, and make a result of what is there."""
STOPPED_EARLY: Final = "stopped_early"
"""Key in the summary of a fit that ended so, with how far it had come; absent from a whole one."""
_PULSE_EVERY_S = 0.1

Reply = bool | Literal["enough"] | None
Preview = Callable[[int], "NDArray[np.float32] | None"]


@dataclass(frozen=True)
class Progress:
    """What a running method reports.

    Parameters
    ----------
    stage
        Short name of what is being done, for people ("training", "kriging").
    fraction
        Share of the whole fit that is done, in [0, 1]; never goes back.
    loss
        Latest training loss, None where there is none.
    message
        One more sentence, may be empty.
    preview
        From a gene's column to what the method would say of it by now: log values at equal depth
        at the measured spots, each predicted without itself, shape ``(n_spots,)``, NaN where
        nothing is said; None for a gene that it knows nothing of yet. Nothing is computed before
        it is called, and it is to be called before the listener returns.
    until
        Share that is done once this stage is, so that loops within it can tell how far they have
        come, see `pulse`; None where nobody knows.
    """

    stage: str
    fraction: float
    loss: float | None = None
    message: str = ""
    preview: Preview | None = field(default=None, compare=False)
    until: float | None = None


OnProgress = Callable[[Progress], Reply]


def part_of(on_progress: OnProgress | None, low: float, high: float) -> OnProgress | None:
    """Tell the progress of one step, from 0 to 1, as a part of the whole, from low to high."""
    if on_progress is None:
        return None

    def listen(progress: Progress) -> Reply:
        return on_progress(replace(progress, fraction=low + (high - low) * progress.fraction))

    return listen


@dataclass
class _Heard:
    """The latest report within `listening`, when it was made or repeated, and what it spans."""

    on_progress: OnProgress | None = None
    progress: Progress | None = None
    at: float = 0.0
    span: tuple[float, float] | None = None


_HEARD: ContextVar[_Heard | None] = ContextVar("stentrans_heard", default=None)


def report(on_progress: OnProgress | None, progress: Progress) -> bool:
    """Pass ``progress`` on.

    Returns
    -------
    is_enough
        True if the listener wants no more learning, see `ENOUGH`. Whoever cannot end earlier need
        not look at it.

    Raises
    ------
    Cancelled
        If the listener answers False.
    """
    if on_progress is None:
        return False
    heard = _HEARD.get()
    if heard is not None:
        until = progress.until
        heard.span = None if until is None else (progress.fraction, until)
    return _tell(heard, on_progress, progress)


def _tell(heard: _Heard | None, on_progress: OnProgress, progress: Progress) -> bool:
    """Pass a report on, and remember it."""
    if heard is not None:
        heard.on_progress, heard.progress, heard.at = on_progress, progress, time.monotonic()
    reply = on_progress(progress)
    if reply is False:
        raise Cancelled(f"Cancelled on request at {progress.fraction:.0%} ({progress.stage}).")
    return reply == ENOUGH


@contextmanager
def listening() -> Iterator[None]:
    """Remember the latest report until the end of the block, so that `pulse` can repeat it."""
    token = _HEARD.set(_Heard())
    try:
        yield
    finally:
        _HEARD.reset(token)


@contextmanager
def within(low: float, high: float) -> Iterator[None]:
    """Let the loops of this block tell a part of their stage, from share low to share high of it.

    Does nothing where the stage does not say how far it reaches.
    """
    heard = _HEARD.get()
    if heard is None or heard.span is None:
        yield
        return
    start, end = around = heard.span
    heard.span = start + (end - start) * low, start + (end - start) * high
    try:
        yield
    finally:
        heard.span = around


def pulse(done: float | None = None) -> None:
    """Repeat the latest report, so that the listener can stop the work here.

    For loops of linear algebra that may take more than a moment: no result depends on it, so none
    of them needs a listener among its arguments. Does nothing outside `listening`.

    Parameters
    ----------
    done
        Share of the loop that is done, told with the report where its stage says how far it
        reaches (`Progress.until`, `within`); what was told never goes back.

    Raises
    ------
    Cancelled
        If the listener answers False.
    """
    heard = _HEARD.get()
    if heard is None or heard.on_progress is None or heard.progress is None:
        return
    if time.monotonic() - heard.at < _PULSE_EVERY_S:
        return
    told = heard.progress
    if done is not None and heard.span is not None:
        low, high = heard.span
        told = replace(told, fraction=max(told.fraction, low + (high - low) * done))
    _tell(heard, heard.on_progress, told)
