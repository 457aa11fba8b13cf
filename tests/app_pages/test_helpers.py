"""What pages say and what they may open."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import streamlit as st

from stentrans.app import cache, demo, facts, opening, repeat, text
from stentrans.cli.parser import build_parser
from stentrans.errors import ParameterError, SectionFormatError
from stentrans.jobs import Job, Manager
from stentrans.section import simulate
from stentrans.store import Run


class File:
    def __init__(self, name: str, content: bytes = b"content") -> None:
        self.name, self.content = name, content

    def getbuffer(self) -> memoryview:
        return memoryview(self.content)


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
    with pytest.raises(SectionFormatError, match="STENTRANS_DATA"):
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


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost"])
def test_listed_folders_are_a_limit_on_a_private_server_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr(st, "get_option", lambda name: address)
    monkeypatch.setenv("STENTRANS_DATA", str(tmp_path / "shown"))
    assert opening.is_allowed((tmp_path / "shown" / "a.h5ad").resolve())
    with pytest.raises(SectionFormatError, match="STENTRANS_DATA"):
        opening.open_path(str(tmp_path))


def test_without_listed_folders_a_private_server_opens_any_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(st, "get_option", lambda name: "127.0.0.1")
    monkeypatch.delenv("STENTRANS_DATA", raising=False)
    assert opening.is_allowed(tmp_path.resolve())


@pytest.mark.parametrize(
    "path",
    ["a\0b", "~nouser-of-this-name/x", "x" * 5_000, "/x" * 5_000],
    ids=["nul", "no such user", "long name", "long path"],
)
def test_odd_path_is_refused_in_a_short_sentence(
    monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(st, "get_option", lambda name: "127.0.0.1")
    monkeypatch.delenv("STENTRANS_DATA", raising=False)
    with pytest.raises(ParameterError, match="The path must") as caught:
        opening.open_path(path)
    assert len(str(caught.value)) < 400
    assert str(caught.value).isprintable()


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
    path = opening._place(tmp_path, File(name))
    assert path == tmp_path / kept
    assert path.read_bytes() == b"content"


def test_uploads_with_the_same_harmless_name_all_survive(tmp_path: Path) -> None:
    given = {"a b.csv": b"1", "a;b.csv": b"2", "a_b.csv": b"3"}
    paths = [opening._place(tmp_path, File(name, content)) for name, content in given.items()]
    assert [path.read_bytes() for path in paths] == [b"1", b"2", b"3"]
    assert [path.name for path in paths] == ["a_b.csv", "2-a_b.csv", "3-a_b.csv"]


def test_long_uploaded_name_keeps_its_ending(tmp_path: Path) -> None:
    path = opening._place(tmp_path, File("長" * 300 + ".tsv.gz"))
    assert path.name.endswith("長.tsv.gz")


def test_upload_below_another_upload_is_refused_in_a_sentence(tmp_path: Path) -> None:
    opening._place(tmp_path, File("outs"))
    with pytest.raises(ParameterError, match=r"outs/x\.csv cannot"):
        opening._place(tmp_path, File("outs/x.csv"))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Mbp", "Mbp"),
        ("HLA-DRA", r"HLA\-DRA"),
        ("![x](http://evil.example/t.png)", r"\!\[x\]\(http\://evil\.example/t\.png\)"),
        ("a*b* $c$ :red[d]", r"a\*b\* \$c\$ \:red\[d\]"),
        ("<b>&amp;\\", r"\<b\>\&amp;\\"),
        ("a\n\n    b", "a b"),
    ],
)
def test_text_from_a_file_is_escaped(name: str, shown: str) -> None:
    assert text.plain(name) == shown


def test_words_promise_no_more_than_is_true() -> None:
    assert "No method can pass" not in text.SCORES_HELP
    assert "this computer" not in text.UPLOAD_HELP


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
def test_section_is_described_once(monkeypatch: pytest.MonkeyPatch) -> None:
    name = cache.store().put_section(simulate(lattice="hexagonal", n_rows=12, n_cols=20))
    first = facts.facts_of(name)
    monkeypatch.setattr(facts, "library_size", lambda counts: pytest.fail("asked again"))
    assert facts.facts_of(name) == first


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
    settings = (("kind", "a b"), ("rank", 5))
    run = Run(section=name, method="linear", factor=3, seed=5, fill_gaps=False, settings=settings)
    words = shlex.split(repeat.command_line(run, "my section.h5ad"))
    assert words[:5] == ["python", "-m", "stentrans", "enhance", "my section.h5ad"]
    assert " ".join(words[5:11]) == "--factor 3 --method linear --seed 5"
    parsed = build_parser().parse_args(words[3:])
    assert parsed.no_fill_gaps
    assert tuple(parsed.settings) == settings


@pytest.mark.usefixtures("manager")
def test_example_is_repeated_with_python() -> None:
    run = Run(section=demo.section_id("square"), method="linear", settings=(("rank", 5),))
    code = shlex.split(repeat.command_line(run, "Example"))[2]
    compile(code, "line", "exec")
    assert 'simulate(lattice="square")' in code
    assert "rank=5" in code


@pytest.mark.usefixtures("manager")
def test_simulated_section_from_a_file_is_repeated_from_that_file() -> None:
    name = cache.store().put_section(simulate(lattice="square", n_rows=8, n_cols=8, seed=3))
    line = repeat.command_line(Run(section=name, method="linear"), "mine.h5ad")
    assert line.startswith("python -m stentrans enhance mine.h5ad ")
