"""The fit loop learns, can be stopped between two steps, and keeps to its seed."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch

from stentrans.nn.spot_transformer import SpotTransformer, SpotTransformerConfig
from stentrans.training import Batch, TrainingConfig, correct, resolve_device, train

RANK = 2


def network() -> SpotTransformer:
    """The same small network every time."""
    with torch.random.fork_rng():
        torch.manual_seed(4)
        return SpotTransformer(SpotTransformerConfig(rank=RANK, content=(0,), dim=12, num_heads=3))


@pytest.fixture
def batch() -> Batch:
    """Sites whose second factor follows the first bumpwise, as position never could tell."""
    rng = np.random.default_rng(0)

    def bump(x: np.ndarray) -> np.ndarray:
        return np.exp(-4 * x**2)

    known, seen = rng.uniform(-2, 2, 80), rng.uniform(-2, 2, 60)
    zeros = np.zeros(80)
    sites = np.column_stack([known, zeros, np.full(80, 0.5), np.ones(80)])
    spots = np.column_stack([seen, bump(seen), seen, np.zeros(60)])
    missing = np.column_stack([zeros, bump(known)])
    near = np.tile(np.arange(60), (80, 1))
    tensors = [torch.as_tensor(a, dtype=torch.float32) for a in (sites, spots, missing)]
    far = torch.full((80, 60), 3.0)
    return Batch(tensors[0], tensors[1], torch.as_tensor(near), far, tensors[2])


def test_relation_between_factors_is_learned(batch):
    net = network()
    config = TrainingConfig(steps=150)
    list(train(net, [batch], torch.eye(RANK), config, np.random.default_rng(0)))
    left = batch.missing.numpy() - correct(net, batch)
    assert (left[:, 1] ** 2).mean() < 0.3 * batch.missing[:, 1].var().item()
    assert (left[:, 0] ** 2).mean() < 0.05


def test_same_generator_gives_the_same_losses(batch):
    runs = [
        list(
            train(
                network(),
                [batch],
                torch.eye(RANK),
                TrainingConfig(steps=8),
                np.random.default_rng(7),
            )
        )
        for _ in range(2)
    ]
    assert runs[0] == runs[1]


def test_caller_may_stop_between_two_steps(batch):
    steps = train(
        network(), [batch], torch.eye(RANK), TrainingConfig(steps=1000), np.random.default_rng(0)
    )
    assert len(list(islice(steps, 3))) == 3


def test_device_auto_is_a_device_that_exists():
    assert resolve_device("auto").type in ("cpu", "cuda")
    assert resolve_device("cpu").type == "cpu"
