"""Legacy ST tables load in every orientation and dialect they are passed around in."""

from __future__ import annotations

import gzip
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from stentrans.errors import SectionFormatError
from stentrans.section import check_section, notes_of, read, simulate


@pytest.fixture
def section() -> ad.AnnData:
    """A simulated square section of about 85 spots named 10x13, 20 genes."""
    section = simulate(lattice="square", n_rows=10, n_cols=10)[:, :20].copy()
    section.obs_names = [name.removeprefix("sim-") for name in section.obs_names]
    return section


@pytest.fixture
def frame(section) -> pd.DataFrame:
    return pd.DataFrame(
        section.X.toarray().astype(int), index=section.obs_names, columns=section.var_names
    )


def codes(section) -> list[str]:
    return [note.code for note in notes_of(section)]


def refused(path: Path, code: str) -> str:
    with pytest.raises(SectionFormatError, match=r"\.$") as caught:
        read(path)
    assert caught.value.code == code
    return str(caught.value)


def test_tsv_loads_with_the_axis_noted(frame, section, tmp_path):
    frame.to_csv(tmp_path / "counts.tsv", sep="\t")
    found = read(tmp_path / "counts.tsv")
    assert codes(found) == ["T12"]
    assert found.uns["stentrans"]["technology"] == "legacy ST"
    places = ["array_row", "array_col"]
    assert found.obs[places].equals(section.obs[places])
    assert (found.X != section.X).nnz == 0
    assert "spatial" not in found.obsm
    assert check_section(found).n_obs == section.n_obs


@pytest.mark.parametrize("suffix", ["csv", "tsv.gz", "csv.gz", "txt"])
def test_other_suffixes_load(frame, section, tmp_path, suffix):
    path = tmp_path / f"counts.{suffix}"
    frame.to_csv(path, sep="\t" if "tsv" in suffix else ",")
    found = read(path)
    assert codes(found) == ["T12"]
    assert found.shape == section.shape


def test_header_without_a_cell_for_the_names_loads(frame, section, tmp_path):
    text = frame.to_csv(sep="\t", index_label=False)
    assert not text.startswith("\t")
    (tmp_path / "r.tsv").write_text(text)
    found = read(tmp_path / "r.tsv")
    assert (found.X != section.X).nnz == 0


def test_genes_in_rows_are_turned(frame, section, tmp_path):
    frame.T.to_csv(tmp_path / "turned.csv")
    found = read(tmp_path / "turned.csv")
    assert sorted(codes(found)) == ["T12", "T13"]
    assert (found.X != section.X).nnz == 0
    assert found.var_names.equals(section.var_names)


@pytest.mark.parametrize("form", ["X{}x{}", "1x{}x{}", "{}.08x{}.015", "{}.0x{}.4"])
def test_spot_names_are_understood(frame, section, tmp_path, form):
    array = section.obs[["array_row", "array_col"]].to_numpy()
    frame.index = [form.format(row, col) for row, col in array]
    frame.to_csv(tmp_path / "counts.csv")
    found = read(tmp_path / "counts.csv")
    np.testing.assert_array_equal(found.obs[["array_row", "array_col"]], array)


def test_several_sections_are_read_one_at_a_time(frame, tmp_path):
    both = pd.concat([frame.rename("1x{}".format), frame.rename("2x{}".format)])
    both.to_csv(tmp_path / "both.csv")
    found = read(tmp_path / "both.csv")
    assert "T11" in codes(found)
    assert found.n_obs == len(frame)
    assert read(tmp_path / "both.csv", library="2").obs_names[0].startswith("2x")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "latin-1"])
def test_encodings_load(frame, section, tmp_path, encoding):
    frame.columns = ["Gène-01", *frame.columns[1:]]
    (tmp_path / "counts.csv").write_bytes(frame.to_csv().encode(encoding))
    found = read(tmp_path / "counts.csv")
    assert found.var_names[0] == "Gène-01"
    assert ("T18" in codes(found)) == (encoding != "utf-8-sig")


def test_semicolons_and_decimal_commas_load(frame, section, tmp_path):
    (frame * 1.0).to_csv(tmp_path / "counts.csv", sep=";", decimal=",")
    found = read(tmp_path / "counts.csv")
    assert "T18" in codes(found)
    assert (found.X != section.X).nnz == 0


def test_windows_line_ends_and_blank_lines_load(frame, section, tmp_path):
    text = frame.to_csv().replace("\n", "\r\n") + "\r\n\r\n"
    (tmp_path / "counts.csv").write_bytes(text.encode())
    assert read(tmp_path / "counts.csv").shape == section.shape


def test_gzip_named_csv_and_text_named_gz_load(frame, section, tmp_path):
    text = frame.to_csv()
    (tmp_path / "packed.csv").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "plain.csv.gz").write_text(text)
    for name in ("packed.csv", "plain.csv.gz"):
        found = read(tmp_path / name)
        assert "T19" in codes(found)
        assert found.shape == section.shape


def test_repeated_genes_are_kept_apart(frame, section, tmp_path):
    frame.columns = ["Same", "Same", *frame.columns[2:]]
    frame.to_csv(tmp_path / "counts.csv")
    found = read(tmp_path / "counts.csv")
    assert "T8" in codes(found)
    assert found.var_names[:2].tolist() == ["Same", "Same (2)"]
    assert (found.X != section.X).nnz == 0


