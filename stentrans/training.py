"""Train a network on self-supervised tasks; reports every step, prints nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stentrans.errors import ParameterError
from stentrans.nn.losses import factor_loss
from stentrans.nn.optimiser import AdamW, one_cycle
from stentrans.nn.spot_transformer import SpotTransformer

_CLIP = 1.0
_SHARES = 2  # of a gradient step on images, side by side
_GPU_HOLDS = 8  # times what the processor is given at once
_LEAST_SQUARE = 1e-6
_BETAS, _EPS = (0.5, 0.6), 1e-6  # of Adam, arXiv 2407.08224


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

    steps: int = 100
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
    optimiser = AdamW(net.parameters(), weight_decay=config.weight_decay)
    order = rng.permutation(np.arange(config.steps) % len(batches))
    net.train()
    for step, index in enumerate(order):
        batch = batches[index]
        chosen = rng.permutation(len(batch.missing))[: config.sites_per_step]
        batch = batch.part(torch.as_tensor(chosen, device=batch.missing.device))
        correction = net(batch.sites, batch.spots, batch.near, batch.distance)
        loss = factor_loss(batch.missing - correction, metric)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        rate = one_cycle(step, config.steps, config.learning_rate)
        optimiser.step(rate, longest=_CLIP)
        yield float(loss.detach())
    net.eval()


@dataclass(frozen=True)
class ImageTraining:
    """How a network is trained on images of genes.

    Parameters
    ----------
    epochs
        How often genes are drawn.
    genes_per_epoch
        Genes of an epoch; where it is not all of them, every epoch draws others.
    batch
        Genes of a gradient step.
    genes_at_once
        Genes that each of two threads has in memory; the gradients of a step add up.
    learning_rate
        Of Adam, constant.
    """

    epochs: int
    genes_per_epoch: int
    batch: int
    genes_at_once: int
    learning_rate: float = 1e-3


Draw = Callable[[NDArray[np.int64]], tuple[NDArray[np.float32], NDArray[np.float32]]]


def train_on_images(
    net: torch.nn.Module,
    draw: Draw,
    targets: NDArray[np.int64],
    mask: NDArray[np.bool_],
    config: ImageTraining,
    *,
    n_genes: int,
    rng: np.random.Generator,
) -> Iterator[float]:
    """Train in place; yield the loss after every step, so that the caller may stop between two.

    The loss is the mean squared error at measured spots, nowhere else, as a share of the mean
    square of what was measured, so that seldom and frequent genes weigh alike.

    Parameters
    ----------
    net
        Takes images, mask and spacing; changed in place; left in evaluation mode at the end.
    draw
        From numbers of genes to their coarse images, ``(B, H, W)``, and what is to be predicted,
        ``(B, n_spots)``.
    targets
        Cell of the doubled image that belongs to each spot, shape ``(n_spots,)``.
    mask
        Measured cells of the coarse image, shape ``(H, W)``.
    config
        How.
    n_genes
        Genes to draw from.
    rng
        Orders the genes.
    """
    device = next(net.parameters()).device
    shown = torch.as_tensor(mask, dtype=torch.float32, device=device)
    cells = torch.as_tensor(targets, device=device)
    weights = list(net.parameters())
    optimiser = AdamW(weights, weight_decay=0.0, betas=_BETAS, eps=_EPS)

    def share(genes: NDArray[np.int64]) -> tuple[float, list[Tensor]]:
        """Squared error of some genes, and its gradient."""
        total, gradient = 0.0, [torch.zeros_like(weight) for weight in weights]
        for start in range(0, len(genes), config.genes_at_once):
            images, truth = _scaled(*draw(genes[start : start + config.genes_at_once]), mask)
            doubled = net(torch.as_tensor(images, device=device), shown, 2.0)
            miss = doubled.flatten(1)[:, cells] - torch.as_tensor(truth, device=device)
            loss = (miss.square() / _square(truth, device)).sum()
            torch._foreach_add_(gradient, torch.autograd.grad(loss, weights))
            total += float(loss.detach())
        return total, gradient

    net.train()
    # A fixed number of shares, whatever the machine: the sums, and so the result, are the same.
    # The number of threads that torch uses is a setting of each thread that calls it.
    with ThreadPoolExecutor(_SHARES, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        for genes in _batches(config, n_genes, rng):
            (one, gradient), (other, more) = pool.map(share, np.array_split(genes, _SHARES))
            per_value = 1.0 / (len(genes) * len(targets))
            for weight, a, b in zip(weights, gradient, more, strict=True):
                weight.grad = (a + b) * per_value
            optimiser.step(config.learning_rate)
            yield (one + other) * per_value
    net.eval()


def _square(truth: NDArray[np.float32], device: torch.device) -> Tensor:
    """Mean square of each gene's targets, ``(B, 1)``, so that all genes weigh alike."""
    square = np.maximum(np.square(truth).mean(axis=1, keepdims=True), _LEAST_SQUARE)
    return torch.as_tensor(square, device=device)


def double_images(
    net: torch.nn.Module,
    images: NDArray[np.float32],
    mask: NDArray[np.bool_],
    spacing: int,
) -> NDArray[np.float32]:
    """Images twice as fine, ``(B, H, W)`` to ``(B, 2H, 2W)``; the network is not changed.

    An image of a gene that was never counted stays empty.
    """
    device = next(net.parameters()).device
    scale = _scale(images, mask)[:, None, None]
    with torch.no_grad():
        shown = torch.as_tensor(mask, dtype=torch.float32, device=device)
        scaled = torch.as_tensor(images / scale, device=device)
        doubled = net(scaled, shown, float(spacing)).cpu().numpy()
    is_counted = images[:, mask].max(axis=1) > 0
    return np.asarray(doubled * scale * is_counted[:, None, None], np.float32)


def _batches(
    config: ImageTraining, n_genes: int, rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Genes of each step of all epochs."""
    for _ in range(config.epochs):
        order = rng.permutation(n_genes)[: config.genes_per_epoch]
        for start in range(0, len(order), config.batch):
            yield order[start : start + config.batch]


def _scaled(
    images: NDArray[np.float32], truth: NDArray[np.float32], mask: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Images and targets, both in units of the image."""
    scale = _scale(images, mask)
    return images / scale[:, None, None], truth / scale[:, None]


def _scale(images: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Root mean square of each image's measured cells, one count added, so that it is above 0."""
    square = np.square(images[:, mask]).sum(axis=1)
    return np.asarray(np.sqrt((square + 1) / mask.sum()), np.float32)


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


def images_at_once(cells: int, cells_per_image: int, device: torch.device) -> int:
    """Images that a step holds in memory; a GPU is asked seldom, for much at a time.

    Parameters
    ----------
    cells
        Of all images together, on the processor.
    cells_per_image
        Of one image.
    device
        Where they are.
    """
    times = _GPU_HOLDS if device.type == "cuda" else 1
    return max(1, times * cells // cells_per_image)


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
