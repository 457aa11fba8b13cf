"""Train a network on self-supervised tasks; reports every step, prints nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stentrans.errors import ParameterError
from stentrans.nn.losses import factor_loss
from stentrans.nn.spot_transformer import SpotTransformer

_CLIP = 1.0


@dataclass(frozen=True)
class TrainingConfig:
    """How the network is trained.

    Parameters
    ----------
    steps
        Gradient steps.
    learning_rate, weight_decay
        Of AdamW; the rate rises and falls once (one cycle).
    sites_per_step
        Most targets used in a step.
    """

    steps: int = 150
    learning_rate: float = 5e-3
    weight_decay: float = 1e-3
    sites_per_step: int = 96


@dataclass(frozen=True)
class Batch:
    """One task as tensors, targets included.

    Parameters
    ----------
    sites, spots, near, distance
        As in `SpotTransformer.forward`.
    missing
        What the prior leaves to be explained, shape ``(N, R)``.
    """

    sites: Tensor
    spots: Tensor
    near: Tensor
    distance: Tensor
    missing: Tensor

    def part(self, rows: Tensor) -> Batch:
        """Some of the sites."""
        return Batch(
            self.sites[rows], self.spots, self.near[rows], self.distance[rows], self.missing[rows]
        )


def train(
    net: SpotTransformer,
    batches: Sequence[Batch],
    metric: Tensor,
    config: TrainingConfig,
    rng: np.random.Generator,
) -> Iterator[float]:
    """Train in place; yield the loss after every step, so that the caller may stop between two.

    Parameters
    ----------
    net
        Changed in place; left in evaluation mode at the end.
    batches
        At least one, each with at least one site.
    metric
        See `factor_loss`.
    config
        How.
    rng
        Orders the batches.
    """
    optimiser = torch.optim.AdamW(
        net.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, config.learning_rate, total_steps=config.steps
    )
    order = rng.permutation(np.arange(config.steps) % len(batches))
    net.train()
    for index in order:
        batch = batches[index]
        chosen = rng.permutation(len(batch.missing))[: config.sites_per_step]
        batch = batch.part(torch.as_tensor(chosen, device=batch.missing.device))
        correction = net(batch.sites, batch.spots, batch.near, batch.distance)
        loss = factor_loss(batch.missing - correction, metric)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(net.parameters(), _CLIP)
        optimiser.step()
        schedule.step()
        yield float(loss.detach())
    net.eval()


def correct(net: SpotTransformer, batch: Batch) -> NDArray[np.float64]:
    """Corrections at all sites of a batch, shape ``(N, R)``; the network is not changed."""
    with torch.no_grad():
        given = net(batch.sites, batch.spots, batch.near, batch.distance)
    return np.asarray(given.cpu().numpy(), np.float64)


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep torch to one thread: for steps this small, waking a second one costs more than it does.

    On a busy machine the difference is tenfold.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def resolve_device(device: str) -> torch.device:
    """Turn ``"auto"`` into a GPU where there is one, else the processor.

    Raises
    ------
    ParameterError
        If a GPU is asked for and there is none.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise ParameterError(
            "device cuda needs a GPU that torch can use; there is none. Use device auto or cpu."
        )
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(device)
