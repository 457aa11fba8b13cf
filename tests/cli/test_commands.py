"""What commands there are, and how they end."""

from __future__ import annotations

from pathlib import Path

import pytest

from stentrans.cli import commands
from tests.cli.calling import Capture, call, run

ROOT = Path(__file__).resolve().parents[2]


def test_methods_lists_every_method(capsys: Capture) -> None:
    import stentrans

    assert call("methods") == 0
    lines = capsys.readouterr().out.splitlines()
    listed = {line.split()[0] for line in lines if not line.startswith(" ")}
    assert listed == set(stentrans.METHODS)


def test_help_names_every_command() -> None:
    done = run("--help")
    assert done.returncode == 0
    for command in ("app", "read", "fetch", "enhance", "impute", "evaluate", "methods"):
        assert f"\n    {command} " in done.stdout


def test_interrupt_ends_with_130_and_says_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def interrupted(_arguments: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "methods", interrupted)
    assert call("methods") == 130
    assert capsys.readouterr().err == ""


def test_app_is_started_as_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []

    class Process:
        def __init__(self, command: list[str], **_options: object) -> None:
            started.append(command)

        def __enter__(self) -> Process:
            return self

        def __exit__(self, *_error: object) -> None:
            return None

        def wait(self) -> int:
            return 0

    monkeypatch.setattr(commands.subprocess, "Popen", Process)
    assert call("app", "--port", 9000, "--headless") == 0
    assert started[0][1:4] == ["-m", "streamlit", "run"]
    assert Path(started[0][4]) == ROOT / "app.py"
    assert started[0][5:] == ["--server.port=9000", "--server.headless=true"]
