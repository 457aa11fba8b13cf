"""What a worker does for a run: read the section, compute, keep the result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from stentrans.errors import Cancelled, StentransError
from stentrans.jobs.kinds import compute
from stentrans.jobs.progress import JobState, worker_listener
from stentrans.methods.base import OnProgress, Progress
from stentrans.store import Run, Store

DoRun = Callable[[Run, Store, OnProgress], None]


def do_run(run: Run, store: Store, on_progress: OnProgress) -> None:
    """Compute a run and keep its result in the store."""
    result = compute(store.section(run.section), run, on_progress)
    about = {"summary": dict(getattr(result, "summary", {}))}
    store.put_run(run, result.save, about=about)


def work_on(run: Run, store_folder: str, do: DoRun) -> tuple[JobState, str]:
    """Do a run on a Dask worker and say how it ended.

    Errors meant for people become a sentence here; any other surfaces at the future.
    """
    listen = worker_listener(run.id)
    listen(Progress(stage="reading the section", fraction=0.0))
    try:
        do(run, Store(Path(store_folder)), listen)
    except Cancelled as error:
        return "cancelled", str(error)
    except StentransError as error:
        return "failed", str(error)
    return "finished", ""
