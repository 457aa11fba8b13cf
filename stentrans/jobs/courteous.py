"""Loaded by every embedded worker as it starts: pages go first, training takes what they leave."""

from __future__ import annotations

import os
from typing import Final

NICENESS: Final = 10


def dask_setup(worker: object) -> None:
    """Lower the priority of this process, where the system knows such a thing."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)
