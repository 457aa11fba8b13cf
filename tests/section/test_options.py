"""What a file leaves open can be said, is kept with the section, and can be undone."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from stentrans.errors import ParameterError, SectionFormatError
from stentrans.section import (
    ReadOptions,
    check_section,
    lattice_of,
    notes_of,
    options_of,
    read,
    simulate,
)
from stentrans.section.orientation import orient
from stentrans.section.spot_names import named_array


@pytest.fixture
def table(tmp_path: Path) -> Path:
    section = simulate(lattice="square", n_rows=9, n_cols=7)
    names = [name.removeprefix("sim-") for name in section.obs_names]
    frame = pd.DataFrame(section.X.toarray().astype(int), names, section.var_names)
    frame.iloc[:, :20].to_csv(tmp_path / "counts.csv")
    return tmp_path / "counts.csv"


def test_first_number_is_the_row_unless_said_otherwise(table: Path) -> None:
    rows, columns = read(table), read(table, first_number="column")
    assert rows.obs["array_row"].equals(columns.obs["array_col"])
    assert rows.obs["array_col"].equals(columns.obs["array_row"])
    for section, chosen in ((rows, "row"), (columns, "column")):
        (note,) = [one for one in notes_of(section) if one.code == "T12"]
        assert (note.option, note.chosen) == ("first_number", chosen)
        assert note.choices == ("row", "column")


@pytest.mark.parametrize(
    ("pixels_of", "expected"),
    [
        (lambda a, b: (a, b), "column"),
        (lambda a, b: (b, a), "row"),
        (lambda a, b: (-b, a), "row"),
        (lambda a, b: (0.1 * a + b, a - 0.1 * b), "row"),
        (lambda a, b: (a, a), None),
    ],
    ids=["x first", "y first", "mirrored", "turned a little", "on a line"],
)
def test_pixels_tell_the_axes(pixels_of, expected) -> None:
    numbers = np.array([(a, b) for a in range(4) for b in range(5)], dtype=float)
    names = [f"{a:.0f}x{b:.0f}" for a, b in numbers]
    pixels = 290.0 * np.column_stack(pixels_of(*numbers.T))
    _, note = named_array(names, pixels, None)
    assert note.chosen == (expected or "row")
    assert ("It was taken" in note.sentence) == (expected is None)


def test_options_are_kept_and_survive_a_file(table: Path, tmp_path: Path) -> None:
    section = read(table, first_number="column", flip=True)
    assert options_of(section) == ReadOptions(first_number="column", flip=True)
    assert options_of(check_section(section)) == options_of(section)
    section.write_h5ad(tmp_path / "saved.h5ad")
    again = read(tmp_path / "saved.h5ad")
    # What was decided then is part of this file: it cannot be decided again.
    assert options_of(again) == ReadOptions()
    assert not any(note.option for note in notes_of(again))
    assert {note.sentence for note in notes_of(section)} <= {n.sentence for n in notes_of(again)}


def test_counts_are_taken_from_the_place_asked_for(visium_section, tmp_path: Path) -> None:
    whole = visium_section.X
    visium_section.layers["umi"] = whole * 2
    visium_section.X = whole.log1p()
    visium_section.raw = ad.AnnData(whole * 3, var=visium_section.var)
    visium_section.write_h5ad(tmp_path / "a.h5ad")
    found = read(tmp_path / "a.h5ad")
    assert (found.X != whole * 3).nnz == 0
    (note,) = [one for one in notes_of(found) if one.code == "T10"]
    assert note.choices == ("raw.X", "X", "umi")
    assert (read(tmp_path / "a.h5ad", counts="umi").X != whole * 2).nnz == 0
    assert read(tmp_path / "a.h5ad", counts="X").uns["stentrans"]["X_is"] == "values"
    with pytest.raises(SectionFormatError, match=r"must be one of raw\.X, X, umi; got .Y."):
        read(tmp_path / "a.h5ad", counts="Y")


def test_counts_in_any_layer_are_found(visium_section, tmp_path: Path) -> None:
    whole = visium_section.X
    visium_section.layers["scaled"] = whole * 0.3
    visium_section.layers["umi"] = whole.copy()
    visium_section.X = whole.log1p()
    visium_section.write_h5ad(tmp_path / "a.h5ad")
    found = read(tmp_path / "a.h5ad")
    assert (found.X != whole).nnz == 0
    assert "counts from layer umi" in notes_of(found)[-1].sentence


@pytest.mark.parametrize("rotate", [None, 90, 180, 270], ids=str)
@pytest.mark.parametrize("flip", [None, True], ids=str)
def test_picture_turns_with_its_positions(write_outs, tmp_path: Path, rotate, flip) -> None:
    outs = write_outs(tmp_path / "outs")
    plain = read(outs)
    (library,) = plain.uns["spatial"]
    held = plain.uns["spatial"][library]
    scale = held["scalefactors"]["tissue_hires_scalef"]
    at = 17
    mark = np.floor(plain.obsm["spatial"][at] * scale).astype(int)
    held["images"]["hires"][:] = 0
    held["images"]["hires"][mark[1], mark[0]] = 255
    orient(plain, ReadOptions(rotate=rotate, flip=flip))
    image = plain.uns["spatial"][library]["images"]["hires"]
    row, col = np.argwhere(image[..., 0] == 255)[0]
    seen = np.array([col, row]) + 0.5
    np.testing.assert_allclose(seen, plain.obsm["spatial"][at] * scale, atol=0.51)


def test_turning_keeps_array_and_counts(write_outs, tmp_path: Path) -> None:
    outs = write_outs(tmp_path / "outs")
    plain, turned = read(outs), read(outs, rotate=90)
    assert turned.obs.equals(plain.obs)
    assert (turned.X != plain.X).nnz == 0
    assert lattice_of(turned).kind == lattice_of(plain).kind
    assert lattice_of(turned).residual == pytest.approx(lattice_of(plain).residual, abs=1e-6)
    assert lattice_of(read(outs, flip=True)).is_mirrored != lattice_of(plain).is_mirrored


@pytest.mark.parametrize("lattice", ["square", "hexagonal"])
def test_section_without_pixels_gets_those_of_its_lattice(lattice, tmp_path: Path) -> None:
    section = simulate(lattice=lattice, n_rows=9, n_cols=12)
    del section.obsm["spatial"]
    section.write_h5ad(tmp_path / "a.h5ad")
    turned = read(tmp_path / "a.h5ad", rotate=180)
    found = lattice_of(turned)
    assert found.kind == lattice_of(section).kind
    assert found.residual == pytest.approx(0.0, abs=1e-6)
    assert np.corrcoef(turned.obs["array_col"], turned.obsm["spatial"][:, 0])[0, 1] < -0.99


def test_four_turns_and_two_flips_come_back() -> None:
    start = ReadOptions(library="a", flip=True, rotate=90)
    turned = start
    for _ in range(4):
        turned = turned.turned()
    assert turned == start
    assert start.flipped().flipped() == start
    # Turning what is seen, then mirroring it, is mirroring first and turning the other way.
    plain = ReadOptions()
    assert plain.turned().flipped() == plain.flipped().turned().turned().turned()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"rotate": 45}, "rotate must be one of 0, 90, 180, 270; got 45"),
        ({"first_number": "x"}, "first_number must be one of row, column; got 'x'"),
        ({"flip": "yes"}, "flip must be one of True, False"),
        ({"library": 3}, "library must be a name or None; got 3"),
    ],
    ids=["rotate", "first_number", "flip", "library"],
)
def test_impossible_options_are_refused(options, sentence, table: Path) -> None:
    with pytest.raises(ParameterError, match=sentence):
        read(table, **options)


@pytest.mark.parametrize("text", ["{", "[1]", '{"rotate": 7}', '{"later": 1}'], ids=str)
def test_foreign_options_are_ignored(text: str) -> None:
    section = ad.AnnData(uns={"stentrans": {"read_options": text}})
    assert options_of(section) == ReadOptions()
