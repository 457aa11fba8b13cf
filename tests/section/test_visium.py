"""Space Ranger folders load whatever version wrote them and whatever is missing."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from stentrans.errors import SectionFormatError
from stentrans.section import check_section, notes_of, read
from tests.section.writers import (
    positions_text,
    write_legacy_h5,
    write_tenx_h5,
    write_triplet,
)

H5 = "filtered_feature_bc_matrix.h5"
LIST = "spatial/tissue_positions_list.csv"


def codes(section) -> list[str]:
    return [note.code for note in notes_of(section)]


def refused(path: Path, code: str) -> str:
    """The sentence of a refusal with this code."""
    with pytest.raises(SectionFormatError, match=r"\.$") as caught:
        read(path)
    assert caught.value.code == code
    return str(caught.value)


@pytest.mark.parametrize("version", [1, 2])
def test_complete_folder_loads_without_notes(write_outs, tmp_path, visium_section, version):
    section = read(write_outs(tmp_path / "outs", version=version))
    assert codes(section) == []
    assert section.obs_names.equals(visium_section.obs_names)
    assert (section.X != visium_section.X).nnz == 0
    places = ["array_row", "array_col", "in_tissue"]
    assert section.obs[places].equals(visium_section.obs[places])
    assert check_section(section).n_obs == section.n_obs


def test_spatial_is_column_then_row(write_outs, tmp_path, visium_section):
    section = read(write_outs(tmp_path / "outs"))
    np.testing.assert_allclose(section.obsm["spatial"], visium_section.obsm["spatial"], atol=0.51)


def test_pictures_and_scale_factors_are_kept(write_outs, tmp_path):
    section = read(write_outs(tmp_path / "my sample" / "outs"))
    (library,) = section.uns["spatial"]
    held = section.uns["spatial"][library]
    assert set(held["images"]) == {"hires", "lowres"}
    assert held["images"]["hires"].dtype == np.uint8
    assert held["scalefactors"]["tissue_hires_scalef"] == 0.05


def test_section_survives_a_file(write_outs, tmp_path):
    section = read(write_outs(tmp_path / "outs"))
    section.write_h5ad(tmp_path / "again.h5ad")
    again = read(tmp_path / "again.h5ad")
    assert again.uns["stentrans"] == section.uns["stentrans"]
    assert again.obs.equals(section.obs)
    assert set(again.uns["spatial"]) == set(section.uns["spatial"])


def test_missing_header_keeps_the_first_barcode(write_outs, tmp_path, visium_section):
    outs = write_outs(tmp_path / "outs", version=2)
    text = positions_text(visium_section, header=False)
    (outs / "spatial/tissue_positions.csv").write_text(text)
    section = read(outs)
    assert codes(section) == ["T1"]
    assert visium_section.obs_names[0] in section.obs_names


@pytest.mark.parametrize("spoil", [lambda t: t.replace("\n", "\r\n"), lambda t: "\ufeff" + t])
def test_line_ends_and_byte_order_marks_are_repaired(write_outs, tmp_path, visium_section, spoil):
    outs = write_outs(tmp_path / "outs", version=2)
    text = spoil(positions_text(visium_section, header=True))
    (outs / "spatial/tissue_positions.csv").write_bytes(text.encode())
    section = read(outs)
    assert codes(section) == []
    assert section.n_obs == visium_section.n_obs


def test_columns_are_read_by_name_where_there_is_a_header(write_outs, tmp_path, visium_section):
    outs = write_outs(tmp_path / "outs", version=2)
    path = outs / "spatial/tissue_positions.csv"
    rows = [line.split(",") for line in path.read_text().splitlines()]
    path.write_text("\n".join(",".join([*row[:4], row[5], row[4]]) for row in rows))
    section = read(outs)
    np.testing.assert_allclose(section.obsm["spatial"], visium_section.obsm["spatial"], atol=0.51)


def test_exchanged_pixel_columns_are_put_right(write_outs, tmp_path, visium_section):
    outs = write_outs(tmp_path / "outs")
    straight = visium_section.obsm["spatial"].copy()
    width, height = straight.max(axis=0) + 400
    Image.new("RGB", (int(width * 0.05) + 1, int(height * 0.05) // 2 + 1)).save(
        outs / "spatial/tissue_hires_image.png"
    )
    flat = straight * [1.0, 0.5]
    visium_section.obsm["spatial"] = flat[:, ::-1]
    (outs / LIST).write_text(positions_text(visium_section, header=False))
    section = read(outs)
    assert "T2" in codes(section)
    np.testing.assert_allclose(section.obsm["spatial"], flat, atol=0.51)


def test_spots_outside_the_picture_are_kept(write_outs, tmp_path, visium_section):
    outs = write_outs(tmp_path / "outs")
    visium_section.obsm["spatial"] -= visium_section.obsm["spatial"].min(axis=0) + [20, 0]
    (outs / LIST).write_text(positions_text(visium_section, header=False))
    section = read(outs)
    assert codes(section) == ["T4"]
    assert section.n_obs == visium_section.n_obs
    assert section.obsm["spatial"].min() < 0


def test_missing_hires_uses_lowres(write_outs, tmp_path):
    outs = write_outs(tmp_path / "outs")
    (outs / "spatial/tissue_hires_image.png").unlink()
    section = read(outs)
    assert codes(section) == ["T6"]
    (held,) = section.uns["spatial"].values()
    assert set(held["images"]) == {"lowres"}


@pytest.mark.parametrize("text", [None, "{", "[1]"], ids=["absent", "cut off", "a list"])
def test_unusable_scale_factors_turn_the_picture_off(write_outs, tmp_path, text):
    outs = write_outs(tmp_path / "outs")
    path = outs / "spatial/scalefactors_json.json"
    path.unlink() if text is None else path.write_text(text)
    section = read(outs)
    assert codes(section) == ["T6"]
    (held,) = section.uns["spatial"].values()
    assert held["images"] == {}


def test_damaged_picture_is_left_out(write_outs, tmp_path):
    outs = write_outs(tmp_path / "outs")
    for name in ("hires", "lowres"):
        path = outs / f"spatial/tissue_{name}_image.png"
        path.write_bytes(path.read_bytes()[:60])
    assert codes(read(outs)) == ["T6"]


def test_geo_prefix_is_the_sample(write_outs, tmp_path):
    section = read(write_outs(tmp_path / "download", prefix="GSM123_liver_"))
    assert codes(section) == ["T5"]
    assert list(section.uns["spatial"]) == ["GSM123_liver"]


def test_several_samples_are_read_one_at_a_time(write_outs, tmp_path):
    for name in ("first", "second"):
        write_outs(tmp_path / "study" / name / "outs")
    section = read(tmp_path / "study")
    assert "T11" in codes(section)
    assert list(section.uns["spatial"]) == ["first"]
    other = read(tmp_path / "study", library="second")
    several = next(note for note in notes_of(other) if note.code == "T11")
    assert (several.option, several.chosen) == ("library", "second")
    assert several.choices == ("first", "second")
    assert list(other.uns["spatial"]) == ["second"]


def test_unknown_sample_lists_the_known_ones(write_outs, tmp_path):
    for name in ("first", "second"):
        write_outs(tmp_path / "study" / name / "outs")
    with pytest.raises(SectionFormatError, match="must be one of first, second; got 'third'"):
        read(tmp_path / "study", library="third")


@pytest.mark.parametrize("genes_tsv", [False, True])
def test_matrix_folder_is_read(write_outs, tmp_path, visium_section, genes_tsv):
    outs = write_outs(tmp_path / "outs")
    (outs / H5).unlink()
    write_triplet(outs / "filtered_feature_bc_matrix", visium_section, genes_tsv=genes_tsv)
    section = read(outs)
    assert codes(section) == []
    assert (section.X != visium_section.X).nnz == 0
    assert section.var["gene_ids"].equals(visium_section.var["gene_ids"])


def test_filtered_matrix_wins_over_raw(write_outs, tmp_path, visium_section):
    outs = write_outs(tmp_path / "outs")
    write_tenx_h5(outs / "raw_feature_bc_matrix.h5", visium_section[:3])
    assert read(outs).n_obs == visium_section.n_obs


def test_matrix_opened_directly_finds_its_folder(write_outs, tmp_path, visium_section):
    outs = write_outs(tmp_path / "outs")
    assert read(outs / H5).n_obs == visium_section.n_obs


def test_legacy_matrix_is_read(write_outs, tmp_path, visium_section):
    outs = write_outs(tmp_path / "outs")
    write_legacy_h5(outs / H5, visium_section, ["INVENTED1"])
    section = read(outs)
    assert codes(section) == []
    assert section.X.sum() == visium_section.X.sum()


def test_two_genomes_keep_their_prefix(write_outs, tmp_path, visium_section):
    outs = write_outs(tmp_path / "outs")
    write_legacy_h5(outs / H5, visium_section, ["human", "mouse"])
    section = read(outs)
    assert codes(section) == ["T7"]
    assert section.var_names[0].startswith("human_")
    assert section.X.sum() == visium_section.X.sum()


def test_lone_genome_prefix_is_stripped(write_outs, tmp_path, visium_section):
    outs = write_outs(tmp_path / "outs")
    names = [f"INVENTED1_{name}" for name in visium_section.var_names]
    write_tenx_h5(outs / H5, visium_section, name=names)
    assert read(outs).var_names.equals(visium_section.var_names)


def test_duplicate_symbols_get_their_id(write_outs, tmp_path, visium_section):
    outs = write_outs(tmp_path / "outs")
    names = ["Same", "Same", *visium_section.var_names[2:]]
    write_tenx_h5(outs / H5, visium_section, name=names)
    section = read(outs)
    assert codes(section) == ["T8"]
    assert section.var_names[:2].tolist() == ["Same (ENSG00000000000)", "Same (ENSG00000000001)"]


def test_barcodes_without_suffix_match(write_outs, tmp_path, visium_section):
    outs = write_outs(tmp_path / "outs")
    names = [name.removesuffix("-1") for name in visium_section.obs_names]
    write_tenx_h5(outs / H5, visium_section, barcodes=names)
    section = read(outs)
    assert codes(section) == ["T17"]
    assert section.n_obs == visium_section.n_obs


def test_half_of_the_barcodes_match(write_outs, tmp_path, visium_section):
    outs = write_outs(tmp_path / "outs")
    names = list(visium_section.obs_names)
    names[40:] = [f"OTHER{number}" for number in range(len(names) - 40)]
    write_tenx_h5(outs / H5, visium_section, barcodes=names)
    section = read(outs)
    assert "T17" in codes(section)
    assert section.obs_names.tolist() == names[:40]


def test_foreign_barcodes_are_refused(write_outs, tmp_path, visium_section):
    outs = write_outs(tmp_path / "outs")
    names = [f"OTHER{number}" for number in range(visium_section.n_obs)]
    write_tenx_h5(outs / H5, visium_section, barcodes=names)
    assert "no barcode matches (OTHER0 against SPOT0000-1)" in refused(outs, "R9")


def test_positions_without_matrix_are_refused(write_outs, tmp_path):
    outs = write_outs(tmp_path / "outs")
    (outs / H5).unlink()
    assert "no count matrix" in refused(outs, "R7")


def test_matrix_without_positions_is_refused(write_outs, tmp_path):
    outs = write_outs(tmp_path / "outs")
    (outs / LIST).unlink()
    assert "no spot positions" in refused(outs, "R8")
    assert "no spot positions" in refused(outs / H5, "R8")


def test_repeated_barcode_is_refused(write_outs, tmp_path, visium_section):
    outs = write_outs(tmp_path / "outs")
    names = ["SPOT0001-1", *visium_section.obs_names[1:]]
    write_tenx_h5(outs / H5, visium_section, barcodes=names)
    assert "SPOT0001-1 occurs 2 times" in refused(outs, "R10")


def test_repeated_position_is_refused(write_outs, tmp_path, visium_section):
    outs = write_outs(tmp_path / "outs")
    names = ["SPOT0001-1", *visium_section.obs_names[1:]]
    (outs / LIST).write_text(positions_text(visium_section, header=False, names=names))
    assert "SPOT0001-1 occurs 2 times" in refused(outs, "R10")


def test_two_spots_on_one_array_position_are_refused(write_outs, tmp_path, visium_section):
    outs = write_outs(tmp_path / "outs")
    column = visium_section.obs.columns.get_loc("array_row")
    visium_section.obs.iloc[:2, column] = visium_section.obs["array_row"].iloc[0]
    visium_section.obs.iloc[:2, column + 1] = visium_section.obs["array_col"].iloc[0]
    (outs / LIST).write_text(positions_text(visium_section, header=False))
    assert "occurs 2 times" in refused(outs, "R10")


def test_text_in_positions_is_refused(write_outs, tmp_path, visium_section):
    outs = write_outs(tmp_path / "outs")
    text = positions_text(visium_section, header=False)
    (outs / LIST).write_text(text.replace(",1,", ",yes,", 1))
    assert "column in_tissue contains text ('yes')" in refused(outs, "R17")


def test_empty_coordinates_are_set_aside(write_outs, tmp_path, visium_section):
    outs = write_outs(tmp_path / "outs")
    lines = positions_text(visium_section, header=False).splitlines()
    lines[0] = f"{visium_section.obs_names[0]},1,,,,"
    (outs / LIST).write_text("\n".join(lines))
    section = read(outs)
    assert codes(section) == ["T14"]
    assert section.n_obs == visium_section.n_obs - 1


@pytest.mark.parametrize("text", ["", "a,b\n", "X,1,2\nY,1\n"], ids=["empty", "short", "ragged"])
def test_damaged_positions_are_refused(write_outs, tmp_path, text):
    outs = write_outs(tmp_path / "outs")
    (outs / LIST).write_text(text)
    refused(outs, "R3")


def test_matrix_of_another_layout_is_refused(write_outs, tmp_path):
    outs = write_outs(tmp_path / "outs")
    with h5py.File(outs / H5, "w") as file:
        file["lonely"] = [1]
    assert "neither 10x nor h5ad (groups: lonely)" in refused(outs, "R15")
    assert "neither 10x nor h5ad" in refused(outs / H5, "R15")


def test_matrix_that_declares_too_much_is_refused(write_outs, tmp_path, visium_section):
    outs = write_outs(tmp_path / "outs")
    write_tenx_h5(outs / H5, visium_section, shape=(300, 10**9))
    assert "GB" in refused(outs, "R13")


def test_matrix_with_another_shape_is_refused(write_outs, tmp_path, visium_section):
    outs = write_outs(tmp_path / "outs")
    write_tenx_h5(outs / H5, visium_section, shape=(300, 5))
    refused(outs, "R3")


def test_triplet_that_does_not_fit_is_refused(write_outs, tmp_path, visium_section):
    outs = write_outs(tmp_path / "outs")
    (outs / H5).unlink()
    write_triplet(outs / "filtered_feature_bc_matrix", visium_section, genes_tsv=True)
    (outs / "filtered_feature_bc_matrix/genes.tsv").write_text("A\tB\n")
    assert "must fit together" in refused(outs, "R3")


def test_truncated_triplet_is_refused(write_outs, tmp_path, visium_section):
    outs = write_outs(tmp_path / "outs")
    (outs / H5).unlink()
    write_triplet(outs / "filtered_feature_bc_matrix", visium_section, genes_tsv=True)
    path = outs / "filtered_feature_bc_matrix/matrix.mtx"
    path.write_text(path.read_text()[:2000])
    refused(outs, "R3")
