from __future__ import annotations

import numpy as np
import pytest

from stentrans.errors import ShapeError
from stentrans.evaluation.smoothing import MoranCheck, moran_check, smoothers
from stentrans.evaluation.spatial import adjacency
from stentrans.lattice import Lattice, fit_lattice


@pytest.fixture
def lattice() -> Lattice:
    row, place = np.meshgrid(np.arange(24), np.arange(20), indexing="ij")
    return fit_lattice(np.column_stack([row.ravel(), (2 * place + row % 2).ravel()]))


def check(lattice: Lattice, measured: np.ndarray, shown: np.ndarray) -> MoranCheck:
    adjacent = adjacency(lattice, np.arange(lattice.n_spots))
    windows = smoothers(lattice.plane(lattice.array))
    return moran_check(measured, shown, adjacent, windows=windows)


def test_pattern_is_above_both_nulls(lattice: Lattice, rng: np.random.Generator) -> None:
    wave = np.sin(lattice.array[:, 0] / 4)
    found = check(lattice, wave + rng.normal(0, 0.5, len(wave)), wave)
    assert found.before > found.before_null
    assert found.after > found.after_null


def test_smoothed_noise_is_alike_but_not_above_its_null(
    lattice: Lattice, rng: np.random.Generator
) -> None:
    noise = rng.normal(size=lattice.n_spots)
    window = smoothers(lattice.plane(lattice.array))[3]
    found = check(lattice, noise, window @ noise)
    assert found.after > 0.7  # would look like a strong pattern
    assert found.after < found.after_null + 0.03
    assert abs(found.before) < 0.15


def test_windows_are_means_that_grow(lattice: Lattice) -> None:
    windows = smoothers(lattice.plane(lattice.array))
    assert all(np.allclose(window.sum(1), 1) for window in windows)
    sizes = [window.nnz for window in windows]
    assert sizes == sorted(sizes)


def test_gene_that_does_not_vary_scores_zero(lattice: Lattice) -> None:
    flat = np.ones(lattice.n_spots)
    assert check(lattice, flat, flat) == MoranCheck(0.0, 0.0, 0.0, 0.0)


def test_values_of_other_spots_are_refused(lattice: Lattice) -> None:
    with pytest.raises(ShapeError, match="for 480 spots"):
        check(lattice, np.ones(3), np.ones(3))
