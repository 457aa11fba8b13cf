"""zarr stores of AnnData and SpatialData load without the software that wrote them."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import zarr
from anndata.io import write_elem

from stentrans.errors import SectionFormatError
from stentrans.section import notes_of, read
from tests.section.writers import Lab

pytestmark = [
    # What anndata will write by default some day is no matter here.
    pytest.mark.filterwarnings("ignore:Writing zarr v2 data:UserWarning"),
    pytest.mark.filterwarnings("ignore:zarr v3 autosharding:UserWarning"),
]


@pytest.fixture
def lab(visium_section: ad.AnnData, tmp_path: Path) -> Lab:
    visium_section.uns.clear()
    return Lab(visium_section, tmp_path)


def write_spatial_data(lab: Lab, tables: dict[str, ad.AnnData], *, with_spatial: bool) -> Path:
    """A SpatialData store: tables, and for each a region of circles it is linked to."""
    path = lab.folder / "sample.zarr"
    root = zarr.open_group(path, mode="w")
    root.create_group("tables")
    root.create_group("images")
    for name, table in tables.items():
        table = table.copy()
        numbers = np.arange(table.n_obs)[::-1]
        table.obs["region"], table.obs["spot_id"] = pd.Categorical([name] * table.n_obs), numbers
        table.uns["spatialdata_attrs"] = {
            "region": name, "region_key": "region", "instance_key": "spot_id",
        }  # fmt: skip
        places = table.obsm["spatial"]
        if not with_spatial:
            del table.obsm["spatial"]
        write_elem(root["tables"], name, table)
        folder = path / "shapes" / name
        folder.mkdir(parents=True)
        points = [struct.pack("<BIdd", 1, 1, x, y) for x, y in places]
        frame = pd.DataFrame({"spot_id": numbers, "geometry": points, "radius": 27.5})
        frame.sample(frac=1.0, random_state=0).to_parquet(folder / "shapes.parquet", index=False)
    return path


def test_anndata_zarr_loads(lab: Lab) -> None:
    lab.section.write_zarr(lab.folder / "a.zarr")
    section = read(lab.folder / "a.zarr")
    assert (section.X != lab.section.X).nnz == 0
    assert section.obs_names.equals(lab.section.obs_names)


@pytest.mark.parametrize("with_spatial", [True, False], ids=["in the table", "in shapes"])
def test_spatial_data_loads(lab: Lab, with_spatial: bool) -> None:
    path = write_spatial_data(lab, {"liver": lab.section}, with_spatial=with_spatial)
    section = read(path)
    assert [note.code for note in notes_of(section)] == ["T6"]
    np.testing.assert_allclose(section.obsm["spatial"], lab.section.obsm["spatial"])
    assert (section.X != lab.section.X).nnz == 0


def test_zip_of_spatial_data_loads(lab: Lab) -> None:
    path = write_spatial_data(lab, {"liver": lab.section}, with_spatial=False)
    assert read(lab.zip(path, "sample.zarr/")).n_obs == lab.section.n_obs


def test_tables_are_read_one_at_a_time(lab: Lab) -> None:
    tables = {"square_008um": lab.section, "square_016um": lab.section[:50].copy()}
    path = write_spatial_data(lab, tables, with_spatial=True)
    assert read(path).n_obs == 50
    assert read(path, library="square_008um").n_obs == lab.section.n_obs
    with pytest.raises(SectionFormatError, match="must be one of square_016um, square_008um"):
        read(path, library="other")


def test_store_without_a_table_is_refused(lab: Lab) -> None:
    zarr.open_group(lab.folder / "a.zarr", mode="w").create_group("images")
    with pytest.raises(SectionFormatError, match="zarr without a table") as caught:
        read(lab.folder / "a.zarr")
    assert caught.value.code == "R5"


def test_pickled_arrays_are_refused_unopened(lab: Lab) -> None:
    lab.section.write_zarr(lab.folder / "a.zarr")
    told = {"zarr_format": 2, "filters": [{"id": "pickle", "protocol": 5}]}
    (lab.folder / "a.zarr/obs/.zarray").write_text(json.dumps(told))
    with pytest.raises(SectionFormatError, match="can run code") as caught:
        read(lab.folder / "a.zarr")
    assert caught.value.code == "R4"


def test_damaged_store_is_refused(lab: Lab) -> None:
    lab.section.write_zarr(lab.folder / "a.zarr")
    for path in (lab.folder / "a.zarr/X").rglob("*"):
        if path.is_file() and not path.name.startswith((".", "zarr")):
            path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(SectionFormatError, match="incomplete or damaged") as caught:
        read(lab.folder / "a.zarr")
    assert caught.value.code == "R3"
