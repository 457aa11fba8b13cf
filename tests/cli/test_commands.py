"""What commands there are, and how they end."""

from __future__ import annotations

import os
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


class Became(Exception):
    """This process would now be another."""


@pytest.mark.skipif(os.name != "posix", reason="elsewhere a process cannot become another")
def test_command_becomes_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    def become(_path: str, command: list[str]) -> None:
        raise Became(*command)

    monkeypatch.setattr(commands.os, "execv", become)
    monkeypatch.chdir(ROOT / "tests")
    with pytest.raises(Became) as found:
        call("app", "--port", 9000, "--headless")
    command = found.value.args
    assert command[1:4] == ("-m", "streamlit", "run")
    assert Path(command[4]) == ROOT / "app.py"
    assert command[5:] == ("--server.port=9000", "--server.headless=true")
    assert Path.cwd() == ROOT
