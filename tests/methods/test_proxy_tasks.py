"""What the network is shown must not hold what it is to find."""

from __future__ import annotations

import numpy as np
import pytest

from stentrans.methods.averaged_kriging import AveragedKriging
from stentrans.methods.local_kriging import LocalKriging
from stentrans.methods.proxy_tasks import draw_task, make_task


@pytest.fixture
def plane() -> np.ndarray:
    """12 x 12 positions."""
    return np.stack(np.meshgrid(np.arange(12.0), np.arange(12.0)), -1).reshape(-1, 2)


def kriging(plane: np.ndarray, factors: np.ndarray) -> LocalKriging:
    """Settings from one fixed wave, so that only the factors differ."""
    wave = np.sin(plane[:, :1] / 2) + np.cos(plane[:, 1:] / 3)
    rng = np.random.default_rng(0)
    local = AveragedKriging(plane, wave, np.ones(len(plane)), rng).local
    return LocalKriging(plane, factors, local.noise, local.settings, local.no_pattern)


def test_hidden_spots_leave_no_trace_in_the_tokens(plane, rng):
    factors = np.sin(plane[:, :1] / 2) + rng.normal(0, 0.1, (len(plane), 1))
    hidden = rng.choice(len(plane), 30, replace=False)
    visible = np.setdiff1d(np.arange(len(plane)), hidden)
    other = factors.copy()
    other[hidden] = 100.0
    tasks = [
        make_task(kriging(plane, f), visible, hidden, np.arange(1), np.random.default_rng(3))
        for f in (factors, other)
    ]
    for name in ("sites", "spots", "near", "distance", "prior"):
        np.testing.assert_array_equal(getattr(tasks[0], name), getattr(tasks[1], name))


def test_every_kind_of_task_hides_some_and_shows_some(plane):
    local = kriging(plane, plane[:, :1])
    lines = np.round(plane).astype(np.int64)
    rng = np.random.default_rng(5)
    shares = [
        len(draw_task(local, lines, np.arange(1), rng).targets) / len(plane) for _ in range(40)
    ]
    assert 0 < min(shares)
    assert max(shares) < 1
    assert max(shares) > 0.7  # thinned: three quarters are hidden
