"""Depth apart from composition; noise in, nothing out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

import stentrans
from stentrans.errors import ParameterError
from stentrans.lattice import fit_lattice
from stentrans.methods.base import FitOptions
from stentrans.methods.factors import find_factors, observe
from stentrans.methods.prior import Prior


@pytest.fixture
def grid() -> np.ndarray:
    """array_row, array_col of 14 x 14 spots."""
    return np.stack(np.meshgrid(np.arange(14), np.arange(14)), -1).reshape(-1, 2)


def test_depth_alone_makes_no_factor(grid, rng):
    share = rng.dirichlet(np.full(300, 2.0))
    library = 2000 * np.exp(np.sin(grid[:, 0] / 3) + rng.normal(0, 0.1, len(grid)))
    counts = csr_matrix(rng.poisson(library[:, None] * share).astype(np.float32))
    observed = observe(counts, fit_lattice(grid), 0.1)
    factors, _ = find_factors(observed, 5, 0)
    # Not exactly 0: pooled shares are estimates. Plain log values give a first factor of 0.9.
    for factor in factors.T:
        assert abs(np.corrcoef(factor, np.log(library))[0, 1]) < 0.4


def test_permuted_spots_predict_almost_nothing():
    section = stentrans.simulate(n_rows=20, n_cols=40, seed=1)
    array = section.obs[["array_row", "array_col"]].to_numpy()
    lattice, order = fit_lattice(array), np.random.default_rng(0).permutation(len(array))
    variances = []
    for counts in (section.X, section.X[order]):
        fitted = Prior().fit(counts, lattice, FitOptions())
        values = fitted.decoder.decode(
            fitted.predict(array + 0.5), np.arange(section.n_vars), "composition"
        )
        variances.append(values.var(0).mean())
    assert variances[1] < 0.03 * variances[0]


def test_too_few_seen_genes_are_refused(grid):
    counts = np.zeros((len(grid), 5), np.float32)
    counts[:, 0] = 3
    with pytest.raises(ParameterError, match=r"At least 2 genes must be seen .* 1 are"):
        Prior().fit(csr_matrix(counts), fit_lattice(grid), FitOptions())


def test_settings_out_of_range_are_refused(grid, rng):
    counts = csr_matrix(rng.poisson(2.0, (len(grid), 5)).astype(np.float32))
    with pytest.raises(ParameterError, match="rank must be between 1 and 200; got 0"):
        Prior().fit(counts, fit_lattice(grid), FitOptions(settings={"rank": 0}))
