"""What a process that computes asks of the system: one thread, and memory that is used again."""

from __future__ import annotations

import ctypes
import os
from typing import Any, Final

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt(3)
_LARGEST_KEPT: Final = 2**25
"""Bytes; as far as glibc goes by itself, given time."""


def work_in_one_thread() -> None:
    """Keep linear algebra to one thread, as Dask does by default, unless the environment says more.

    Matrices are small here: a second thread mostly waits, in a loop that takes a whole core, and
    sums in another order give other last digits. Must come before NumPy is imported.
    """
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")


def reuse_memory() -> None:
    """Keep the memory of arrays that are done with for the next ones, where the system is glibc.

    Each step of a fit makes and drops arrays of a megabyte. Given back to the system each time,
    as Dask tells its workers to, four tenths of the time of a run go into empty pages.
    """
    if hasattr(libc := _libc(), "mallopt"):
        libc.mallopt(_MMAP_THRESHOLD, _LARGEST_KEPT)
        libc.mallopt(_TRIM_THRESHOLD, 2 * _LARGEST_KEPT)


def return_memory() -> None:
    """Give back to the system what nothing uses any more, where the system is glibc."""
    if hasattr(libc := _libc(), "malloc_trim"):
        libc.malloc_trim(0)


def _libc() -> Any:
    """The C library of this process; None on Windows."""
    return ctypes.CDLL(None) if os.name == "posix" else None
