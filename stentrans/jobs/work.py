"""What a worker does for a run: read what it needs, compute, keep the result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from stentrans.errors import Cancelled, StentransError, StoreError
from stentrans.jobs.kinds import compute, kind_of, load
from stentrans.jobs.progress import JobState, worker_listener
from stentrans.methods.base import OnProgress, Progress
from stentrans.store import Run, Store

DoRun = Callable[[Run, Store, OnProgress], None]


def do_run(run: Run, store: Store, on_progress: OnProgress) -> None:
    """Compute a run and keep its result in the store."""
    result = compute(_needed(run, store), run, on_progress)
    about = {"summary": dict(getattr(result, "summary", {}))}
    store.put_run(run, result.save, about=about)


def _needed(run: Run, store: Store) -> Any:
    """The section of a run, or the stored result that it works on."""
    if kind_of(run).needs == "section":
        return store.section(run.section)
    name = str(dict(run.settings).get("source", ""))
    source = store.run(name)
    if source is None:
        raise StoreError(
            f"This work goes on from a stored result; {name or 'none'} is not in the store. "
            "Enhance the section again."
        )
    return load(source, store.open("runs", name))


def work_on(run: Run, store_folder: str, do: DoRun) -> tuple[JobState, str]:
    """Do a run on a Dask worker and say how it ended.

    Errors meant for people become a sentence here; any other surfaces at the future.
    """
    listen = worker_listener(run.id)
    listen(Progress(stage=f"reading the {kind_of(run).needs}", fraction=0.0))
    try:
        do(run, Store(Path(store_folder)), listen)
    except Cancelled as error:
        return "cancelled", str(error)
    except StentransError as error:
        return "failed", str(error)
    return "finished", ""
