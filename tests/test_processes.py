"""A process that computes: one thread, and memory that is used again."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from stentrans.processes import work_in_one_thread

ROOT = Path(__file__).resolve().parents[1]
MEBIBYTE = 2**20
needs_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="asks glibc")


def printed(code: str) -> list[int]:
    """Numbers that a fresh process prints, in which memory is returned as Dask's workers do."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"MALLOC_TRIM_THRESHOLD_": "65536"},
        capture_output=True,
        text=True,
        check=True,
    )
    return [int(number) for number in done.stdout.split()]


def test_linear_algebra_keeps_to_one_thread_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.environ", {"MKL_NUM_THREADS": "3"})
    work_in_one_thread()
    assert os.environ == {
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "3",
    }


def test_commands_keep_to_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    code = """
import contextlib, io, os, runpy, sys
sys.argv = ["stentrans", "--help"]
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
    runpy.run_module("stentrans", run_name="__main__")
print(os.environ["OPENBLAS_NUM_THREADS"])
"""
    assert printed(code) == [1]


@needs_glibc
def test_arrays_find_the_memory_of_those_before_them() -> None:
    before, after = printed(f"""
import resource
import numpy as np
from stentrans.processes import reuse_memory

def pages():
    first = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        np.ones({MEBIBYTE}, np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - first

print(pages())
reuse_memory()
print(pages())
""")
    assert after < 0.1 * before


@needs_glibc
def test_what_nothing_uses_goes_back_to_the_system() -> None:
    kept, left = printed(f"""
import numpy as np
import psutil
from stentrans.processes import return_memory, reuse_memory

def held():
    return psutil.Process().memory_info().rss

reuse_memory()
before = held()
arrays = [np.ones({MEBIBYTE}, np.uint8) for _ in range(40)]
del arrays
print(held() - before)
return_memory()
print(held() - before)
""")
    assert kept > 30 * MEBIBYTE
    assert left < 5 * MEBIBYTE
