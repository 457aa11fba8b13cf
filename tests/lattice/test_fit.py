"""Which lattice is found for full, thinned, mirrored and odd sections."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from stentrans.errors import ParameterError, ShapeError
from stentrans.lattice import fit_lattice

KINDS = {
    "grid50_human_breast_like_MSTI": "square",
    "st2k_mouse_hippo1": "staggered",
    "st_human_her2st_B1": "square",
    "st_human_melanoma_mel1_rep1": "square",
    "st_mouse_ob_Rep11": "square",
    "visium_human_dlpfc_Br8325_ant": "hexagonal",
    "visium_human_prostate_NP": "hexagonal",
    "visium_mouse_brain_coronal": "hexagonal",
    "visium_mouse_muscle_Vis7B_5dpi": "hexagonal",
}
PHASES = [(0, 0), (0, 1), (1, 0), (1, 1)]


def thin(lattice, phase):
    """Positions of a phase, cut as the strict hold-out cuts them."""
    axial = lattice.axial - lattice.axial.min(axis=0)
    return lattice.array[(axial % 2 == phase).all(axis=1)]


def nearest_distance(lattice):
    plane = lattice.plane(lattice.array)
    return np.median(cKDTree(plane).query(plane, 2)[0][:, 1])


@pytest.mark.parametrize(("name", "kind"), KINDS.items(), ids=list(KINDS))
def test_kind_of_real_section_is_found(real_section, name, kind):
    array, pixels = real_section(name)
    lattice = fit_lattice(array, pixels)
    assert lattice.kind == kind
    assert lattice.step == (1, 1)
    assert lattice.residual < 0.1


@pytest.mark.parametrize("phase", PHASES, ids=str)
@pytest.mark.parametrize("name", KINDS)
def test_thinned_real_section_keeps_kind_with_doubled_step(real_section, name, phase):
    array, _ = real_section(name)
    full = fit_lattice(array)
    thinned = fit_lattice(thin(full, phase))
    assert thinned.kind == full.kind
    assert thinned.step == (2, 2)
    assert nearest_distance(thinned) == pytest.approx(1.0)


@pytest.mark.parametrize("phase", PHASES, ids=str)
@pytest.mark.parametrize("shape", ["square", "hexagonal"])
def test_thinned_lattice_has_pitch_one(full_arrays, shape, phase):
    full = fit_lattice(full_arrays[shape])
    thinned = fit_lattice(thin(full, phase))
    assert (thinned.kind, thinned.step) == (shape, (2, 2))
    plane = thinned.plane(thinned.array)
    pairs = thinned.neighbours()
    np.testing.assert_allclose(np.linalg.norm(plane[pairs[:, 0]] - plane[pairs[:, 1]], axis=1), 1)


@pytest.mark.parametrize("shape", ["square", "hexagonal"])
def test_scattered_subset_keeps_kind_and_step(full_arrays, shape):
    array = full_arrays[shape]
    kept = np.random.default_rng(3).permutation(len(array))[: len(array) // 2]
    lattice = fit_lattice(array[kept])
    assert (lattice.kind, lattice.step) == (shape, (1, 1))


def test_odd_parity_is_hexagonal_too(full_hexagonal_array):
    lattice = fit_lattice(full_hexagonal_array + np.array([0, 1]))
    assert lattice.kind == "hexagonal"
    np.testing.assert_allclose(lattice.to_array(lattice.axial), lattice.array)


def test_pixels_tell_staggered_from_hexagonal(full_hexagonal_array):
    assert (
        fit_lattice(full_hexagonal_array, full_hexagonal_array[:, ::-1] * 100.0).kind == "staggered"
    )
    assert (
        fit_lattice(full_hexagonal_array, full_hexagonal_array[:, ::-1] * [100, 173.0]).kind
        == "hexagonal"
    )


def test_array_indices_as_pixels_leave_the_kind_open(full_hexagonal_array):
    assert fit_lattice(full_hexagonal_array, full_hexagonal_array.astype(float)).kind == "hexagonal"


def test_half_the_rows_of_visium_are_hexagonal_by_their_pixels(full_hexagonal_array):
    array = full_hexagonal_array[full_hexagonal_array[:, 0] % 2 == 0]
    pixels = array[:, ::-1] * [100.0, 173.2]
    lattice = fit_lattice(array, pixels)
    assert (lattice.kind, lattice.step) == ("hexagonal", (1, 2))
    assert fit_lattice(array).kind == "square"


@pytest.mark.parametrize("mirror", [False, True], ids=["upright", "mirrored"])
@pytest.mark.parametrize("turn", [0.0, 0.7, 3.0])
def test_pixel_map_recovers_turned_and_mirrored_slides(full_hexagonal_array, turn, mirror):
    flat = fit_lattice(full_hexagonal_array).plane(full_hexagonal_array) * 240
    flat *= [-1 if mirror else 1, 1]
    cos, sin = np.cos(turn), np.sin(turn)
    pixels = flat @ np.array([[cos, sin], [-sin, cos]]) + [5000, -300]
    lattice = fit_lattice(full_hexagonal_array, pixels)
    assert lattice.is_mirrored is mirror
    assert lattice.residual == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(lattice.to_pixels(full_hexagonal_array), pixels, atol=1e-6)
    np.testing.assert_allclose(lattice.to_pixels.inverse()(pixels), full_hexagonal_array, atol=1e-6)


@pytest.mark.parametrize("pitch_um", [None, 200.0])
def test_residual_is_in_pitches_whatever_the_pitch_in_um(square_array, pitch_um):
    noise = np.random.default_rng(0).normal(0, 30, (len(square_array), 2))
    lattice = fit_lattice(square_array, square_array * 300.0 + noise, pitch_um=pitch_um)
    assert lattice.residual == pytest.approx(0.1 * np.sqrt(2), rel=0.25)


def test_to_um_has_the_pitch_between_neighbours_and_y_down(full_hexagonal_array):
    lattice = fit_lattice(full_hexagonal_array, pitch_um=100.0)
    um = lattice.to_um(lattice.array)
    pairs = lattice.neighbours()
    np.testing.assert_allclose(np.linalg.norm(um[pairs[:, 0]] - um[pairs[:, 1]], axis=1), 100.0)
    assert lattice.to_um([[1, 0]])[0, 1] > lattice.to_um([[0, 0]])[0, 1]


def test_to_um_of_thinned_section_keeps_the_native_pitch(square_array):
    lattice = fit_lattice(square_array[(square_array % 2 == 0).all(axis=1)], pitch_um=200.0)
    np.testing.assert_allclose(lattice.to_um([[2, 0]]), [[0.0, 400.0]])


@pytest.mark.parametrize("array", [[[5, c] for c in range(9)], [[r, 3] for r in range(0, 30, 3)]])
def test_one_line_of_spots_has_a_lattice_and_pixels(array):
    pixels = np.array(array) @ [[0.0, 100.0], [100.0, 0.0]] + 7
    lattice = fit_lattice(array, pixels)
    assert lattice.kind == "square"
    assert len(lattice.neighbours()) == len(array) - 1
    np.testing.assert_allclose(lattice.to_pixels(array), pixels, atol=1e-6)
    assert lattice.to_pixels.determinant != 0


def test_single_spot_has_a_lattice():
    lattice = fit_lattice([[4, 5]])
    assert lattice.neighbours().shape == (0, 2)


def test_fitting_leaves_the_input_writable_and_unchanged(square_array):
    before = square_array.copy()
    fit_lattice(square_array, square_array * 100.0)
    np.testing.assert_array_equal(square_array, before)
    assert square_array.flags.writeable


@pytest.mark.parametrize(
    ("array", "pixels", "error", "match"),
    [
        ([[1, 2, 3]], None, ShapeError, r"\(n_spots, 2\)"),
        (np.zeros((0, 2)), None, ShapeError, "at least one spot"),
        ([[0.5, 1.0]], None, ParameterError, "whole numbers"),
        ([[np.nan, 1.0]], None, ParameterError, "whole numbers"),
        ([[1, 1], [1, 1]], None, ParameterError, "2 spots share 1 positions"),
        ([[0, 0], [90000, 90000]], None, ParameterError, "no array positions"),
        ([[0, 0], [0, 1]], [[0, 0]], ShapeError, r"\(2, 2\)"),
        ([[0, 0], [0, 1]], [[0, 0], [0, np.inf]], ParameterError, "finite"),
    ],
    ids=["columns", "empty", "fraction", "nan", "twice", "far", "pixel-shape", "pixel-inf"],
)
def test_bad_positions_are_refused(array, pixels, error, match):
    with pytest.raises(error, match=match):
        fit_lattice(array, pixels)


def test_bad_pitch_is_refused(square_array):
    with pytest.raises(ParameterError, match="pitch_um must be between"):
        fit_lattice(square_array, pitch_um=0.0)