def test_empty_spots_are_counted(frame, tmp_path):
    frame.iloc[3] = 0
    frame.to_csv(tmp_path / "counts.csv")
    found = read(tmp_path / "counts.csv")
    assert "T21" in codes(found)
    assert found.n_obs == len(frame)


def test_values_that_are_no_counts_load_for_looking(frame, tmp_path):
    (frame / 7).to_csv(tmp_path / "counts.csv")
    found = read(tmp_path / "counts.csv")
    assert "T10" in codes(found)
    assert found.uns["stentrans"]["X_is"] == "values"
    with pytest.raises(SectionFormatError, match="needs raw counts"):
        check_section(found)


def test_lost_spots_are_set_aside(frame, tmp_path):
    spoilt = frame.astype(float)
    spoilt.iloc[2] = np.nan
    spoilt.to_csv(tmp_path / "counts.csv")
    found = read(tmp_path / "counts.csv")
    assert "T14" in codes(found)
    assert found.n_obs == len(frame) - 1


def test_spot_file_gives_pixels_and_selection(frame, section, tmp_path):
    array = section.obs[["array_row", "array_col"]].to_numpy()
    spots = pd.DataFrame(array, columns=["x", "y"])
    spots[["new_x", "new_y"]] = array + 0.04
    spots[["pixel_x", "pixel_y"]] = array[:, ::-1] * 290.0 + 500
    spots["selected"] = [1] * (len(spots) - 5) + [0] * 5
    folder = tmp_path / "A1"
    folder.mkdir()
    spots.to_csv(folder / "A1_selection.tsv", sep="\t", index=False)
    frame.to_csv(folder / "A1.tsv", sep="\t")
    found = read(folder)
    np.testing.assert_array_equal(found.obsm["spatial"], array[:, ::-1] * 290.0 + 500)
    assert found.obs["in_tissue"].sum() == len(spots) - 5


def test_coordinates_beside_counts_are_used(frame, section, tmp_path):
    frame.index = [f"spot{number}" for number in range(len(frame))]
    coords = section.obs[["array_row", "array_col"]].set_axis(frame.index)
    frame.to_csv(tmp_path / "counts.csv")
    coords.sample(frac=1.0, random_state=0).to_csv(tmp_path / "coords.csv")
    found = read(tmp_path)
    assert codes(found) == []
    np.testing.assert_array_equal(found.obs[["array_row", "array_col"]], coords)


def test_coordinates_alone_are_refused(section, tmp_path):
    section.obs[["array_row", "array_col"]].to_csv(tmp_path / "coords.csv")
    assert "holds none" in refused(tmp_path, "R7")


def test_text_column_is_refused(frame, tmp_path):
    frame["cluster"] = "tumour"
    frame.to_csv(tmp_path / "counts.csv")
    sentence = refused(tmp_path / "counts.csv", "R17")
    assert "column cluster contains text ('tumour')" in sentence


def test_names_without_positions_are_refused(frame, tmp_path):
    frame.index = [f"spot{number}" for number in range(len(frame))]
    frame.to_csv(tmp_path / "counts.csv")
    assert "named like 10x13" in refused(tmp_path / "counts.csv", "R8")


def test_repeated_spots_are_refused(frame, tmp_path):
    pd.concat([frame, frame.iloc[:1]]).to_csv(tmp_path / "counts.csv")
    assert "occurs 2 times" in refused(tmp_path / "counts.csv", "R10")


def test_repeated_spots_in_columns_are_refused(frame, tmp_path):
    pd.concat([frame, frame.iloc[:1]]).T.to_csv(tmp_path / "counts.csv")
    assert "occurs 2 times" in refused(tmp_path / "counts.csv", "R10")


def test_spots_that_round_to_one_position_are_refused(frame, tmp_path):
    frame.index = ["5.1x5.1", "4.9x4.9", *frame.index[2:]]
    frame = frame[~frame.index.duplicated()].drop(index="5x5", errors="ignore")
    frame.to_csv(tmp_path / "counts.csv")
    assert "row 5, column 5 occurs 2 times" in refused(tmp_path / "counts.csv", "R10")


@pytest.mark.parametrize("value", [np.nan, np.inf], ids=str)
def test_scattered_bad_values_are_refused(frame, tmp_path, value):
    spoilt = frame.astype(float)
    spoilt.iloc[4, 7] = value
    spoilt.to_csv(tmp_path / "counts.csv")
    sentence = refused(tmp_path / "counts.csv", "R11")
    assert f"first at {frame.index[4]}, {frame.columns[7]}" in sentence


def test_table_without_spots_is_refused(frame, tmp_path):
    frame.iloc[:0].to_csv(tmp_path / "counts.csv")
    assert refused(tmp_path / "counts.csv", "R6")


@pytest.mark.parametrize("text", ["\n", "just words\n", "a,b\n1x1,1,2,3\n"], ids=repr)
def test_text_that_is_no_table_is_refused(tmp_path, text):
    (tmp_path / "counts.csv").write_text(text)
    with pytest.raises(SectionFormatError, match=r"\.$"):
        read(tmp_path / "counts.csv")
