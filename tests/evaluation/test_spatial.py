"""Structural similarity and Moran's I on lattices, against written-out formulas."""

from __future__ import annotations

import numpy as np
import pytest

from stentrans.evaluation.spatial import (
    adjacency,
    local_windows,
    morans_i,
    structural_similarity,
)
from stentrans.lattice import fit_lattice


@pytest.fixture(params=["square", "hexagonal"])
def lattice(request, square_array, hexagonal_array):
    """Both tiny lattices."""
    return fit_lattice({"square": square_array, "hexagonal": hexagonal_array}[request.param])


def grid(side):
    """Array positions of a full square lattice."""
    return np.stack(np.meshgrid(np.arange(side), np.arange(side), indexing="ij"), -1).reshape(-1, 2)


def pattern(array):
    """A wave across a square lattice, shape (n_spots, 1)."""
    return 2 + np.sin(array[:, :1] / 2.0) + np.cos(array[:, 1:] / 3.0)


def test_weights_of_a_window_add_up(lattice):
    windows = local_windows(lattice.plane(lattice.array))
    np.testing.assert_allclose(windows.sum(1), 1, atol=1e-6)


def test_same_map_has_similarity_one(lattice, rng):
    truth = rng.gamma(2.0, size=(lattice.n_spots, 5)).astype(np.float32)
    windows = local_windows(lattice.plane(lattice.array))
    np.testing.assert_allclose(structural_similarity(truth, truth, windows), 1, atol=1e-4)


def test_similarity_falls_with_shift_and_noise(rng):
    array = grid(20)
    windows, truth = local_windows(array.astype(float)), pattern(array)
    shifted, far = pattern(array + [1, 0]), pattern(array + [4, 0])
    noise = truth + rng.normal(0, 1, truth.shape)
    near, further, noisy = (
        structural_similarity(guess, truth, windows).mean() for guess in (shifted, far, noise)
    )
    assert 1 > near > further
    assert noisy < near


def test_similarity_is_that_of_the_written_out_formula(rng):
    plane = grid(6).astype(float)
    guess, truth = rng.gamma(2.0, size=(2, 36))
    c1, c2 = (0.01 * np.ptp(truth)) ** 2, (0.03 * np.ptp(truth)) ** 2
    local = []
    for spot in plane:
        distance = np.linalg.norm(plane - spot, axis=1)
        w = np.where(distance <= 5, np.exp(-(distance**2) / (2 * 1.5**2)), 0)
        x, y = np.average(guess, weights=w), np.average(truth, weights=w)
        covariance = np.cov(guess, truth, aweights=w, ddof=0)
        level = (2 * x * y + c1) / (x**2 + y**2 + c1)
        structure = (2 * covariance[0, 1] + c2) / (np.trace(covariance) + c2)
        local.append(level * structure)
    found = structural_similarity(guess[:, None], truth[:, None], local_windows(plane))
    np.testing.assert_allclose(found[:, 0], local, atol=1e-5)


def test_tissue_far_away_and_empty_cells_leave_similarity_alone(rng):
    piece = grid(8)
    guess, truth = rng.gamma(2.0, size=(2, 64, 1))
    alone = structural_similarity(guess, truth, local_windows(piece.astype(float)))
    both = np.concatenate([piece, piece + 30]).astype(float)
    twice = [np.concatenate([values, values]) for values in (guess, truth)]
    found = structural_similarity(*twice, local_windows(both))
    np.testing.assert_allclose(found, np.concatenate([alone, alone]), atol=1e-5)


def test_constant_gene_keeps_similarity_finite():
    flat = np.ones((36, 1))
    windows = local_windows(grid(6).astype(float))
    assert np.isfinite(structural_similarity(flat, flat * 0, windows)).all()


def test_morans_i_is_the_written_out_sum(lattice, rng):
    values = rng.normal(size=(lattice.n_spots, 3))
    spots = np.flatnonzero(rng.random(lattice.n_spots) < 0.8)
    kept = set(spots.tolist())
    pairs = [pair for pair in lattice.neighbours().tolist() if kept >= set(pair)]
    expected = []
    for gene in values.T:
        off = gene - gene[spots].mean()
        shared = sum(off[i] * off[j] for i, j in pairs)
        expected.append(len(spots) / len(pairs) * shared / (off[spots] ** 2).sum())
    found = morans_i(values[spots], adjacency(lattice, spots))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_morans_i_of_a_checkerboard_is_minus_one(square_array):
    lattice = fit_lattice(square_array)
    board = (square_array.sum(1) % 2).astype(float)[:, None]
    assert morans_i(board, adjacency(lattice, np.arange(42))).item() == pytest.approx(-1, abs=1e-6)


def test_morans_i_without_neighbours_or_variance_is_zero(square_array):
    lattice = fit_lattice(square_array)
    apart, all_spots = np.array([0, 2, 16]), np.arange(42)
    assert morans_i(np.arange(3.0)[:, None], adjacency(lattice, apart)).tolist() == [0]
    assert morans_i(np.ones((42, 1)), adjacency(lattice, all_spots)).tolist() == [0]
