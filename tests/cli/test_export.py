"""What the command line writes: the format by the name, the values that were asked for."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pytest

import stentrans
from stentrans.__main__ import main

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def square_file(square_section: ad.AnnData, tmp_path: Path) -> Path:
    path = tmp_path / "square.h5ad"
    square_section.write_h5ad(path)
    return path


def call(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_file_holds_the_scale_and_layers_asked_for(square_file: Path, tmp_path: Path) -> None:
    told = ("--method", "nearest", "--scale", "counts", "--layers", "measured")
    assert call("enhance", square_file, "--out", tmp_path / "mine.h5ad", *told) == 0
    got = ad.read_h5ad(tmp_path / "mine.h5ad")
    enhancement = stentrans.enhance(stentrans.read(square_file), method="nearest")
    np.testing.assert_array_equal(got.X, enhancement.expression(list(got.var_names), "counts"))
    assert set(got.layers) == {"measured"}


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (["--out", "mine.docx"], "must be written to a file that ends in"),
        (["--format", "docx"], "must be written to a file that ends in"),
        (["--scale", "log2"], "--scale must be one of log, composition, counts"),
        (["--layers", "sd,var"], "--layers must be one of counts, sd, measured; got 'var'"),
    ],
    ids=["out", "format", "scale", "layers"],
)
def test_bad_wish_is_refused_before_anything_is_computed(
    square_file: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, told, sentence: str
) -> None:
    monkeypatch.setattr(stentrans, "enhance", lambda *_, **__: pytest.fail("computed"))
    assert call("enhance", square_file, *told) == 2
    assert sentence in capsys.readouterr().err


def test_one_file_for_two_sections_is_refused(square_file: Path, capsys: Capture) -> None:
    assert call("enhance", square_file, square_file, "--out", "mine.h5ad") == 2
    assert "--out names one file; 2 sections were given" in capsys.readouterr().err
