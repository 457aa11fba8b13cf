"""Sections and runs on disk, named after their content, checked when read, bounded in size."""

from __future__ import annotations

from stentrans.store.runs import RESULT_VERSION, Run
from stentrans.store.sections import section_id
from stentrans.store.store import HOME_VARIABLE, Shelf, Store

__all__ = ["HOME_VARIABLE", "RESULT_VERSION", "Run", "Shelf", "Store", "section_id"]
