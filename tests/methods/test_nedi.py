"""Edge-directed interpolation follows edges, and averages where there are none."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from stentrans.lattice import enhanced_sites, fit_lattice
from stentrans.methods.base import FitOptions
from stentrans.methods.edge_directed import EdgeDirected
from stentrans.methods.nedi import Nedi
from stentrans.methods.registry import load


def hexagonal(n_rows: int, n_cols: int) -> np.ndarray:
    """array_row, array_col with Visium parity."""
    row, place = np.indices((n_rows, n_cols)).reshape(2, -1)
    return np.column_stack([row, 2 * place + row % 2])


def error_beside_an_edge(name: str, array: np.ndarray, normal: tuple[float, float]) -> float:
    """Mean squared error at inserted sites of counts that step up across an oblique line."""
    lattice = fit_lattice(array)
    middle = lattice.plane(array).mean(axis=0)

    def truth(positions: np.ndarray) -> np.ndarray:
        across = (lattice.plane(positions) - middle) @ np.array(normal)
        return 100 + 900 / (1 + np.exp(-3 * across))

    here = np.round(truth(array))
    counts = csr_matrix(np.column_stack([here, 10_000 - here]).astype(np.float32))
    sites = enhanced_sites(lattice, 2)
    inner = np.abs(lattice.plane(sites.array) - middle).max(axis=1) < 5
    asked = sites.array[(sites.spot < 0) & inner]
    fitted = load(name).fit(counts, lattice, FitOptions())
    found = fitted.decoder.decode(fitted.predict(asked), np.array([0]), "counts")[:, 0]
    return float(np.square(found - truth(asked)).mean())


@pytest.mark.parametrize("normal", [(0.8, 0.6), (-0.6, 0.8), (0.71, 0.71)])
@pytest.mark.parametrize("array", [np.argwhere(np.ones((20, 20))), hexagonal(22, 20)])
def test_oblique_edge_is_followed_better_than_by_linear_interpolation(array, normal):
    nedi = error_beside_an_edge("nedi", array, normal)
    assert nedi < 0.8 * error_beside_an_edge("linear", array, normal)


@pytest.mark.parametrize("kind", ["square", "hexagonal"])
def test_constant_stays_constant(kind, request):
    array = request.getfixturevalue(f"{kind}_array")
    counts = csr_matrix(np.full((len(array), 2), 7, np.float32))
    lattice = fit_lattice(array)
    fitted = Nedi().fit(counts, lattice, FitOptions())
    prediction = fitted.predict(enhanced_sites(lattice, 2).array)
    found = fitted.decoder.decode(prediction, np.arange(2), "counts")
    np.testing.assert_allclose(found, 7, rtol=1e-5)


def test_small_section_falls_back_to_plain_averages():
    mask = np.ones((3, 3), bool)
    images = np.arange(9, dtype=np.float32).reshape(1, 3, 3) ** 2
    fine = EdgeDirected(8, is_hexagonal=False).double(images, mask, 1)[0]
    np.testing.assert_array_equal(fine[::2, ::2], images[0])
    assert fine[1, 1] == pytest.approx((0 + 1 + 9 + 16) / 4)
    assert fine[1, 0] == pytest.approx((0 + 9) / 2)
    assert fine[0, 1] == pytest.approx((0 + 1) / 2)


def test_hexagonal_fallback_is_the_mean_of_both_ends():
    mask = np.ones((3, 3), bool)
    images = np.arange(9, dtype=np.float32).reshape(1, 3, 3) ** 2
    fine = EdgeDirected(8, is_hexagonal=True).double(images, mask, 1)[0]
    assert fine[1, 1] == pytest.approx((1 + 9) / 2)  # cells (0, 1) and (1, 0) are neighbours


def test_spots_off_tissue_do_not_enter_an_average():
    mask = np.array([[True, True], [True, False]])
    images = np.array([[[2.0, 4.0], [6.0, 999.0]]], np.float32)
    fine = EdgeDirected(8, is_hexagonal=False).double(images, mask, 1)[0]
    assert fine[1, 1] == pytest.approx(4)
    assert fine[1, 2] == pytest.approx(4)


def test_value_stays_within_its_four_neighbours(rng):
    images = rng.poisson(2.0, (5, 16, 16)).astype(np.float32)
    fine = EdgeDirected(8, is_hexagonal=False).double(images, np.ones((16, 16), bool), 1)
    corners = [images[:, a : 15 + a, b : 15 + b] for a in (0, 1) for b in (0, 1)]
    middles = fine[:, 1:-1:2, 1:-1:2]
    assert (middles >= np.min(corners, axis=0) - 1e-5).all()
    assert (middles <= np.max(corners, axis=0) + 1e-5).all()


def test_genes_do_not_depend_on_each_other(rng):
    images = rng.poisson(5.0, (4, 14, 14)).astype(np.float32)
    upscaler, mask = EdgeDirected(8, is_hexagonal=False), np.ones((14, 14), bool)
    together = upscaler.double(images, mask, 1)
    np.testing.assert_allclose(upscaler.double(images[2:3], mask, 1)[0], together[2], rtol=1e-6)
