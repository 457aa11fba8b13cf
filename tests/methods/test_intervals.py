"""Interval widths against distributions whose quantiles are known."""

from __future__ import annotations

import numpy as np
import pytest

from stentrans.errors import ParameterError
from stentrans.methods.intervals import (
    LEVELS,
    detection_groups,
    group_reach,
    interval,
    normal_reach,
)


def test_normal_errors_give_normal_widths(rng: np.random.Generator):
    reach = group_reach(np.abs(rng.normal(size=(4000, 20))))
    np.testing.assert_allclose(reach, normal_reach(1), rtol=0.02)


def test_widths_hold_their_share_of_mostly_zero_values(rng: np.random.Generator):
    """A gene seen in one spot of five: no normal interval holds half of its values."""
    mean = rng.uniform(0.1, 0.3, (5000, 10)).astype(np.float32)
    sd = np.full_like(mean, 0.5)
    values = np.where(rng.random(mean.shape) < 0.2, rng.normal(1.2, 0.3, mean.shape), 0)
    reach = np.repeat(group_reach(np.abs(values - mean) / sd), 10, axis=1)
    for level in LEVELS:
        low, high = interval(mean, sd, reach, level)
        held = ((low <= values) & (values <= high)).mean()
        assert held == pytest.approx(level, abs=0.01)


def test_groups_hold_every_gene_once_from_seldom_to_often_seen(rng: np.random.Generator):
    detected = rng.random(57)
    groups = detection_groups(detected)
    assert len(groups) == 10
    np.testing.assert_array_equal(np.sort(np.concatenate(groups)), np.arange(57))
    means = [detected[genes].mean() for genes in groups]
    assert means == sorted(means)


def test_fewer_genes_than_groups_are_each_their_own():
    assert [len(genes) for genes in detection_groups(np.array([0.5, 0.1]))] == [1, 1]


def test_bounds_are_never_negative():
    low, high = interval(np.full((1, 1), 0.1, np.float32), np.ones((1, 1)), normal_reach(1), 0.95)
    assert (low.item(), high.item()) == (0, pytest.approx(2.06))


def test_unknown_level_is_refused():
    with pytest.raises(ParameterError, match=r"level must be one of 0\.5, 0\.8, 0\.95; got 0\.9"):
        interval(np.ones((1, 1)), np.ones((1, 1)), normal_reach(1), 0.9)
