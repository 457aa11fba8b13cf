"""Which fine cells a position reads."""

from __future__ import annotations

import numpy as np
import pytest

from stentrans.lattice import enhanced_sites, fit_lattice
from stentrans.methods.image_raster import full_raster
from stentrans.methods.image_reading import ImageReader
from stentrans.methods.weights import LinearWeights


def reader_of(array: np.ndarray) -> ImageReader:
    """Reader of a section."""
    lattice = fit_lattice(array)
    linear = LinearWeights(lattice, np.arange(lattice.n_spots))
    return ImageReader(lattice, linear, full_raster(lattice).shape)


@pytest.mark.parametrize("kind", ["square", "hexagonal"])
def test_factor_two_reads_one_fine_cell(kind, request):
    reader = reader_of(request.getfixturevalue(f"{kind}_array"))
    sites = enhanced_sites(reader.lattice, 2).array
    weights = reader(sites)
    assert (weights.getnnz(axis=1) == 1).all()
    fine = np.rint(2 * reader.lattice.to_raster(sites)) @ np.array([2 * reader.shape[1], 1])
    np.testing.assert_array_equal(weights.indices, fine)


@pytest.mark.parametrize("kind", ["square", "hexagonal"])
@pytest.mark.parametrize("factor", [3, 4])
def test_finer_sites_lie_between_fine_cells(kind, factor, request):
    reader = reader_of(request.getfixturevalue(f"{kind}_array"))
    sites = enhanced_sites(reader.lattice, factor).array
    weights = reader(sites)
    assert weights.data.min() > 0
    rows, cols = np.indices((2 * reader.shape[0], 2 * reader.shape[1])) / 2
    # A plane is read exactly, whichever cells it is read from.
    plane = (3 * rows - 2 * cols).ravel()
    inside = (reader.lattice.to_raster(sites) <= np.array(reader.shape) - 0.5).all(axis=1)
    expected = reader.lattice.to_raster(sites) @ np.array([3, -2])
    np.testing.assert_allclose((weights @ plane)[inside], expected[inside], atol=1e-5)


def test_hexagonal_cell_is_read_along_its_short_diagonal(hexagonal_array):
    reader = reader_of(hexagonal_array)
    # Half way between fine cells (1, 0) and (0, 1), which are neighbours; (0, 0), (1, 1) are not.
    weights = reader(reader.lattice.from_raster(np.array([[2.25, 2.25]])))
    assert weights.nnz == 2
    np.testing.assert_allclose(weights.data, 0.5)


def test_far_outside_the_nearest_spot_is_read(square_array):
    reader = reader_of(square_array)
    np.testing.assert_array_equal(
        reader(np.array([[40.0, 40.0]])).toarray(), reader(np.array([[5.0, 6.0]])).toarray()
    )


def test_single_row_reads_nothing_beside_itself():
    reader = reader_of(np.column_stack([np.full(9, 4), np.arange(9)]))
    np.testing.assert_array_equal(
        reader(np.array([[4.4, 2.5]])).toarray(), reader(np.array([[4.0, 2.5]])).toarray()
    )
