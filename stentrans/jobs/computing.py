"""From a run to the function of the library that does its work; see `stentrans.jobs.kinds`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anndata import AnnData

    from stentrans.enhancement import Enhancement
    from stentrans.evaluation.holdout import HeldOut
    from stentrans.methods.base import OnProgress
    from stentrans.store import Run


def enhance(section: AnnData, run: Run, on_progress: OnProgress) -> Enhancement:
    """See `stentrans.enhance`."""
    from stentrans.enhancement import enhance as enhance_section

    return enhance_section(
        section,
        factor=run.factor,
        method=run.method,
        fill_gaps=run.fill_gaps,
        seed=run.seed,
        device=run.device,
        on_progress=on_progress,
        **dict(run.settings),
    )


def holdout(section: AnnData, run: Run, on_progress: OnProgress) -> HeldOut:
    """See `stentrans.evaluation.holdout.hidden_folds`."""
    from stentrans.evaluation.holdout import hidden_folds

    return hidden_folds(
        section,
        method=run.method,
        seed=run.seed,
        device=run.device,
        on_progress=on_progress,
        **dict(run.settings),
    )
