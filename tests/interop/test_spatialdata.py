"""The zip of SpatialData, read by spatialdata itself: circles, pictures and table fit."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

import stentrans
from tests.interop.conftest import HIRES

sd = pytest.importorskip("spatialdata", reason="runs in the environment of .ci/interop.txt")
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def read(enhancement: stentrans.Enhancement, tmp_path_factory: pytest.TempPathFactory):
    folder: Path = tmp_path_factory.mktemp("zarr")
    enhancement.write(folder / "out.zarr.zip")
    with zipfile.ZipFile(folder / "out.zarr.zip") as archive:
        archive.extractall(folder)
    return sd.read_zarr(folder / "out.zarr")


def test_elements_share_the_coordinate_system_of_the_section(read):
    assert read.coordinate_systems == ["slide A_left"]
    assert {name for _, name, _ in read.gen_elements()} == {"hires", "lowres", "sites", "table"}


def test_table_annotates_the_circles(read, enhancement):
    table = read.tables["table"]
    assert list(table.obs["origin"]) == list(enhancement.sites["origin"])
    np.testing.assert_allclose(
        table.X, enhancement.expression(list(table.var_names)), rtol=1e-6, atol=1e-6
    )
    joined, _ = sd.join_spatialelement_table(
        sdata=read, spatial_element_names="sites", table_name="table"
    )
    assert len(joined["sites"]) == table.n_obs


def test_circles_lie_on_the_discs_of_the_picture(read, enhancement):
    n_spots = int((enhancement.sites["origin"] == "measured").sum())
    circles = sd.transform(read.shapes["sites"], to_coordinate_system="slide A_left")
    to_picture = (
        sd.transformations.get_transformation(
            read.images["hires"], to_coordinate_system="slide A_left"
        )
        .inverse()
        .to_affine_matrix(("x", "y"), ("x", "y"))
    )
    centres = np.column_stack([circles.geometry.x, circles.geometry.y, np.ones(len(circles))])
    x, y = np.rint(centres @ to_picture.T).astype(int)[:n_spots, :2].T
    picture = read.images["hires"].to_numpy()
    np.testing.assert_array_equal(picture[0, y, x], np.arange(n_spots) % 200)
    assert circles.radius.iloc[0] == 60.0 / 4
    assert to_picture[0, 0] == HIRES
