"""Bins that touch and cells that lie on no array can be looked at; it is said what is off."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from stentrans.errors import SectionFormatError
from stentrans.section import check_section, default_factor, lattice_of, notes_of, read
from stentrans.section.cells import raster_positions
from tests.section.writers import Lab, write_bins


def test_bins_of_16_um_come_first_and_others_on_request(tmp_path: Path) -> None:
    path = write_bins(tmp_path / "hd", sizes_um=(2, 8, 16))
    section = read(path)
    assert section.n_obs == 6 * 6
    assert section.uns["stentrans"]["technology"] == "Visium HD, 16 µm bins"
    note = next(one for one in notes_of(section) if one.code == "T11")
    assert note.sentence == "Visium HD with 3 sizes of bins; showing 16 µm."
    assert note.choices == ("square_016um", "square_002um", "square_008um")
    assert read(path, library="square_008um").n_obs == 14 * 14


def test_bins_make_a_square_lattice_of_their_own_size(tmp_path: Path) -> None:
    section = check_section(read(write_bins(tmp_path / "hd", sizes_um=(16,))))
    lattice = lattice_of(section)
    assert (lattice.kind, lattice.pitch_um) == ("square", 16.0)
    assert lattice.residual < 1e-6
    assert default_factor(section) == 1
    assert section.obs["in_tissue"].all()


def test_one_folder_of_bins_is_enough(tmp_path: Path) -> None:
    path = write_bins(tmp_path / "hd", sizes_um=(8, 16)) / "binned_outputs/square_008um"
    assert read(path).uns["stentrans"]["pitch_um"] == 8.0


def test_bins_survive_a_file(tmp_path: Path) -> None:
    section = read(write_bins(tmp_path / "hd", sizes_um=(16,)))
    section.write_h5ad(tmp_path / "again.h5ad")
    again = read(tmp_path / "again.h5ad")
    assert default_factor(again) == 1
    assert lattice_of(again).pitch_um == 16.0


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda frame: frame.drop(columns="array_row"), "R8"),
        (lambda frame: frame.assign(barcode=frame["barcode"].iloc[0]), "R10"),
        (lambda frame: frame.assign(array_row="x"), "R3"),
    ],
    ids=["no column", "one barcode", "text"],
)
def test_odd_parquet_is_refused(tmp_path: Path, change, code: str) -> None:
    path = write_bins(tmp_path / "hd", sizes_um=(16,))
    (positions,) = path.rglob("tissue_positions.parquet")
    change(pd.read_parquet(positions)).to_parquet(positions)
    with pytest.raises(SectionFormatError, match=r"\.$") as caught:
        read(path)
    assert caught.value.code == code


def test_cells_are_looked_at_where_they_lie(visium_section: ad.AnnData, tmp_path: Path) -> None:
    lab = Lab(visium_section, tmp_path)
    del visium_section.obs["array_row"], visium_section.obs["array_col"]
    places = np.random.default_rng(1).uniform(0, 5000, size=(visium_section.n_obs, 2))
    visium_section.obsm["spatial"] = places
    section = read(lab.h5ad())
    np.testing.assert_allclose(section.obsm["spatial"], places)
    assert np.corrcoef(section.obs["array_col"], places[:, 0])[0, 1] > 0.99
    assert np.corrcoef(section.obs["array_row"], places[:, 1])[0, 1] > 0.99
    with pytest.raises(SectionFormatError, match="regular array") as caught:
        check_section(section)
    assert caught.value.code == "T15"


@pytest.mark.parametrize("columns", [("x_centroid", "y_centroid"), ("center_x", "center_y")])
def test_positions_in_columns_are_found(
    visium_section: ad.AnnData, tmp_path: Path, columns
) -> None:
    lab = Lab(visium_section, tmp_path)
    for name, held in zip(columns, visium_section.obsm["spatial"].T, strict=True):
        visium_section.obs[name] = held
    del visium_section.obs["array_row"], visium_section.obsm["spatial"]
    section = read(lab.h5ad())
    assert [one.code for one in notes_of(section)][-2:] == ["", "T16"]
    assert columns[0] in notes_of(section)[-2].sentence


def test_array_that_pixels_contradict_is_only_looked_at(
    hexagonal_section: ad.AnnData, rng: np.random.Generator, tmp_path: Path
) -> None:
    hexagonal_section.obsm["spatial"] = rng.permutation(hexagonal_section.obsm["spatial"])
    hexagonal_section.write_h5ad(tmp_path / "a.h5ad")
    section = read(tmp_path / "a.h5ad")
    assert "Not a usable array" in notes_of(section)[-1].sentence
    for given in (section, hexagonal_section):
        with pytest.raises(SectionFormatError, match="regular array"):
            check_section(given)


@pytest.mark.parametrize("n_cells", [1, 2, 40, 3000])
def test_every_cell_gets_a_place_near_its_own(n_cells: int, rng: np.random.Generator) -> None:
    pixels = rng.uniform(0, 1000, size=(n_cells, 2))
    array = raster_positions(pixels)
    assert len(np.unique(array, axis=0)) == n_cells
    if n_cells > 2:
        design = np.column_stack([array[:, ::-1], np.ones(n_cells)])
        miss = design @ np.linalg.lstsq(design, pixels, rcond=None)[0] - pixels
        step = 1000 / np.sqrt(3 * n_cells)
        assert np.sqrt((miss**2).sum(axis=1).mean()) < step


def test_cells_on_one_line_get_places() -> None:
    pixels = np.column_stack([np.linspace(0, 500, 60), np.zeros(60)])
    assert len(np.unique(raster_positions(pixels), axis=0)) == 60


def test_thousand_cells_on_one_place_are_refused() -> None:
    with pytest.raises(SectionFormatError, match="place of its own") as caught:
        raster_positions(np.zeros((1000, 2)))
    assert caught.value.code == "R10"
