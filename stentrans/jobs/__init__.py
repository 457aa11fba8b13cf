"""Work outside the app: one record per run, done by Dask distributed."""

from __future__ import annotations

from stentrans.jobs.kinds import KINDS, Kind, kind_of
from stentrans.jobs.manager import Manager
from stentrans.jobs.progress import Job, JobState

__all__ = ["KINDS", "Job", "JobState", "Kind", "Manager", "kind_of"]
