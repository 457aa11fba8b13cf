"""Scores on hidden spots, printed and written."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from stentrans.cli import evaluating
from tests.cli.calling import Capture, call, check_one_sentence


def test_evaluate_prints_a_row_per_method_and_writes_every_score(
    square_file: Path, tmp_path: Path, capsys: Capture
) -> None:
    scores = tmp_path / "scores.csv"
    options = ("--methods", "nearest,linear", "--protocol", "scattered", "--repeats", 1)
    assert call("evaluate", square_file, *options, "--out", scores) == 0
    table = capsys.readouterr().out
    assert "nearest" in table
    assert "linear" in table
    columns = {"method", "protocol", "repeat", "gene", "metric", "value"}
    assert set(pd.read_csv(scores).columns) == columns


def test_evaluate_prints_intervals_differences_and_the_null(
    square_file: Path, tmp_path: Path, capsys: Capture
) -> None:
    options = ("--methods", "nearest,linear", "--protocol", "scattered", "--repeats", 1)
    more = ("--null", "--reference", "nearest", "--out", tmp_path / "scores.csv")
    assert call("evaluate", square_file, *options, *more) == 0
    told = capsys.readouterr().out
    assert "1 hold-out; only what was hidden is scored" in told
    scored, null = told.split("Null: ")
    ours, difference = scored.split("Minus nearest")
    lines = [line for line in ours.splitlines() if line.startswith(("nearest ", "linear "))]
    assert all("±" in line for line in lines[:2])
    assert max(map(len, [*lines, *null.splitlines()[2:-1]])) <= 100
    assert "0 = knows nothing" in ours
    assert "linear" in difference
    assert "left in the null: nearest" in null
    assert set(pd.read_csv(tmp_path / "scores.csv")["null"]) == {False, True}


def test_evaluate_asked_twice_computes_once_whatever_the_reference(
    square_file: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STENTRANS_HOME", str(tmp_path / "home"))
    options = ("--methods", "nearest,linear", "--protocol", "scattered", "--repeats", 1)
    asked = ("evaluate", square_file, *options, "--out", tmp_path / "scores.csv")
    assert call(*asked) == 0
    first, scores = capsys.readouterr().out, (tmp_path / "scores.csv").read_bytes()
    monkeypatch.setattr("stentrans.jobs.here.compute", None)  # must not be reached
    assert call(*asked, "--reference", "linear") == 0
    again = capsys.readouterr().out
    assert again.startswith(first.rstrip())
    assert "Minus linear" in again
    assert (tmp_path / "scores.csv").read_bytes() == scores


def test_evaluate_says_that_the_published_protocol_hides_nothing(
    tmp_path: Path, capsys: Capture
) -> None:
    import stentrans

    section = stentrans.simulate(lattice="square", n_rows=16, n_cols=16)
    section.write_h5ad(tmp_path / "section.h5ad")
    options = ("--methods", "nearest,linear", "--protocol", "published", "--reference", "nearest")
    assert call("evaluate", tmp_path / "section.h5ad", *options) == 0
    told = capsys.readouterr().out
    assert told.startswith("published: not a hold-out: the same pair is trained and scored")
    assert "Trained on the quarter alone: nearest, linear." in told
    assert "±" not in told
    assert "linear  0." in told.split("Minus nearest")[1]
    assert "log_normalised" not in told
    assert "only what was hidden" not in told


def test_evaluate_refuses_a_reference_that_is_not_scored(
    square_file: Path, capsys: Capture
) -> None:
    options = ("--methods", "nearest", "--reference", "linear")
    assert call("evaluate", square_file, *options) == 2
    said = capsys.readouterr().err
    check_one_sentence(said)
    assert "--reference must be one of nearest; got 'linear'" in said


def test_evaluate_refuses_a_method_named_twice(square_file: Path, capsys: Capture) -> None:
    assert call("evaluate", square_file, "--methods", "linear,linear") == 2
    said = capsys.readouterr().err
    check_one_sentence(said)
    assert "linear is named 2 times" in said


@pytest.mark.parametrize("place", ["folder", "below a file"])
def test_evaluate_refuses_a_target_before_anything_is_computed(
    place: str, square_file: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluating, "result_of", None)  # must not be reached
    out = tmp_path if place == "folder" else square_file / "scores.csv"
    assert call("evaluate", square_file, "--out", out) == 2
    check_one_sentence(capsys.readouterr().err)


def test_summary_is_printed_even_when_the_table_cannot_be_written(
    square_file: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(28, "No space left on device", "scores.csv")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    options = ("--methods", "nearest", "--protocol", "scattered", "--repeats", 1)
    assert call("evaluate", square_file, *options, "--out", tmp_path / "scores.csv") == 2
    said = capsys.readouterr()
    assert "log_normalised" in said.out
    assert said.err.endswith("stentrans: No space left on device: scores.csv.\n")
