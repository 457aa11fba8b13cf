"""Work outside the app: one record per run, done by Dask distributed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stentrans.jobs.kinds import KINDS, Kind, kind_of
from stentrans.jobs.progress import Job, JobState

if TYPE_CHECKING:
    from stentrans.jobs.manager import Manager

__all__ = ["KINDS", "Job", "JobState", "Kind", "Manager", "kind_of"]


def __getattr__(name: str) -> object:
    """Import the manager on first use: a command that works by itself need not wait for Dask."""
    if name != "Manager":
        raise AttributeError(f"module 'stentrans.jobs' has no attribute {name!r}")
    from stentrans.jobs.manager import Manager

    return Manager
