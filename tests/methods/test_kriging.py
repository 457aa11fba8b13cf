"""Kriging gene by gene: the setting follows the gene, the sd its left-out spots."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from stentrans.lattice import fit_lattice
from stentrans.methods.base import FitOptions
from stentrans.methods.kriging import Kriging
from stentrans.methods.kriging_weights import SETTINGS
from stentrans.preprocess import log_normalise


@pytest.fixture
def lattice():
    row, col = np.meshgrid(np.arange(16), np.arange(18), indexing="ij")
    return fit_lattice(np.column_stack([row.ravel(), col.ravel()]))


@pytest.fixture
def counts(lattice, rng):
    """A smooth wave, pure noise and a filler that keeps the library size constant."""
    row, col = lattice.array.T
    wave = np.rint(300 + 200 * np.sin(row / 4) * np.cos(col / 5))
    noise = rng.integers(0, 500, lattice.n_spots)
    return csr_matrix(np.column_stack([wave, noise, 2_000 - wave - noise]).astype(np.float32))


@pytest.fixture
def fitted(counts, lattice):
    return Kriging().fit(counts, lattice, FitOptions())


def test_smooth_gene_is_followed_and_noise_is_not(fitted, counts, lattice):
    values = log_normalise(counts, 2_000).toarray()
    kriged = fitted.decoder.decode(fitted.predict(lattice.array.astype(float)), np.arange(2), "log")
    assert np.corrcoef(kriged[:, 0], values[:, 0])[0, 1] > 0.98
    assert kriged[:, 1].std() < 0.5 * values[:, 1].std()


def test_sd_is_the_error_at_left_out_spots(fitted, counts):
    sd = fitted.decoder.residual_sd
    values = log_normalise(counts, 2_000).toarray()
    assert sd[0] < 0.3 * values[:, 0].std()
    assert 0.9 * values[:, 1].std() < sd[1] < 1.2 * values[:, 1].std()


def test_loadings_stay_as_sparse_as_the_counts(fitted, counts):
    assert fitted.decoder.loadings.nnz == counts.nnz + counts.shape[1]


def test_far_from_all_spots_the_answer_is_the_mean(fitted, counts):
    far = fitted.predict(np.array([[500.0, 500.0]]))
    values = log_normalise(counts, 2_000).toarray()
    kriged = fitted.decoder.decode(far, np.arange(3), "log")
    np.testing.assert_allclose(kriged[0], values.mean(axis=0), rtol=1e-5)


def test_every_gene_has_one_setting(fitted, counts):
    used = fitted.summary["genes_per_setting"]
    assert len(used) == len(SETTINGS)
    assert sum(used) == counts.shape[1]


def test_seed_does_not_matter_where_every_spot_is_left_out_once(counts, lattice):
    sites = np.array([[3.5, 4.0]])
    first, second = (Kriging().fit(counts, lattice, FitOptions(seed=seed)) for seed in (0, 1))
    np.testing.assert_array_equal(first.decoder.residual_sd, second.decoder.residual_sd)
    np.testing.assert_array_equal(
        first.decoder.decode(first.predict(sites), np.arange(3), "log"),
        second.decoder.decode(second.predict(sites), np.arange(3), "log"),
    )
