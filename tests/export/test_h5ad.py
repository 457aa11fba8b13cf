"""What is written can be read, here and elsewhere."""

from __future__ import annotations

import json
from types import SimpleNamespace

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest

import stentrans
from stentrans import export
from stentrans.errors import MissingKeyError, StoreError
from stentrans.export import contents, h5ad
from stentrans.methods import decoding, image_decoding
from stentrans.methods.edge_directed import EdgeDirected


def _in_small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven sites of at most five genes at a time, so that 12 genes are three times four."""
    monkeypatch.setattr(decoding, "GENES_AT_ONCE", 5)
    monkeypatch.setattr(image_decoding, "GENES_AT_ONCE", 5)
    monkeypatch.setattr(contents, "_VALUES_PER_BLOCK", 28)
    monkeypatch.setattr(contents, "_LEAST_SITES", 1)
    monkeypatch.setattr(h5ad, "_VALUES_PER_CHUNK", 20)
    monkeypatch.setattr(h5ad, "_VALUES_PER_READ", 20)


def test_written_file_holds_what_to_anndata_gives(enhancement, tmp_path):
    enhancement.write(tmp_path / "out.h5ad")
    read, made = ad.read_h5ad(tmp_path / "out.h5ad"), enhancement.to_anndata()
    np.testing.assert_array_equal(read.X, made.X)
    for layer in ("counts", "sd", "measured"):
        np.testing.assert_array_equal(read.layers[layer], made.layers[layer])
    pd.testing.assert_frame_equal(read.obs, made.obs, check_names=False)
    np.testing.assert_array_equal(read.obsm["spatial"], made.obsm["spatial"])


def test_measured_layer_is_what_was_measured(enhancement, hexagonal_section):
    made = enhancement.to_anndata(["GENE7"])
    is_measured = (made.obs["origin"] == "measured").to_numpy()
    assert np.isnan(made.layers["measured"][~is_measured]).all()
    counts = hexagonal_section.X.toarray()
    library = counts.sum(1)
    expected = np.log1p(counts[:, 7] * np.median(library) / library)
    np.testing.assert_allclose(made.layers["measured"][is_measured, 0], expected, rtol=1e-5)


def test_chosen_genes_come_in_the_order_asked_for(enhancement, tmp_path):
    enhancement.write(tmp_path / "two.h5ad", genes=["GENE9", "GENE2"])
    read = ad.read_h5ad(tmp_path / "two.h5ad")
    assert list(read.var_names) == ["GENE9", "GENE2"]
    np.testing.assert_array_equal(read.X, enhancement.expression(["GENE9", "GENE2"]))


def test_file_says_where_it_came_from(enhancement, tmp_path):
    enhancement.write(tmp_path / "out.h5ad")
    told = json.loads(ad.read_h5ad(tmp_path / "out.h5ad").uns["stentrans"])
    assert told["provenance"] == json.loads(json.dumps(enhancement.provenance))


def test_blocks_in_memory_change_no_value(enhancement, tmp_path, monkeypatch):
    expected = enhancement.to_anndata()
    _in_small_blocks(monkeypatch)
    enhancement.write(tmp_path / "out.h5ad")
    # Single precision: sums over factors are made in another order in blocks of another shape.
    for made in (enhancement.to_anndata(), ad.read_h5ad(tmp_path / "out.h5ad")):
        np.testing.assert_allclose(made.X, expected.X, rtol=3e-6)
        for layer in ("counts", "sd", "measured"):
            np.testing.assert_allclose(made.layers[layer], expected.layers[layer], rtol=3e-6)


def test_every_gene_is_doubled_once(hexagonal_section, tmp_path, monkeypatch):
    _in_small_blocks(monkeypatch)
    enhancement = stentrans.enhance(hexagonal_section, method="nedi")
    shown, double = [], EdgeDirected.double

    def counting(self, images, mask, spacing):
        shown.append(len(images))
        return double(self, images, mask, spacing)

    monkeypatch.setattr(EdgeDirected, "double", counting)
    enhancement.write(tmp_path / "out.h5ad")
    assert shown == [4, 4, 4]


def test_no_genes_at_all_can_be_written(enhancement, tmp_path):
    enhancement.write(tmp_path / "out.h5ad", genes=[])
    assert ad.read_h5ad(tmp_path / "out.h5ad").shape == (len(enhancement.sites), 0)


def test_unknown_gene_writes_nothing(enhancement, tmp_path):
    with pytest.raises(MissingKeyError, match="'NOPE' is not"):
        enhancement.write(tmp_path / "out.h5ad", genes=["NOPE"])
    assert list(tmp_path.iterdir()) == []


def test_folder_that_cannot_be_made_is_one_sentence(enhancement, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="could not be written"):
        enhancement.write(tmp_path / "file" / "out.h5ad")


def test_saved_and_loaded_agree(enhancement, tmp_path):
    enhancement.save(tmp_path / "run")
    again = stentrans.Enhancement.load(tmp_path / "run")
    names = list(enhancement.genes)
    for scale in ("log", "counts", "composition"):
        np.testing.assert_array_equal(
            enhancement.expression(names, scale), again.expression(names, scale)
        )
    np.testing.assert_array_equal(enhancement.sd(names), again.sd(names))
    pd.testing.assert_frame_equal(enhancement.sites, again.sites)
    assert again.provenance == json.loads(json.dumps(enhancement.provenance))


@pytest.mark.parametrize("name", ["arrays.npz", "enhancement.json"])
def test_damaged_folder_is_one_sentence(enhancement, tmp_path, name):
    enhancement.save(tmp_path)
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(StoreError, match="could not be read"):
        stentrans.Enhancement.load(tmp_path)


def test_run_of_another_version_is_named_as_such(enhancement, tmp_path):
    enhancement.save(tmp_path / "run")
    about = tmp_path / "run" / "enhancement.json"
    about.write_text(json.dumps(json.loads(about.read_text()) | {"format": 1}))
    with pytest.raises(StoreError, match=r"saved in format 2; it is in format 1"):
        stentrans.Enhancement.load(tmp_path / "run")


def _of_slide(section: ad.AnnData, tmp_path, factor: int = 2) -> ad.AnnData:
    path = tmp_path / "out.h5ad"
    stentrans.enhance(section, method="linear", factor=factor).write(path)
    return ad.read_h5ad(path)


def test_file_has_the_slots_that_other_software_looks_for(slide_section, tmp_path):
    read = _of_slide(slide_section, tmp_path)
    assert read.X.dtype == np.float32
    assert set(read.obs["origin"]) == {"measured", "inserted", "gap"}
    assert (read.obs["in_tissue"] == 1).all()
    assert read.obs["array_row"].dtype == read.obs["array_col"].dtype == np.float64
    assert set(read.obs["library_id"]) == {"patient 1_left"}
    assert list(read.var["gene_ids"]) == list(slide_section.var["gene_ids"])
    assert np.isfinite(read.obsm["spatial"]).all()


@pytest.mark.parametrize("factor", [2, 3])
def test_sites_are_drawn_smaller_than_spots(slide_section, tmp_path, factor):
    entry = _of_slide(slide_section, tmp_path, factor).uns["spatial"]["patient 1_left"]
    assert set(entry) == {"images", "scalefactors", "metadata"}
    assert entry["scalefactors"]["spot_diameter_fullres"] == 30.0 / factor
    assert entry["scalefactors"]["tissue_hires_scalef"] == 0.5
    assert entry["scalefactors"]["tissue_lowres_scalef"] == 0.1


def test_pictures_come_along(slide_section, tmp_path):
    (entry,) = _of_slide(slide_section, tmp_path).uns["spatial"].values()
    given = slide_section.uns["spatial"]["patient 1/left"]["images"]
    for name in ("hires", "lowres"):
        np.testing.assert_array_equal(entry["images"][name], given[name])


def test_low_resolution_picture_alone_stands_in_for_the_other(slide_section, tmp_path):
    (given,) = slide_section.uns["spatial"].values()
    del given["images"]["hires"]
    (entry,) = _of_slide(slide_section, tmp_path).uns["spatial"].values()
    np.testing.assert_array_equal(entry["images"]["hires"], given["images"]["lowres"])
    assert entry["scalefactors"]["tissue_hires_scalef"] == 0.1


def test_section_without_pictures_has_what_plots_ask_for(hexagonal_section, tmp_path):
    (entry,) = _of_slide(hexagonal_section, tmp_path).uns["spatial"].values()
    assert entry["images"] == {}
    assert entry["scalefactors"]["tissue_hires_scalef"] == 1.0
    # Pixels 50 apart, so sites 25: drawn without touching.
    assert 10 < entry["scalefactors"]["spot_diameter_fullres"] < 25


def test_genes_with_slashes_keep_their_names(slide_section, tmp_path):
    slide_section.var_names = [f"HLA/{n}" for n in range(slide_section.n_vars)]
    assert list(_of_slide(slide_section, tmp_path).var_names) == list(slide_section.var_names)


def test_saved_run_keeps_pictures_and_ids(slide_section, tmp_path):
    made = stentrans.enhance(slide_section, method="linear")
    made.save(tmp_path / "run")
    stentrans.Enhancement.load(tmp_path / "run").write(tmp_path / "out.h5ad")
    again, before = ad.read_h5ad(tmp_path / "out.h5ad"), made.to_anndata()
    np.testing.assert_array_equal(
        again.uns["spatial"]["patient 1_left"]["images"]["hires"],
        before.uns["spatial"]["patient 1_left"]["images"]["hires"],
    )
    assert list(again.var["gene_ids"]) == list(before.var["gene_ids"])


@pytest.mark.parametrize("scale", ["composition", "counts"])
def test_other_readings_can_be_written(hexagonal_section, tmp_path, scale):
    made = stentrans.enhance(hexagonal_section, method="prior")
    export.write(made, tmp_path / "out.h5ad", scale=scale, layers=["measured"])
    read = ad.read_h5ad(tmp_path / "out.h5ad")
    np.testing.assert_array_equal(read.X, made.expression(list(made.genes), scale))
    assert set(read.layers) == {"measured"}
    is_measured = (read.obs["origin"] == "measured").to_numpy()
    if scale == "counts":
        np.testing.assert_array_equal(
            read.layers["measured"][is_measured], hexagonal_section.X.toarray()
        )


def test_measured_values_of_sites_between_take_no_room(hexagonal_section, tmp_path, monkeypatch):
    _in_small_blocks(monkeypatch)
    made = stentrans.enhance(hexagonal_section, method="linear", factor=4)
    made.write(tmp_path / "out.h5ad")
    with h5py.File(tmp_path / "out.h5ad") as file:
        stored = {name: file["layers"][name].id.get_storage_size() for name in ("sd", "measured")}
    assert stored["measured"] < stored["sd"]


def test_file_that_the_disk_cannot_hold_is_refused_before_the_first_byte(
    hexagonal_section, tmp_path, monkeypatch
):
    result = stentrans.enhance(hexagonal_section, method="linear")
    n_values = len(result.sites) * len(result.genes) * 3 + 41 * len(result.genes)
    monkeypatch.setattr(h5ad, "disk_usage", lambda folder: SimpleNamespace(free=4 * n_values - 1))
    with pytest.raises(StoreError, match=r"could not be written \(No space left on device\)"):
        result.write(tmp_path / "out.h5ad")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(h5ad, "disk_usage", lambda folder: SimpleNamespace(free=4 * n_values))
    result.write(tmp_path / "out.h5ad")
    assert (tmp_path / "out.h5ad").is_file()
