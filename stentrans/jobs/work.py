"""What a worker does for a run: read the section, compute, keep the result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from stentrans.errors import Cancelled, StentransError
from stentrans.jobs.progress import JobState, worker_listener
from stentrans.methods.base import OnProgress, Progress
from stentrans.store import Run, Store

DoRun = Callable[[Run, Store, OnProgress], None]


def do_run(run: Run, store: Store, on_progress: OnProgress) -> None:
    """Compute a run and keep its result in the store."""
    section = store.section(run.section)
    about = {"run": run.to_dict()}
    if run.work == "enhance":
        from stentrans.enhancement import enhance

        enhancement = enhance(
            section,
            factor=run.factor,
            method=run.method,
            fill_gaps=run.fill_gaps,
            seed=run.seed,
            on_progress=on_progress,
            **dict(run.settings),
        )
        store.put("runs", run.id, enhancement.save, about=about)
    else:
        from stentrans.evaluation.holdout import hidden_folds

        held_out = hidden_folds(section, method=run.method, seed=run.seed, on_progress=on_progress)
        store.put("runs", run.id, held_out.save, about=about)


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
