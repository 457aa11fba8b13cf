"""AnnData files load from the places counts may be in; the rest of the file cannot stop them."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from stentrans.errors import SectionFormatError
from stentrans.section import check_section, notes_of, read


def codes(section) -> list[str]:
    return [note.code for note in notes_of(section)]


@pytest.fixture
def write(visium_section, tmp_path):
    """Write an AnnData, by default the simulated one, and read it back as a section."""

    def written(section: ad.AnnData | None = None) -> Path:
        path = tmp_path / "section.h5ad"
        (visium_section if section is None else section).write_h5ad(path)
        return path

    return written


def refused(path: Path, code: str | None, **options: str) -> str:
    with pytest.raises(SectionFormatError, match=r"\.$") as caught:
        read(path, **options)
    assert caught.value.code == code
    return str(caught.value)


def test_simulated_section_returns_as_it_was(write, visium_section):
    section = read(write())
    assert section.obs.equals(visium_section.obs)
    assert (section.X != visium_section.X).nnz == 0
    assert section.uns["stentrans"] == visium_section.uns["stentrans"]


@pytest.mark.parametrize("form", ["dense", "csc", "int"])
def test_forms_of_x_load(write, visium_section, form):
    whole = visium_section.X
    forms = {"dense": whole.toarray(), "csc": whole.tocsc(), "int": whole.astype(np.int64)}
    given = ad.AnnData(forms[form], obs=visium_section.obs, var=visium_section.var)
    section = read(write(given))
    assert isinstance(section.X, csr_matrix)
    assert (section.X != whole).nnz == 0


def test_counts_layer_wins_over_normalised_x(write, visium_section):
    visium_section.layers["counts"] = visium_section.X.copy()
    visium_section.X = visium_section.X.log1p()
    section = read(write())
    assert codes(section)[-1] == "T10"
    assert (section.X != visium_section.layers["counts"]).nnz == 0


def test_raw_is_used_with_its_own_genes(write, visium_section):
    visium_section.raw = visium_section.copy()
    given = visium_section[:, :50].copy()
    given.X = given.X.log1p()
    section = read(write(given))
    assert codes(section)[-1] == "T10"
    assert section.n_vars == visium_section.n_vars


def test_normalised_values_load_for_looking(write, visium_section):
    visium_section.X = visium_section.X.log1p()
    section = read(write())
    assert codes(section)[-1] == "T10"
    assert section.uns["stentrans"]["X_is"] == "values"
    with pytest.raises(SectionFormatError, match="needs raw counts"):
        check_section(section)


def test_ensembl_index_takes_symbols_from_a_column(write, visium_section):
    visium_section.var["feature_name"] = list(visium_section.var_names)
    names = visium_section.var_names.copy()
    visium_section.var_names = [f"{one}.3" for one in visium_section.var["gene_ids"]]
    section = read(write())
    assert "T7" in codes(section)
    assert section.var_names.equals(names)
    assert section.var["gene_ids"].iloc[4] == "ENSG00000000004"


def test_ensembl_index_without_symbols_is_kept(write, visium_section):
    visium_section.var = pd.DataFrame(index=visium_section.var["gene_ids"].to_numpy())
    section = read(write())
    assert "T7" in codes(section)
    assert section.var_names[4] == "ENSG00000000004"


def test_duplicate_symbols_get_their_id(write, visium_section):
    visium_section.var_names = ["Same", "Same", *visium_section.var_names[2:]]
    section = read(write())
    assert "T8" in codes(section)
    assert section.var_names[1] == "Same (ENSG00000000001)"


def test_several_libraries_are_read_one_at_a_time(write, visium_section):
    parts = []
    for name in ("one", "two", "three"):
        part = visium_section.copy()
        part.obs["library_id"] = name
        parts.append(part)
    joint = ad.concat(parts, index_unique="-", merge="same")
    joint.uns["spatial"] = {
        name: {"images": {}, "scalefactors": {"spot_diameter_fullres": 9.0}}
        for name in ("one", "two", "three")
    }
    path = write(joint)
    section = read(path)
    assert "T11" in codes(section)
    assert section.n_obs == visium_section.n_obs
    assert list(section.uns["spatial"]) == ["one"]
    assert read(path, library="three").obs["library_id"].eq("three").all()
    assert "must be one of one, two, three" in refused(path, "T11", library="four")


def test_overlapping_samples_are_told_apart_by_any_column(write, visium_section):
    twice = ad.concat(
        [visium_section, visium_section], keys=["a", "b"], label="sample", index_unique="-",
        merge="same",
    )  # fmt: skip
    section = read(write(twice))
    assert "T11" in codes(section)
    assert section.n_obs == visium_section.n_obs


def test_a_column_of_batches_on_one_array_is_no_library(write, visium_section):
    visium_section.obs["batch"] = np.where(np.arange(visium_section.n_obs) < 40, "a", "b")
    assert read(write()).n_obs == visium_section.n_obs


def test_cellxgene_flag_is_no_library(write, visium_section):
    visium_section.uns["spatial"] = {
        "is_single": True,
        "lib": {"images": {}, "scalefactors": {"spot_diameter_fullres": 9.0}},
    }
    assert list(read(write()).uns["spatial"]) == ["lib"]


@pytest.mark.parametrize("angle", [0.0, 7.0, 100.0], ids=str)
def test_array_is_rebuilt_from_pixels(write, visium_section, angle):
    turn = np.deg2rad(angle)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    visium_section.obsm["spatial"] = np.rint(visium_section.obsm["spatial"] @ rotation.T)
    del visium_section.obs["array_row"], visium_section.obs["array_col"]
    section = read(write())
    assert "T16" in codes(section)
    assert check_section(section).uns["stentrans"]["technology"] == "simulated"
    assert set(section.obs[["array_row", "array_col"]].sum(axis=1) % 2) == {0}


def test_spot_names_replace_missing_columns(write, visium_section):
    array = visium_section.obs[["array_row", "array_col"]].to_numpy()
    visium_section.obs_names = [f"{row}x{col}" for row, col in array]
    del visium_section.obs["array_row"], visium_section.obs["array_col"]
    section = read(write())
    assert "T12" in codes(section)
    np.testing.assert_array_equal(section.obs[["array_row", "array_col"]], array)


def test_no_positions_are_refused(write, visium_section):
    del visium_section.obs["array_row"], visium_section.obsm["spatial"]
    assert "Add the spot positions" in refused(write(), "R8")


def test_spatial_that_repeats_the_array_is_left_out(write, visium_section):
    places = visium_section.obs[["array_col", "array_row"]].to_numpy(float)
    visium_section.obsm["spatial"] = places
    section = read(write())
    assert "spatial" not in section.obsm
    assert "array positions, not pixels" in notes_of(section)[-1].sentence


def test_spots_without_coordinates_are_set_aside(write, visium_section):
    visium_section.obsm["spatial"][:3] = np.nan
    section = read(write())
    assert "T14" in codes(section)
    assert section.n_obs == visium_section.n_obs - 3


def test_spots_sharing_a_name_are_renamed(write, visium_section):
    visium_section.obs_names = ["A", "A", *visium_section.obs_names[2:]]
    with pytest.warns(UserWarning, match="not unique"):
        path = write(visium_section.copy())
    section = read(path)
    assert "T22" in codes(section)
    assert section.obs_names.is_unique


def test_unreadable_entries_are_skipped(write, visium_section):
    path = write()
    with h5py.File(path, "a") as file:
        file["obs/domain"].attrs["encoding-type"] = "from the future"
        file["obsm"].create_group("odd").attrs["encoding-type"] = "from the future"
    section = read(path)
    assert "T20" in codes(section)
    assert "domain" not in section.obs
    assert section.n_obs == visium_section.n_obs


def test_unreadable_x_is_refused(write):
    path = write()
    with h5py.File(path, "a") as file:
        file["X"].attrs["encoding-type"] = "from the future"
    assert "(X)" in refused(path, "R14")


def test_layout_of_old_anndata_is_refused(write):
    path = write()
    with h5py.File(path, "a") as file:
        del file["obs"]
        file["obs"] = np.zeros(3, dtype=[("index", "S4"), ("array_row", "i4")])
    assert "Re-save" in refused(path, "R14")


def test_missing_matrix_is_refused(write):
    path = write()
    with h5py.File(path, "a") as file:
        del file["X"]
    assert "Add the raw counts" in refused(path, "R7")


def test_shapes_that_do_not_fit_are_refused(write):
    path = write()
    with h5py.File(path, "a") as file:
        file["X"].attrs["shape"] = np.array([5, 300])
    refused(path, "R3")


def test_indices_beyond_the_genes_are_refused(write):
    path = write()
    with h5py.File(path, "a") as file:
        file["X/indices"][0] = 10**6
    refused(path, "R3")


def test_matrix_larger_than_memory_is_refused(write):
    path = write()
    with h5py.File(path, "a") as file:
        del file["X"]
        file.create_dataset("X", shape=(10**9, 10**6), dtype="f4", chunks=(1000, 1000))
        file["X"].attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
    assert "GB" in refused(path, "R13")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9], ids=str)
def test_truncated_file_is_refused(write, share):
    path = write()
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * share)])
    refused(path, "R3")


@pytest.mark.parametrize("shape", [(0, 4), (4, 0)], ids=["no spots", "no genes"])
def test_empty_matrix_is_refused(write, shape):
    obs = pd.DataFrame(
        {"array_row": range(shape[0]), "array_col": 0}, index=map(str, range(shape[0]))
    )
    path = write(ad.AnnData(np.zeros(shape, dtype=np.float32), obs=obs))
    assert "matrix is empty" in refused(path, "R6")


def test_bad_values_are_refused(write, visium_section):
    visium_section.X.data[3] = np.inf
    assert "NaN or infinite" in refused(write(), "R11")


def test_shared_positions_are_refused(write, visium_section):
    column = visium_section.obs.columns.get_loc("array_row")
    visium_section.obs.iloc[1, [column, column + 1]] = visium_section.obs.iloc[
        0, [column, column + 1]
    ].to_list()
    assert "occurs 2 times" in refused(write(), "R10")


def test_off_tissue_spots_are_kept(write, visium_section):
    visium_section.obs["in_tissue"] = [0, 0, *[1] * (visium_section.n_obs - 2)]
    section = read(write())
    assert section.n_obs == visium_section.n_obs
    assert section.obs["in_tissue"].sum() == section.n_obs - 2
