"""Files are told apart by their content; nothing foreign gets through as a traceback."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from stentrans.errors import SectionFormatError
from stentrans.section import check_section, lattice_of, read

SECTIONS = {
    "grid50_human_breast_like_MSTI": (2172, "square"),
    "st2k_mouse_hippo1": (1098, "staggered"),
    "st_human_breast_Layer2": (251, "square"),
    "st_human_her2st_A1": (346, "square"),
    "st_human_her2st_B1": (295, "square"),
    "st_human_her2st_D1": (306, "square"),
    "st_human_her2st_G2": (467, "square"),
    "st_human_melanoma_mel1_rep1": (279, "square"),
    "st_mouse_ob_Rep11": (262, "square"),
    "visium_human_dlpfc_Br8325_ant": (3529, "hexagonal"),
    "visium_human_prostate_NP": (987, "hexagonal"),
    "visium_mouse_brain_coronal": (2698, "hexagonal"),
    "visium_mouse_brain_coronal_allspots100g": (4992, "hexagonal"),
    "visium_mouse_muscle_Vis7B_5dpi": (1011, "hexagonal"),
}


def refused(path: Path, code: str | None) -> str:
    with pytest.raises(SectionFormatError, match=r"\.$") as caught:
        read(path)
    assert caught.value.code == code
    return str(caught.value)


@pytest.mark.parametrize("name", SECTIONS)
def test_real_section_loads_with_all_spots(shared_data, name):
    n_spots, kind = SECTIONS[name]
    section = read(shared_data / f"{name}.h5ad")
    assert section.n_obs == n_spots
    assert section.uns["stentrans"]["X_is"] == "counts"
    assert lattice_of(check_section(section)).kind == kind


def test_real_table_loads_in_both_orientations(shared_data, tmp_path):
    melanoma = read(shared_data / "st_human_melanoma_mel1_rep1.h5ad")
    part = melanoma[:, melanoma.var_names[:200]]
    frame = part.to_df().astype(int)
    frame.to_csv(tmp_path / "counts.tsv", sep="\t")
    frame.T.to_csv(tmp_path / "turned.tsv", sep="\t")
    for name in ("counts.tsv", "turned.tsv"):
        found = read(tmp_path / name)
        assert (found.X != part.X).nnz == 0
        assert found.obs["array_row"].equals(part.obs["array_row"])


def test_h5ad_in_gzip_loads(visium_section, tmp_path):
    visium_section.write_h5ad(tmp_path / "section.h5ad")
    packed = gzip.compress((tmp_path / "section.h5ad").read_bytes())
    (tmp_path / "section.h5ad.gz").write_bytes(packed)
    assert read(tmp_path / "section.h5ad.gz").n_obs == visium_section.n_obs


def test_path_as_text_loads(visium_section, tmp_path):
    visium_section.write_h5ad(tmp_path / "section.h5ad")
    assert read(str(tmp_path / "section.h5ad")).n_obs == visium_section.n_obs


def test_missing_path_is_refused(tmp_path):
    assert "does not. Check the spelling" in refused(tmp_path / "nowhere.h5ad", None)


def test_empty_folder_is_refused(tmp_path):
    refused(tmp_path, "R5")


@pytest.mark.parametrize(
    ("head", "shown"),
    [
        (b"\x89PNG\r\n\x1a\n0000", "a PNG picture"),
        (b"PAR1xxxx", "parquet"),
        (b"%PDF-1.7", "a PDF"),
        (b"X\n\x00\x00\x00\x03", "R data"),
        (b"\x00\x01\x02\x03" * 40, "a binary file"),
        (gzip.compress(b"X\n\x00\x00\x00\x03 R saves itself like this"), "R data"),
        (gzip.compress(gzip.compress(b"twice")), "gzip inside gzip"),
    ],
    ids=["png", "parquet", "pdf", "rds", "binary", "packed rds", "gzip in gzip"],
)
def test_other_formats_are_refused_by_content(tmp_path, head, shown):
    (tmp_path / "section.h5ad").write_bytes(head)
    assert f"is {shown}, which is not supported" in refused(tmp_path / "section.h5ad", "R5")


def test_hdf5_signature_alone_is_refused(tmp_path):
    (tmp_path / "section.h5ad").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    refused(tmp_path / "section.h5ad", "R3")
