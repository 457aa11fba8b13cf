"""The result of a run in this process: read from the store where it is, else computed and kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from stentrans.errors import DamageError, StoreError
from stentrans.jobs.kinds import compute, load
from stentrans.methods.progress import OnProgress, listening
from stentrans.store import Run, Store

if TYPE_CHECKING:
    from anndata import AnnData


def result_of(
    run: Run,
    section: AnnData,
    *,
    store: Store,
    on_progress: OnProgress,
    warn: Callable[[str], object],
) -> Any:
    """Return the result of a run.

    Parameters
    ----------
    run
        What is asked for.
    section
        Its section.
    store
        Where results are kept.
    on_progress
        Hears of the work, where there is any.
    warn
        Gets a sentence when a stored result was damaged, or a new one cannot be kept; neither is
        an obstacle.
    """
    if store.has("runs", run.id):
        try:
            return load(run, store.open("runs", run.id))
        except DamageError as error:
            warn(str(error))
    started = time.time()
    with listening():
        result = compute(section, run, on_progress)
    about = {
        "summary": dict(getattr(result, "summary", {})),
        "seconds": round(time.time() - started, 2),
    }
    try:
        store.put_run(run, result.save, about=about)
    except StoreError as error:
        warn(str(error))
    return result
