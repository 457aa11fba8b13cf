"""Progress of one fit, told as a part of many."""

from __future__ import annotations

from stentrans.methods.base import OnProgress, Progress
from stentrans.methods.progress import Reply


def part_of(
    on_progress: OnProgress | None, title: str, *, start: float, share: float
) -> OnProgress:
    """Return a listener for one of several fits.

    Parameters
    ----------
    on_progress
        Listens to all of them; may be None.
    title
        Put before the stage of the fit.
    start, share
        Share of the whole that is done when the fit starts, and that the fit is.
    """

    def listen(progress: Progress) -> Reply:
        if on_progress is None:
            return None
        done = start + share * progress.fraction
        stage = f"{title}: {progress.stage}"
        return on_progress(Progress(stage, done, progress.loss, progress.message))

    return listen
