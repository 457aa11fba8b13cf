"""Interpolation as a method: hold-out errors and agreement with scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import griddata
from scipy.sparse import csr_matrix

from stentrans.lattice import fit_lattice
from stentrans.methods.base import FitOptions
from stentrans.methods.interpolation import Cubic, Linear, Nearest
from stentrans.preprocess import log_normalise

GENES = np.arange(12)


def test_linear_agrees_with_griddata_on_a_hexagonal_lattice(hexagonal_counts, hexagonal_array, rng):
    lattice = fit_lattice(hexagonal_array)
    fitted = Linear().fit(hexagonal_counts, lattice, FitOptions())
    sites = rng.uniform([0, 1], [5, 4], (40, 2))
    values = log_normalise(hexagonal_counts, fitted.decoder.target).toarray()
    expected = griddata(lattice.plane(lattice.array), values, lattice.plane(sites))
    found = fitted.decoder.decode(fitted.predict(sites), GENES, "log")
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("method", [Nearest, Linear, Cubic])
def test_log_library_is_interpolated_with_the_same_weights(method, square_counts, square_array):
    fitted = method().fit(square_counts, fit_lattice(square_array), FitOptions())
    prediction = fitted.predict(np.array([[2.5, 3.0], [2.0, 3.0]]))
    log_library = np.log(np.asarray(square_counts.sum(axis=1)).ravel())
    np.testing.assert_allclose(prediction.log_library, prediction.factors @ log_library, rtol=1e-5)


def test_sd_is_the_error_at_left_out_spots(square_array, rng):
    # Gene 0 is a plane, which linear interpolation predicts; gene 1 is noise.
    plane = 200 + 10 * square_array.sum(axis=1)
    noise = rng.integers(0, 400, len(square_array))
    rest = 10_000 - plane - noise
    counts = csr_matrix(np.column_stack([plane, noise, rest]).astype(np.float32))
    fitted = Linear().fit(counts, fit_lattice(square_array), FitOptions())
    sd = fitted.decoder.sd(fitted.predict(square_array[:1].astype(float)), np.arange(3))[0]
    assert sd[1] > 10 * sd[0]
    spread = log_normalise(counts, fitted.decoder.target).toarray().std(axis=0)
    assert 0.9 * spread[1] < sd[1] < 2 * spread[1]


def test_seed_moves_the_folds_but_not_the_values(square_counts, square_array):
    lattice, sites = fit_lattice(square_array), np.array([[1.5, 2.0]])
    first, second = (Linear().fit(square_counts, lattice, FitOptions(seed=s)) for s in (0, 1))
    one, two = first.predict(sites), second.predict(sites)
    np.testing.assert_array_equal(
        first.decoder.decode(one, GENES, "log"), second.decoder.decode(two, GENES, "log")
    )
    assert (first.decoder.sd(one, GENES) != second.decoder.sd(two, GENES)).any()


def test_cubic_values_never_fall_below_zero(square_array):
    counts = np.zeros((len(square_array), 2), np.float32)
    counts[:, 1] = 50
    counts[24, 0] = 40
    fitted = Cubic().fit(csr_matrix(counts), fit_lattice(square_array), FitOptions())
    sites = square_array[24] + np.array([[0.0, 1.5], [1.5, 0.0], [0.0, 0.5]])
    values = fitted.decoder.decode(fitted.predict(sites), np.array([0]), "log")[:, 0]
    np.testing.assert_array_equal(values[:2], 0)
    assert values[2] > 0
