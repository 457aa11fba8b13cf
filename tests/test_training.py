"""The fit loop learns, can be stopped between two steps, and keeps to its seed."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch

from stentrans.nn.spot_transformer import SpotTransformer, SpotTransformerConfig
from stentrans.training import (
    Batch,
    ImageTraining,
    TrainingConfig,
    correct,
    double_images,
    resolve_device,
    train,
    train_on_images,
)

RANK = 2


def network() -> SpotTransformer:
    """The same small network every time."""
    with torch.random.fork_rng():
        torch.manual_seed(4)
        return SpotTransformer(
            SpotTransformerConfig(rank=RANK, content=(0,), n_kernels=0, dim=12, num_heads=3)
        )


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


class Offsets(torch.nn.Module):
    """Repeats an image and adds one number to each of the four cells made of one."""

    def __init__(self) -> None:
        super().__init__()
        self.offset = torch.nn.Parameter(torch.zeros(2, 2))

    def forward(self, images: torch.Tensor, mask: torch.Tensor, spacing: float) -> torch.Tensor:
        repeated = images.repeat_interleave(2, 1).repeat_interleave(2, 2)
        return repeated + self.offset.repeat(*mask.shape)


IMAGES = np.arange(1.0, 61.0, dtype=np.float32).reshape(10, 2, 3)
WHOLE = np.ones((2, 3), bool)


def draw(genes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Images, and all cells of the doubled image twice as high on odd columns."""
    doubled = IMAGES[genes].repeat(2, axis=1).repeat(2, axis=2)
    doubled[:, :, 1::2] *= 2
    return IMAGES[genes], doubled.reshape(len(genes), -1)


def fit_offsets(*, genes_at_once: int = 4, epochs: int = 3) -> tuple[Offsets, list[float]]:
    """Train on all cells of ten images."""
    net = Offsets()
    config = ImageTraining(
        epochs=epochs, genes_per_epoch=10, batch=5, genes_at_once=genes_at_once, learning_rate=0.05
    )
    steps = train_on_images(
        net, draw, np.arange(24), WHOLE, config, n_genes=10, rng=np.random.default_rng(0)
    )
    return net, list(steps)


def test_images_are_learned_from_step_by_step():
    net, losses = fit_offsets(epochs=20)
    assert len(losses) == 40
    assert losses[-1] < 0.5 * losses[0]
    found = net.offset.detach().numpy()
    assert (found[:, 1] > 0.5).all()
    assert np.abs(found[:, 0]).max() < 0.1


def test_gradient_does_not_depend_on_how_many_genes_fit_in_memory():
    (one, _), (other, _) = fit_offsets(genes_at_once=1), fit_offsets(genes_at_once=100)
    torch.testing.assert_close(one.offset, other.offset, rtol=1e-4, atol=1e-5)


def test_cells_that_were_not_measured_are_not_learned_from():
    net, targets = Offsets(), np.array([0, 2])  # the upper left of what two cells become

    def given(genes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        images, truth = draw(genes)
        return images, truth[:, targets] + 1

    config = ImageTraining(epochs=2, genes_per_epoch=10, batch=5, genes_at_once=5)
    rng = np.random.default_rng(0)
    list(train_on_images(net, given, targets, WHOLE, config, n_genes=10, rng=rng))
    found = net.offset.detach()
    assert found[0, 0] > 0
    assert found.flatten()[1:].abs().max() == 0


def test_image_twice_as_high_gives_an_answer_twice_as_high():
    net, _ = fit_offsets()
    high = 1000 * IMAGES  # far above the one count that keeps the scale of an empty image above 0
    np.testing.assert_allclose(
        double_images(net, 2 * high, WHOLE, 1), 2 * double_images(net, high, WHOLE, 1), rtol=1e-5
    )
