"""Calls of the command line, in this process or one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stentrans.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
Capture = pytest.CaptureFixture[str]


def run(
    *arguments: object, at_first: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``python -m stentrans`` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "stentrans", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        preexec_fn=at_first,
        capture_output=True,
        text=True,
        check=False,
    )


def call(*arguments: object) -> int:
    """Run the command line in this process, where a test needs no fresh interpreter."""
    return main([str(argument) for argument in arguments])


def check_one_sentence(said: str) -> None:
    assert said.count("\n") == 1, said
    assert said.startswith("stentrans: ")
    assert said.endswith(".\n")
