"""The command that writes reports: what it computes once, what it writes, what it refuses."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import pytest

from stentrans.__main__ import main
from stentrans.cli import reporting
from stentrans.cli.reporting import named_genes

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def section_file(
    hexagonal_section: ad.AnnData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    monkeypatch.setenv("STENTRANS_HOME", str(tmp_path / "home"))
    path = tmp_path / "given.h5ad"
    hexagonal_section.write_h5ad(path)
    return path


def report(section: Path, out: Path, *more: str) -> int:
    genes = [] if "--genes" in more else ["--genes", "GENE1,GENE2", "GENE3"]
    return main(["report", str(section), *genes, "--out", str(out), "--method", "linear", *more])


def test_report_is_written_with_progress_and_computed_once(
    section_file: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert report(section_file, tmp_path / "out.html") == 0
    told = capsys.readouterr()
    assert "3 genes" in told.out
    assert "enhancing" in told.err
    assert "testing" in told.err
    assert "drawing GENE3" in told.err
    assert "GENE3" in (tmp_path / "out.html").read_text(encoding="utf-8")
    # Slides of other genes need no other fit.
    monkeypatch.setattr(reporting, "do_run", None)
    assert report(section_file, tmp_path / "out.pptx", "--genes", "GENE4") == 0
    assert (tmp_path / "out.pptx").read_bytes().startswith(b"PK")


def test_report_says_how_it_is_made_again(section_file: Path, tmp_path: Path) -> None:
    assert report(section_file, tmp_path / "out.html", "--no-test", "--factor", "3") == 0
    page = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert f"enhance {section_file} --factor 3 --method linear --seed 0" in page
    assert "not tested on hidden spots" in " ".join(page.split())


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (("--genes", "Nope"), "'Nope' is not"),
        (("--reading", "raw"), "--reading must be one of composition, log, counts"),
        (("--method", "magic"), "method must be one of"),
    ],
)
def test_what_cannot_be_reported_is_refused_in_one_sentence(
    section_file: Path, tmp_path: Path, capsys: Capture, more: tuple[str, ...], sentence: str
) -> None:
    assert report(section_file, tmp_path / "out.html", *more) == 2
    told = capsys.readouterr().err.splitlines()[-1]
    assert sentence in told
    assert not (tmp_path / "out.html").exists()


def test_unknown_kind_of_file_is_refused_before_anything_is_computed(
    section_file: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporting, "do_run", None)
    assert report(section_file, tmp_path / "out.docx") == 2
    assert "ends in .html or .pptx" in capsys.readouterr().err


def test_commas_split_what_is_no_gene() -> None:
    known = ["A", "B", "C,D"]
    assert named_genes(["A,B", "C,D", "A"], known) == ["A", "B", "C,D"]
