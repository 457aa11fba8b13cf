"""Blocks, the sums kept of them, and the intervals they give."""

from __future__ import annotations

import numpy as np
import pytest

from stentrans.evaluation.bootstrap import (
    BlockSums,
    block_moments,
    draw_weights,
    membership,
    reach_of,
    spatial_blocks,
)
from stentrans.evaluation.metrics import pearson

N_DRAWS = 300


def sums_of(x, y, block):
    """Sums of one correlation."""
    members = membership(block, block.max() + 1)
    return BlockSums(members.sum(1), {"r": block_moments(x, y, members)})


@pytest.mark.parametrize("n_blocks", [1, 3, 10])
def test_blocks_are_of_one_size_and_compact(n_blocks, rng):
    plane = rng.uniform([0, 0], [30, 10], size=(600, 2))
    block = spatial_blocks(plane, n_blocks)
    assert np.ptp(np.bincount(block, minlength=n_blocks)) <= 2
    area = [np.ptp(plane[block == i], axis=0).prod() for i in range(n_blocks)]
    assert sum(area) < 320


def test_fewer_spots_than_blocks_are_a_block_each():
    assert sorted(spatial_blocks(np.arange(6.0).reshape(3, 2), 10)) == [0, 1, 2]


def test_every_block_once_is_the_correlation_itself(rng):
    x, y = rng.normal(size=(2, 90, 4)).astype(np.float32)
    sums = sums_of(x, y, np.arange(90) % 7)
    whole = sums.draws(np.ones((1, 7)))["r"].item()
    assert whole == pytest.approx(pearson(x, y).mean(), abs=1e-5)


def test_draw_is_the_correlation_of_the_drawn_spots(rng):
    x, y = rng.normal(size=(2, 90, 4)).astype(np.float32)
    block, weights = np.arange(90) % 7, np.array([[2, 0, 1, 3, 0, 0, 1]])
    drawn = np.repeat(np.arange(90), weights[0][block])
    expected = pearson(x[drawn], y[drawn]).mean()
    assert sums_of(x, y, block).draws(weights)["r"].item() == pytest.approx(expected, abs=1e-5)


def test_gene_seen_in_one_block_stays_finite_when_it_is_not_drawn(rng):
    block = np.arange(90) // 9
    x = np.where(block == 0, 0.1, 0.3)[:, None].astype(np.float32)
    draws = sums_of(x, rng.normal(size=(90, 1)), block).draws(draw_weights(10, N_DRAWS, 0))["r"]
    assert np.abs(draws).max() <= 1


def test_deviance_is_explained_as_over_the_drawn_blocks():
    sums = BlockSums(np.array([5.0, 5.0]), {}, {}, np.array([[1.0, 4.0], [2.0, 4.0]]))
    drawn = sums.draws(np.array([[1.0, 1.0], [2.0, 0.0]]))["deviance_explained"]
    np.testing.assert_allclose(drawn, [1 - 5 / 6, 0.5])


def test_mean_over_spots_is_that_of_the_drawn_blocks():
    sums = BlockSums(np.array([2.0, 8.0]), {}, {"ssim": np.array([1.0, 2.0])})
    drawn = sums.draws(np.array([[1.0, 1.0], [2.0, 0.0]]))["ssim"]
    np.testing.assert_allclose(drawn, [0.3, 0.5])


def test_draw_without_spots_is_unknown():
    x = np.arange(6.0)[:, None]
    sums = sums_of(x, x, np.array([0, 0, 0, 1, 1, 1]))
    empty = BlockSums(np.array([6.0, 0.0]), sums.moments)
    assert np.isnan(empty.draws(np.array([[0.0, 2.0]]))["r"]).all()


def test_interval_narrows_with_more_tissue_and_holds_the_truth(rng):
    found = {}
    for n_spots, n_blocks in ((200, 5), (3200, 80)):
        signal, noise = rng.normal(size=(2, n_spots, 20))
        block = np.arange(n_spots) * n_blocks // n_spots
        sums = sums_of(signal, signal + noise, block)
        draws = sums.draws(draw_weights(n_blocks, N_DRAWS, 0))["r"]
        estimate = sums.draws(np.ones((1, n_blocks)))["r"].item()
        found[n_spots] = reach_of(draws, n_blocks)
        assert abs(estimate - np.sqrt(0.5)) < found[n_spots]
    assert found[3200] < found[200] / 3


def test_single_block_gives_no_interval():
    assert np.isnan(reach_of(np.zeros(10), 1))
