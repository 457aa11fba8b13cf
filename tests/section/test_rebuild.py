"""Array positions come back from pixels on both lattices, whatever their angle and size."""

from __future__ import annotations

import numpy as np
import pytest

from stentrans.lattice import fit_lattice
from stentrans.section.rebuild import rebuild_array


def hexagonal_pixels(n_rows: int, n_cols: int, pitch: float) -> tuple[np.ndarray, np.ndarray]:
    array = np.array([(r, c) for r in range(n_rows) for c in range(r % 2, n_cols, 2)])
    return array, np.column_stack([array[:, 1] / 2, array[:, 0] * np.sqrt(3) / 2]) * pitch


def square_pixels(n_rows: int, n_cols: int, pitch: float) -> tuple[np.ndarray, np.ndarray]:
    array = np.array([(r, c) for r in range(n_rows) for c in range(n_cols)])
    return array, array[:, ::-1] * pitch


@pytest.mark.parametrize("make", [hexagonal_pixels, square_pixels])
def test_upright_array_comes_back_exactly(make):
    array, pixels = make(9, 12, 137.3)
    np.testing.assert_array_equal(rebuild_array(pixels + [9000.0, -50.0]).array, array)


def test_full_slide_with_rounding_comes_back(rng):
    array, pixels = hexagonal_pixels(78, 128, 137.7)
    kept = rng.random(len(array)) < 0.7
    found = rebuild_array(np.rint(pixels)[kept])
    np.testing.assert_array_equal(found.array - found.array[0], array[kept] - array[kept][0])
    assert found.rms_px < 1.0


@pytest.mark.parametrize("angle", [3.0, 29.0, 44.0, 181.0], ids=str)
@pytest.mark.parametrize("make", [hexagonal_pixels, square_pixels])
def test_turned_array_is_the_same_lattice(make, angle):
    array, pixels = make(15, 20, 100.0)
    turn = np.deg2rad(angle)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    turned = pixels @ rotation.T
    lattice = fit_lattice(rebuild_array(turned).array, turned)
    assert lattice.kind == fit_lattice(array, pixels).kind
    assert lattice.residual < 1e-6
    assert len(lattice.neighbours()) == len(fit_lattice(array, pixels).neighbours())


def test_jitter_below_a_tenth_is_accepted(rng):
    array, pixels = square_pixels(20, 20, 100.0)
    found = rebuild_array(pixels + rng.normal(0.0, 4.0, size=pixels.shape))
    np.testing.assert_array_equal(found.array, array)


@pytest.mark.parametrize("n_spots", [1, 2, 400])
def test_scattered_points_make_no_array(rng, n_spots):
    assert rebuild_array(rng.uniform(0, 1000, size=(n_spots, 2))) is None


def test_coinciding_points_make_no_array():
    assert rebuild_array(np.zeros((40, 2))) is None
