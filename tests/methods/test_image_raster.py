"""The section as an image, whole and thinned."""

from __future__ import annotations

import numpy as np
import pytest

from stentrans.lattice import fit_lattice
from stentrans.methods.image_raster import full_raster, thinned_raster


def shown_spots(raster) -> np.ndarray:
    """Spots that measured cells show, in the order of the cells' spots."""
    flat = raster.cells @ np.array([raster.shape[1], 1])
    return np.asarray(raster.weights[flat].argmax(axis=1)).ravel()


def test_thinning_a_hexagonal_lattice_keeps_even_q_and_even_r(hexagonal_array):
    lattice = fit_lattice(hexagonal_array)
    kept = shown_spots(thinned_raster(lattice))
    lines = lattice.axial - lattice.axial.min(axis=0)
    np.testing.assert_array_equal(np.sort(kept), np.flatnonzero((lines % 2 == 0).all(axis=1)))
    # A hexagonal lattice again, twice as wide; thinned as if it were square it would not be.
    again = fit_lattice(hexagonal_array[kept])
    assert (again.kind, again.step) == ("hexagonal", (2, 2))


def test_thinning_a_square_lattice_keeps_even_rows_and_columns(square_array):
    kept = shown_spots(thinned_raster(fit_lattice(square_array)))
    np.testing.assert_array_equal(np.sort(kept), np.flatnonzero((square_array % 2 == 0).all(1)))


def test_thinned_cells_lie_on_every_second_cell_of_the_whole(hexagonal_array):
    lattice = fit_lattice(hexagonal_array)
    whole, thinned = full_raster(lattice), thinned_raster(lattice)
    np.testing.assert_array_equal(whole.cells[shown_spots(thinned)], 2 * thinned.cells)


def test_image_shows_measured_values_as_they_are(hexagonal_array, rng):
    lattice = fit_lattice(hexagonal_array)
    values = rng.random((len(hexagonal_array), 2), dtype=np.float32)
    raster = full_raster(lattice)
    image = raster.images(values)
    np.testing.assert_array_equal(image[:, raster.cells[:, 0], raster.cells[:, 1]], values.T)
    assert raster.mask.sum() == len(hexagonal_array)


def test_lost_spot_holds_what_lies_around_it_but_is_not_marked(square_array):
    lost = (square_array == (2, 3)).all(axis=1)
    raster = full_raster(fit_lattice(square_array[~lost]))
    slope = (10.0 * square_array[~lost].sum(axis=1, keepdims=True)).astype(np.float32)
    assert raster.images(slope)[0, 2, 3] == pytest.approx(50)
    assert not raster.mask[2, 3]


def test_single_row_is_thinned_along_itself():
    lattice = fit_lattice(np.column_stack([np.full(9, 4), np.arange(9)]))
    assert full_raster(lattice).shape == (1, 9)
    thinned = thinned_raster(lattice)
    assert thinned.shape == (1, 5)
    np.testing.assert_array_equal(shown_spots(thinned), [0, 2, 4, 6, 8])


def test_section_without_a_spot_on_even_lines_still_has_a_thinned_image():
    # Two lines that meet no even crossing: (odd, any) and (any, odd).
    array = np.array([[0, 1], [1, 0], [1, 2], [3, 1], [2, 3], [1, 4]])
    assert thinned_raster(fit_lattice(array)).mask.sum() == 1
