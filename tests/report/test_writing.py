"""Reports appear under their name when they are complete, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from stentrans.errors import Cancelled, ParameterError, StoreError
from stentrans.report.results import Results
from stentrans.report.story import Story, story_of
from stentrans.report.writing import write_report


@pytest.fixture(scope="module")
def story(results: Results) -> Story:
    return story_of("x.h5ad", results, [str(results.genes[1])])


@pytest.mark.parametrize(("name", "start"), [("r.html", b"<!doctype html>"), ("r.PPTX", b"PK")])
def test_name_says_which_kind(story: Story, tmp_path: Path, name: str, start: bytes) -> None:
    write_report(story, tmp_path / "new" / name)
    assert (tmp_path / "new" / name).read_bytes().startswith(start)
    assert [file.name for file in (tmp_path / "new").iterdir()] == [name]


def test_other_names_are_refused(story: Story, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"ends in \.html or \.pptx; got 'r\.docx'"):
        write_report(story, tmp_path / "r.docx")


def test_what_was_there_stays_when_writing_is_cancelled(story: Story, tmp_path: Path) -> None:
    target = tmp_path / "r.html"
    target.write_text("before")
    with pytest.raises(Cancelled, match=r".+"):
        write_report(story, target, lambda progress: progress.fraction < 0.5)
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_folder_that_cannot_be_made_is_told(story: Story, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="could not be written"):
        write_report(story, tmp_path / "file" / "r.html")
