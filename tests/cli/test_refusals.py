"""One sentence for whatever cannot be done."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import anndata as ad
import numpy as np
import pytest

from tests.cli.calling import Capture, call, check_one_sentence, run

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


def test_refusal_in_a_fresh_process_shows_no_traceback(tmp_path: Path) -> None:
    done = run("enhance", tmp_path / "nowhere.h5ad", "-o", tmp_path)
    assert done.returncode == 2
    assert "nowhere.h5ad" in done.stderr
    check_one_sentence(done.stderr)


def test_missing_argument_is_refused_in_one_sentence(capsys: Capture) -> None:
    with pytest.raises(SystemExit, match="2"):
        call("enhance")
    assert capsys.readouterr().err.count("\n") == 1


def test_file_in_place_of_the_folder_is_refused(square_file: Path, capsys: Capture) -> None:
    assert call("enhance", square_file, "-o", square_file) == 2
    check_one_sentence(capsys.readouterr().err)
