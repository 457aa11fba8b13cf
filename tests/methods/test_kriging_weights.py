"""Weights against the written-out formula, and loadings that fit them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csc_matrix
from scipy.spatial.distance import cdist

from stentrans.lattice import fit_lattice
from stentrans.methods.factor_kriging import matern
from stentrans.methods.kriging_weights import SETTINGS, KrigingWeights, in_blocks


@pytest.fixture
def plane(square_array):
    lattice = fit_lattice(square_array)
    return lattice.plane(lattice.array)


def test_weights_are_those_of_simple_kriging(plane, rng):
    few = plane[:20]
    site = np.array([[1.3, 0.6]])
    row = KrigingWeights(few, np.arange(20)).at(site).toarray()[0]
    for block, (length, nugget) in enumerate(SETTINGS):
        system = matern(cdist(few, few), length) + nugget * np.eye(20)
        expected = np.linalg.solve(system, matern(cdist(few, site), length)[:, 0])
        np.testing.assert_allclose(row[block * 20 : (block + 1) * 20], expected, atol=1e-6)
        assert row[20 * len(SETTINGS) + block] == pytest.approx(1 - expected.sum(), abs=1e-6)


def test_left_out_spot_has_no_weight_on_itself(plane):
    spots = np.array([3, 17, 40])
    weights = KrigingWeights(plane, np.arange(len(plane))).left_out(spots)
    for block in range(len(SETTINGS)):
        own = weights[np.arange(3), block * len(plane) + spots]
        np.testing.assert_array_equal(np.asarray(own).ravel(), 0)


def test_spot_without_information_has_no_weight(plane):
    informed = np.delete(np.arange(len(plane)), 10)
    weights = KrigingWeights(plane, informed).at(plane[[10]])
    for block in range(len(SETTINGS)):
        assert weights[0, block * len(plane) + 10] == 0


def test_block_and_mean_of_the_chosen_setting_are_used(plane, rng):
    values = rng.poisson(1.0, (len(plane), 4)).astype(np.float32)
    mean, setting = np.array([1.0, 2.0, 3.0, 4.0]), np.array([5, 0, 2, 0])
    weights = KrigingWeights(plane, np.arange(len(plane))).at(plane[:6] + 0.4)
    kriged = (weights @ in_blocks(csc_matrix(values), mean, setting)).toarray()
    dense = weights.toarray()
    for gene, block in enumerate(setting):
        part = dense[:, block * len(plane) : (block + 1) * len(plane)]
        left = 1 - part.sum(axis=1)
        np.testing.assert_allclose(
            kriged[:, gene], part @ values[:, gene] + left * mean[gene], atol=1e-5
        )
