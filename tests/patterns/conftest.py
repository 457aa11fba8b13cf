"""Sections with and without patterns; not to be changed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

import stentrans
from stentrans.evaluation.holdout import hidden_folds
from stentrans.lattice import fit_lattice
from stentrans.section import simulated_truth


@pytest.fixture(scope="session")
def section():
    """A simulated section of known patterns: about 450 spots, 300 genes."""
    return stentrans.simulate(seed=2)


@pytest.fixture(scope="session")
def known_section(section):
    """The same tissue, but genes of the family Flat have the same share of the counts everywhere.

    In `section` their share falls where others rise, because shares add up to 1.
    """
    known = section.copy()
    share = simulated_truth(known, known.obs[["array_row", "array_col"]].to_numpy())
    flat = (known.var["family"] == "Flat").to_numpy()
    share[:, flat] = share[:, flat].mean(0)
    share[:, ~flat] *= ((1 - share[:, flat].sum(1)) / share[:, ~flat].sum(1))[:, None]
    rng = np.random.default_rng(4)
    library = np.asarray(known.X.sum(1))
    rate = library * share * rng.gamma(10, 0.1, share.shape)
    known.X = csr_matrix(rng.poisson(rate).astype(np.float32))
    return known


@pytest.fixture(scope="session")
def lattice():
    """A hexagonal lattice of 12 x 11 spots."""
    row, place = np.meshgrid(np.arange(12), np.arange(11), indexing="ij")
    return fit_lattice(np.column_stack([row.ravel(), (2 * place + row % 2).ravel()]))


@pytest.fixture(scope="session")
def flat_section(section):
    """Poisson counts of one composition; the depth falls to a tenth from one side to the other."""
    flat = section.copy()
    rng = np.random.default_rng(5)
    share = rng.dirichlet(np.full(flat.n_vars, 0.7))
    across = flat.obs["array_col"].to_numpy() / flat.obs["array_col"].max()
    flat.X = csr_matrix(rng.poisson(8000 * 0.1 ** across[:, None] * share).astype(np.float32))
    return flat


@pytest.fixture(scope="session")
def permuted_section(section):
    """The same counts, spots at each other's places: nothing varies in space."""
    permuted = section.copy()
    permuted.X = permuted.X[np.random.default_rng(6).permutation(permuted.n_obs)]
    return permuted


@pytest.fixture(scope="session")
def linear_fit(known_section):
    """Enhancement and test on hidden spots of the known section, by the quickest method."""
    return enhance_and_hide(known_section)


@pytest.fixture(scope="session")
def linear_fit_of_nothing(permuted_section):
    """The same of a section whose spots are permuted."""
    return enhance_and_hide(permuted_section)


def enhance_and_hide(section):
    return stentrans.enhance(section, method="linear"), hidden_folds(section, method="linear")
