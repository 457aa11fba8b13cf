"""What pages say and what they may open."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import streamlit as st

from stentrans.app import cache, facts, opening, repeat, text
from stentrans.errors import ParameterError
from stentrans.jobs import Job, Manager
from stentrans.section import simulate
from stentrans.store import Run


@pytest.fixture
def public_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "get_option", lambda name: "0.0.0.0")
    monkeypatch.delenv("STENTRANS_DATA", raising=False)


@pytest.mark.parametrize(
    ("address", "is_private"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("", False)],
)
def test_only_a_loopback_server_is_private(
    monkeypatch: pytest.MonkeyPatch, address: str, is_private: bool
) -> None:
    monkeypatch.setattr(st, "get_option", lambda name: address)
    assert opening.is_private_server() is is_private


def test_unset_address_is_not_private(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "get_option", lambda name: None)
    assert not opening.is_private_server()


@pytest.mark.usefixtures("public_server")
def test_path_on_a_shared_server_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="STENTRANS_DATA"):
        opening.open_path(str(tmp_path))


@pytest.mark.usefixtures("public_server")
def test_listed_folder_may_be_opened_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, hidden = tmp_path / "shown", tmp_path / "shown-not"
    shown.mkdir()
    hidden.mkdir()
    (shown / "link").symlink_to(hidden)
    monkeypatch.setenv("STENTRANS_DATA", str(shown))
    assert opening.is_allowed((shown / "a.h5ad").resolve())
    assert not opening.is_allowed((hidden / "a.h5ad").resolve())
    assert not opening.is_allowed((shown / "../shown-not").resolve())
    assert not opening.is_allowed((shown / "link").resolve())


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("mine.h5ad", "mine.h5ad"),
        ("outs/spatial/scalefactors_json.json", "outs/spatial/scalefactors_json.json"),
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        ("..\\..\\x.csv", "x.csv"),
        ("a b;c.tsv", "a_b_c.tsv"),
        ("..", "upload"),
    ],
)
def test_uploaded_name_stays_below_its_folder(tmp_path: Path, name: str, kept: str) -> None:
    class File:
        def __init__(self) -> None:
            self.name = name

        def getbuffer(self) -> memoryview:
            return memoryview(b"content")

    path = opening._place(tmp_path, File())
    assert path == tmp_path / kept
    assert path.read_bytes() == b"content"


def scores(r: float, linear: float, ceiling: float = 0.9) -> pd.Series:
    return pd.Series({"pearson": r, "pearson_linear": linear, "ceiling": ceiling})


@pytest.mark.parametrize(
    ("given", "tone", "words"),
    [
        (scores(np.nan, 0.1), "poor", "Too few counts"),
        (scores(0.02, 0.0), "poor", "do not read patterns"),
        (scores(0.8, 0.5), "good", "counting noise"),
        (scores(0.5, 0.3), "good", "better than simple interpolation"),
        (scores(0.2, 0.1), "fair", "better than simple interpolation"),
        (scores(0.5, 0.49), "fair", "Smoother, not sharper"),
        (scores(0.5, 0.6, np.nan), "fair", "Smoother, not sharper"),
    ],
)
def test_verdict_follows_the_scores(given: pd.Series, tone: str, words: str) -> None:
    found_tone, sentence = text.verdict(given, "stentrans")
    assert found_tone == tone
    assert words in sentence


def test_time_left_is_said_only_once_it_is_known() -> None:
    job = Job(Run(section="s"), state="running", stage="training", fraction=0.01, started_at=0.0)
    assert text.job_line(job, 0) == "Enhancing: training"


def test_waiting_job_says_how_many_come_first() -> None:
    assert text.job_line(Job(Run(section="s")), 2) == "Enhancing: waiting behind 2"


@pytest.mark.usefixtures("manager")
def test_section_is_described_with_its_scale() -> None:
    name = cache.store().put_section(simulate(lattice="hexagonal", n_rows=12, n_cols=20))
    found = facts.facts_of(name)
    assert found.assay == "simulated, hexagonal"
    assert found.scale == "0.5 µm per pixel"
    assert found.refusal is None


@pytest.mark.usefixtures("manager")
def test_sizes_are_those_of_the_enhancement() -> None:
    from stentrans import enhance

    section = simulate(lattice="hexagonal", n_rows=12, n_cols=20)
    name = cache.store().put_section(section)
    found = enhance(section, method="linear").sites["origin"].value_counts()
    assert facts.sizes_of(name, 2, fill_gaps=True)._asdict() == found.to_dict()


@pytest.mark.usefixtures("manager")
def test_command_line_names_every_setting(manager: Manager) -> None:
    section = simulate(lattice="square", n_rows=8, n_cols=8)
    del section.uns["stentrans"]
    name = cache.store().put_section(section)
    run = Run(section=name, method="linear", factor=3, seed=5, fill_gaps=False)
    words = shlex.split(repeat.command_line(run, "my section.h5ad"))
    assert words[:5] == ["python", "-m", "stentrans", "enhance", "my section.h5ad"]
    assert " ".join(words[5:]) == "--factor 3 --method linear --seed 5 --no-fill-gaps"


@pytest.mark.usefixtures("manager")
def test_example_is_repeated_with_python() -> None:
    name = cache.store().put_section(simulate(lattice="square", n_rows=8, n_cols=8))
    line = repeat.command_line(Run(section=name, method="linear"), "Example")
    compile(shlex.split(line)[2], "line", "exec")
    assert "simulate(lattice='square')" in line
