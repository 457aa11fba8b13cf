"""What a worker does for a run: read what it needs, compute, keep the result."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

from stentrans.errors import Cancelled, StentransError, StoreError
from stentrans.jobs.evidence import evidence_of, lists_of
from stentrans.jobs.kinds import compute, kind_of, load
from stentrans.jobs.listener import Listener
from stentrans.jobs.progress import JobState
from stentrans.methods.base import OnProgress, Progress
from stentrans.methods.progress import listening
from stentrans.processes import return_memory, reuse_memory
from stentrans.store import Run, Store

DoRun = Callable[..., "Run | None"]
"""Called as ``do(run, store, on_progress)``, with ``who=`` where somebody signed in."""
Ending = tuple[JobState, str, "Run | None"]

# torch's random generator and number of threads belong to the whole process: two jobs in one,
# as on a lab's worker with several threads, would change each other's numbers.
_ONE_AT_A_TIME = Lock()


def do_run(run: Run, store: Store, on_progress: OnProgress, *, who: str = "") -> Run:
    """Compute a run, keep its result in the store, and return the run that it is the result of.

    That is another run where learning was stopped early: one with another id, so that what was
    kept is never taken for the whole.
    """
    started = time.time()
    given = _needed(run, store)
    with listening():
        result = compute(given, run, on_progress)
    stopped = getattr(result, "stopped_early", "") if kind_of(run).can_keep else ""
    stored = replace(run, stopped=stopped)
    about = {
        "summary": dict(getattr(result, "summary", {})),
        "who": who,
        "seconds": round(time.time() - started, 2),
    }
    store.put_run(stored, result.save, about=about)
    return stored


@contextmanager
def _own_memory() -> Iterator[None]:
    """Use memory again during a job, and give it back after it."""
    reuse_memory()
    try:
        yield
    finally:
        return_memory()


def _needed(run: Run, store: Store) -> Any:
    """The section of a run, or the stored result that it works on."""
    if kind_of(run).needs == "section":
        return store.section(run.section)
    if kind_of(run).needs == "evidence":
        return evidence_of(run, store)
    if kind_of(run).needs == "lists":
        return lists_of(run, store)
    name = str(dict(run.settings).get("source", ""))
    source = store.run(name)
    if source is None:
        raise StoreError(
            f"This work goes on from a stored result; {name or 'none'} is not in the store. "
            "Enhance the section again."
        )
    return load(source, store.open("runs", name))


def work_on(run: Run, store_folder: str, do: DoRun, key: str, column: int | None = None) -> Ending:
    """Do a run on a Dask worker and say how it ended.

    Errors meant for people become a sentence here; any other surfaces at the future.
    """
    with _ONE_AT_A_TIME, _own_memory():
        listen = Listener(key, can_keep=kind_of(run).can_keep, column=column)
        try:
            if listen(Progress(stage=f"reading the {kind_of(run).needs}", fraction=0.0)) is False:
                return "cancelled", "Cancelled before it started.", None
            stored = do(run, Store(Path(store_folder)), listen)
            listen.close()
        except Cancelled as error:
            return "cancelled", str(error), None
        except StentransError as error:
            return "failed", str(error), None
    if stored is not None and stored.stopped:
        return "cancelled", f"Stopped {stored.stopped}; what was there is kept.", stored
    return "finished", "", None
