"""Our own exports are read again with their origins, to look at and not to enhance."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pytest

import stentrans
from stentrans import export
from stentrans.errors import SectionFormatError
from stentrans.section import lattice_of, measured_values, notes_of, refusal_of


@pytest.fixture(params=["out.h5ad", "out.csv", "out.zip", "out.zarr.zip"])
def again(request, tmp_path, hexagonal_section) -> tuple[stentrans.Enhancement, ad.AnnData]:
    """A result, and what is read from a file of it."""
    enhancement = stentrans.enhance(hexagonal_section, method="linear")
    enhancement.write(tmp_path / request.param)
    return enhancement, stentrans.read(tmp_path / request.param)


def test_origins_places_and_values_come_back(again):
    enhancement, read = again
    sites = enhancement.sites
    assert list(read.obs_names) == list(sites.index)
    assert list(read.obs["origin"]) == list(sites["origin"])
    np.testing.assert_array_equal(
        read.obs[["array_row", "array_col"]], sites[["array_row", "array_col"]]
    )
    np.testing.assert_allclose(read.obsm["spatial"], sites[["x_px", "y_px"]])
    values = measured_values(read, list(read.var_names))
    np.testing.assert_allclose(
        values, enhancement.expression(list(read.var_names)), rtol=1e-6, atol=1e-6
    )


def test_reader_says_that_it_is_a_result_and_nothing_else(again):
    _, read = again
    about_pictures = {"T6", "T20"}  # there are none
    (note,) = [one for one in notes_of(read) if one.code not in about_pictures]
    assert note.sentence == (
        "A result of stentrans, to look at, not to enhance again: 41 measured, 117 inserted, 7 gap."
    )


def test_result_is_not_enhanced_as_if_it_were_measured(again):
    _, read = again
    assert "Open the section it was made from" in refusal_of(read)
    with pytest.raises(SectionFormatError, match=r"this is a result of it \(41 measured"):
        stentrans.enhance(read)


def test_lattice_is_that_of_the_measured_spots(again, hexagonal_section):
    _, read = again
    found, expected = lattice_of(read), lattice_of(hexagonal_section)
    assert found.kind == expected.kind
    np.testing.assert_allclose(found.to_pixels.matrix, expected.to_pixels.matrix, atol=1e-6)


def test_expected_counts_of_a_result_are_never_taken_for_counts(hexagonal_section, tmp_path):
    # The nearest spot's counts are whole numbers.
    made = stentrans.enhance(hexagonal_section, method="nearest")
    export.write(made, tmp_path / "out.h5ad", scale="counts")
    read = stentrans.read(tmp_path / "out.h5ad")
    assert refusal_of(read) is not None
    assert "values" in str(read.uns["stentrans"]["X_is"])


def test_column_named_origin_that_means_something_else_is_left_alone(hexagonal_section, tmp_path):
    hexagonal_section.obs["origin"] = "Uppsala"
    hexagonal_section.write_h5ad(tmp_path / "mine.h5ad")
    read = stentrans.read(tmp_path / "mine.h5ad")
    assert read.obs["array_row"].dtype == np.int64
    assert refusal_of(read) is None


def test_result_survives_a_second_way_through_a_file(again, tmp_path):
    _, read = again
    read.write_h5ad(tmp_path / "second.h5ad")
    second = stentrans.read(tmp_path / "second.h5ad")
    assert list(second.obs["origin"]) == list(read.obs["origin"])
    assert refusal_of(second) is not None
