"""Sections are enhanced and written."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pytest

from stentrans.section.positions import TOUCHING
from tests.cli.calling import Capture, call, run


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
