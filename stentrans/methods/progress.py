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
    """

    stage: str
    fraction: float
    loss: float | None = None
    message: str = ""
    preview: Preview | None = field(default=None, compare=False)


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
    """The latest report within `listening`, and when it was made or repeated."""

    on_progress: OnProgress | None = None
    progress: Progress | None = None
    at: float = 0.0


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


def pulse() -> None:
    """Repeat the latest report, so that the listener can stop the work here.

    For loops of linear algebra that may take more than a moment: no result depends on it, so none
    of them needs a listener among its arguments. Does nothing outside `listening`.

    Raises
    ------
    Cancelled
        If the listener answers False.
    """
    heard = _HEARD.get()
    if heard is None or heard.progress is None or time.monotonic() - heard.at < _PULSE_EVERY_S:
        return
    report(heard.on_progress, heard.progress)
