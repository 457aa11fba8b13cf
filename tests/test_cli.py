"""The command line from end to end, and what it says when it refuses."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from stentrans.__main__ import main
from stentrans.cli import commands, evaluating
from stentrans.section.positions import TOUCHING

ROOT = Path(__file__).resolve().parents[1]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def square_file(square_section: ad.AnnData, tmp_path: Path) -> Path:
    path = tmp_path / "square.h5ad"
    square_section.write_h5ad(path)
    return path


@pytest.fixture
def hexagonal_file(hexagonal_section: ad.AnnData, tmp_path: Path) -> Path:
    path = tmp_path / "hexagonal.h5ad"
    hexagonal_section.write_h5ad(path)
    return path


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run ``python -m stentrans`` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "stentrans", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def call(*arguments: object) -> int:
    """Run the command line in this process, where a test needs no fresh interpreter."""
    return main([str(argument) for argument in arguments])


def test_read_prints_size_lattice_and_depth(square_file: Path) -> None:
    done = run("read", square_file)
    assert done.returncode == 0, done.stderr
    assert "42 (42 on tissue)" in done.stdout
    assert "square" in done.stdout
    assert "counts per spot" in done.stdout


def test_read_recognises_the_hexagonal_lattice(hexagonal_file: Path, capsys: Capture) -> None:
    assert call("read", hexagonal_file) == 0
    assert "hexagonal" in capsys.readouterr().out


def test_read_prints_the_notes_of_the_reader(
    hexagonal_section: ad.AnnData, tmp_path: Path, capsys: Capture
) -> None:
    hexagonal_section.obs["in_tissue"] = 0
    hexagonal_section.write_h5ad(tmp_path / "off.h5ad")
    assert call("read", tmp_path / "off.h5ad") == 0
    assert "note:            No spot is marked in tissue" in capsys.readouterr().out


@pytest.mark.parametrize("method", ["nearest", "stentrans"])
def test_enhance_writes_measured_and_inserted_sites(
    method: str, hexagonal_file: Path, tmp_path: Path
) -> None:
    done = run("enhance", hexagonal_file, "-o", tmp_path / "out", "--method", method)
    assert done.returncode == 0, done.stderr
    result = ad.read_h5ad(tmp_path / "out" / f"hexagonal_{method}_x2.h5ad")
    origins = result.obs["origin"].value_counts()
    assert origins["measured"] == 41
    assert origins["gap"] == 7
    assert origins["inserted"] > 48
    assert np.isfinite(np.asarray(result.X)).all()


def test_enhance_reports_progress_on_standard_error_only(
    square_file: Path, tmp_path: Path, capsys: Capture
) -> None:
    assert call("enhance", square_file, "-o", tmp_path, "--method", "prior") == 0
    said = capsys.readouterr()
    assert "square.h5ad:" in said.err
    assert "%" in said.err
    assert "%" not in said.out


def test_enhance_without_gaps_leaves_the_hole_empty(hexagonal_file: Path, tmp_path: Path) -> None:
    options = ("--method", "nearest", "--no-fill-gaps")
    assert call("enhance", hexagonal_file, "-o", tmp_path, *options) == 0
    result = ad.read_h5ad(tmp_path / "hexagonal_nearest_x2.h5ad")
    assert set(result.obs["origin"]) == {"measured", "inserted"}


def test_enhance_writes_chosen_genes_in_their_order(square_file: Path, tmp_path: Path) -> None:
    options = ("--method", "nearest", "--genes", "GENE7,GENE2", "--factor", 3)
    assert call("enhance", square_file, "-o", tmp_path, *options) == 0
    result = ad.read_h5ad(tmp_path / "square_nearest_x3.h5ad")
    assert list(result.var_names) == ["GENE7", "GENE2"]


def test_enhance_goes_on_after_a_refused_section(
    square_file: Path, tmp_path: Path, capsys: Capture
) -> None:
    broken = tmp_path / "broken.h5ad"
    broken.write_bytes(b"nothing of ours")
    code = call("enhance", broken, square_file, "-o", tmp_path / "out", "--method", "nearest")
    assert code == 2
    assert (tmp_path / "out" / "square_nearest_x2.h5ad").is_file()
    assert str(broken) in capsys.readouterr().err


def test_enhance_refuses_two_sections_of_one_name(
    square_file: Path, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "other").mkdir()
    twin = tmp_path / "other" / square_file.name
    twin.write_bytes(square_file.read_bytes())
    assert call("enhance", square_file, twin, "-o", tmp_path) == 2
    assert "would be written twice" in capsys.readouterr().err


def test_bins_that_touch_get_no_sites_between_unless_they_are_asked_for(
    square_section: ad.AnnData, tmp_path: Path, capsys: Capture
) -> None:
    square_section.uns["stentrans"] = {TOUCHING: True}
    square_section.write_h5ad(tmp_path / "bins.h5ad")
    asked = ("enhance", tmp_path / "bins.h5ad", "-o", tmp_path, "--method", "nearest")
    assert call(*asked) == 0
    told = capsys.readouterr().out
    assert "bins_nearest_x1.h5ad: 42 sites (42 measured, 0 inserted, 0 gap)" in told
    assert call(*asked, "--factor", 2) == 0
    assert "bins_nearest_x2.h5ad: 143 sites" in capsys.readouterr().out


def test_enhance_repeats_itself_to_the_last_digit(square_file: Path, tmp_path: Path) -> None:
    for folder in ("first", "second"):
        assert call("enhance", square_file, "-o", tmp_path / folder, "--method", "prior") == 0
    first, second = (
        ad.read_h5ad(tmp_path / folder / "square_prior_x2.h5ad") for folder in ("first", "second")
    )
    np.testing.assert_array_equal(np.asarray(first.X), np.asarray(second.X))


def test_impute_answers_at_every_row_of_the_table(square_file: Path, tmp_path: Path) -> None:
    at = pd.DataFrame({"array_row": [2.5, 0.0, 3.0], "array_col": [3.0, 0.5, 3.5]})
    at.to_csv(tmp_path / "at.csv", index=False)
    target = tmp_path / "new" / "predicted.h5ad"
    done = run(
        "impute", square_file, "--at", tmp_path / "at.csv", "--out", target, "--method", "nearest"
    )
    assert done.returncode == 0, done.stderr
    result = ad.read_h5ad(target)
    np.testing.assert_array_equal(result.obs[["array_row", "array_col"]].to_numpy(), at.to_numpy())
    assert set(result.layers) >= {"counts", "sd"}
    assert [path.name for path in target.parent.iterdir()] == ["predicted.h5ad"]


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


Break = Callable[[ad.AnnData, Path], Path]


def not_h5ad(section: ad.AnnData, folder: Path) -> Path:
    path = folder / "bad.h5ad"
    path.write_bytes(bytes(range(1, 200)) * 50)
    return path


def truncated(section: ad.AnnData, folder: Path) -> Path:
    path = folder / "bad.h5ad"
    section.write_h5ad(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def zip_slip(section: ad.AnnData, folder: Path) -> Path:
    path = folder / "inner" / "bad.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../outside.txt", "written where it must not be")
    return path


def without_positions(section: ad.AnnData, folder: Path) -> Path:
    del section.obs["array_row"], section.obs["array_col"]
    section.obs_names = [f"spot {number}" for number in range(section.n_obs)]
    return written(section, folder)


def without_counts(section: ad.AnnData, folder: Path) -> Path:
    section.X = np.log1p(section.X.toarray()) + 0.25
    return written(section, folder)


def with_doubled_position(section: ad.AnnData, folder: Path) -> Path:
    section.obs.loc[section.obs_names[:2], ["array_row", "array_col"]] = 3
    return written(section, folder)


def of_one_spot(section: ad.AnnData, folder: Path) -> Path:
    return written(section[:1].copy(), folder)


def written(section: ad.AnnData, folder: Path) -> Path:
    section.write_h5ad(folder / "bad.h5ad")
    return folder / "bad.h5ad"


@pytest.mark.parametrize(
    "spoil",
    [
        not_h5ad,
        truncated,
        zip_slip,
        without_positions,
        without_counts,
        with_doubled_position,
        of_one_spot,
    ],
    ids=lambda spoil: spoil.__name__,
)
def test_bad_section_is_refused_in_one_sentence(
    spoil: Break, square_section: ad.AnnData, tmp_path: Path, capsys: Capture
) -> None:
    path = spoil(square_section, tmp_path)
    assert call("enhance", path, "-o", tmp_path / "out") == 2
    check_one_sentence(capsys.readouterr().err)
    assert not list((tmp_path / "out").iterdir())
    assert not (tmp_path / "outside.txt").exists()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--genes", "GENE2,NOPE"], "'NOPE'"),
        (["--factor", "7"], "between 1 and 4; got 7"),
        (["--method", "magic"], "got 'magic'"),
        (["--device", "abacus"], "got 'abacus'"),
        (["--set", "no_such_setting=1"], "no_such_setting"),
    ],
    ids=["gene", "factor", "method", "device", "setting"],
)
def test_bad_option_is_refused_in_one_sentence(
    options: list[str], expected: str, square_file: Path, tmp_path: Path, capsys: Capture
) -> None:
    assert call("enhance", square_file, "-o", tmp_path / "out", *options) == 2
    said = capsys.readouterr().err
    check_one_sentence(said)
    assert expected in said


def test_option_given_as_a_setting_is_refused(square_file: Path, capsys: Capture) -> None:
    with pytest.raises(SystemExit, match="2"):
        call("enhance", square_file, "--set", "factor=3")
    assert "factor is no setting of a method" in capsys.readouterr().err


def check_one_sentence(said: str) -> None:
    assert said.count("\n") == 1, said
    assert said.startswith("stentrans: ")
    assert said.endswith(".\n")


def test_refusal_in_a_fresh_process_shows_no_traceback(tmp_path: Path) -> None:
    done = run("enhance", tmp_path / "nowhere.h5ad", "-o", tmp_path)
    assert done.returncode == 2
    assert "nowhere.h5ad" in done.stderr
    check_one_sentence(done.stderr)


def test_missing_argument_is_refused_in_one_sentence(capsys: Capture) -> None:
    with pytest.raises(SystemExit, match="2"):
        call("enhance")
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("x,y\n1,2\n", "array_row is missing"),
        ("", "could not be read"),
        ("array_row,array_col\n1,north\n", "array_col"),
        ("array_row,array_col\n1,\n", "array_col"),
    ],
    ids=["columns", "empty", "text", "hole"],
)
def test_bad_table_of_positions_is_refused_in_one_sentence(
    table: str, expected: str, square_file: Path, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "at.csv").write_text(table)
    where = ("--at", tmp_path / "at.csv", "--out", tmp_path / "out.h5ad")
    assert call("impute", square_file, *where, "--method", "nearest") == 2
    said = capsys.readouterr().err
    check_one_sentence(said)
    assert expected in said


def test_impute_refuses_a_target_that_is_not_h5ad(tmp_path: Path, capsys: Capture) -> None:
    assert call("impute", "any.h5ad", "--at", "any.csv", "--out", tmp_path / "out.csv") == 2
    assert "--out must end in .h5ad; got out.csv" in capsys.readouterr().err


def test_file_in_place_of_the_folder_is_refused(square_file: Path, capsys: Capture) -> None:
    assert call("enhance", square_file, "-o", square_file) == 2
    check_one_sentence(capsys.readouterr().err)


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


def test_filter_writes_a_section_whose_poor_spots_are_gaps(
    square_section: ad.AnnData, tmp_path: Path, capsys: Capture
) -> None:
    counts = square_section.X.tolil()
    counts[square_section.obs_names.get_loc("3x3")] = 0
    square_section.X = counts.tocsr()
    square_section.write_h5ad(tmp_path / "a.h5ad")
    assert call("filter", tmp_path / "a.h5ad", "--min-counts", 1, "-o", tmp_path / "b.h5ad") == 0
    assert "41 spots stay, 1 set aside" in capsys.readouterr().out
    call("enhance", tmp_path / "b.h5ad", "-o", tmp_path, "--factor", 1, "--method", "nearest")
    assert "41 measured, 0 inserted, 1 gap" in capsys.readouterr().out


def test_filter_refuses_another_format(square_file: Path, tmp_path: Path, capsys: Capture) -> None:
    assert call("filter", square_file, "-o", tmp_path / "b.csv") == 2
    assert "--out must end in .h5ad" in capsys.readouterr().err
