"""Every benchmark still starts: an import broken by a rename shows here, not a month later."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"
SCRIPTS = sorted(
    path.name for path in FOLDER.glob("*.py") if "__main__" in path.read_text(encoding="utf-8")
)
ASK_ALL = """
import contextlib, io, json, runpy, sys, traceback

def ended(script):
    sys.argv, said = [script, "--help"], io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            runpy.run_path(script, run_name="__main__")
    except SystemExit:
        return said.getvalue()
    except BaseException:
        return traceback.format_exc()
    return "It did not end after --help."

print(json.dumps({script: ended(script) for script in sys.argv[1:]}))
"""


@pytest.fixture(scope="module")
def answers() -> dict[str, str]:
    """What each script says to ``--help``; one process, as their imports take seconds."""
    done = subprocess.run(
        [sys.executable, "-c", ASK_ALL, *SCRIPTS],
        cwd=FOLDER,
        env=os.environ | {"PYTHONPATH": str(FOLDER)},
        capture_output=True,
        text=True,
        check=True,
    )
    told: dict[str, str] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize("script", SCRIPTS)
def test_benchmark_answers_help(answers: dict[str, str], script: str):
    assert answers[script].startswith(f"usage: {script}"), answers[script]
