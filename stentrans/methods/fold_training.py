"""Corrections of the prior: learned on some spots, believed as far as the others confirm them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from stentrans.methods.base import FitOptions, Progress, report
from stentrans.methods.prior import SpatialFactors
from stentrans.methods.proxy_tasks import Task, draw_task, make_task
from stentrans.nn.spot_transformer import KERNEL_WIDTHS, SpotTransformer, SpotTransformerConfig
from stentrans.training import Batch, TrainingConfig, correct, train

TRAINING_STARTS, TRAINING_ENDS = 0.3, 0.75
"""Shares of the whole fit, for progress."""
_FOLDS = 4
_ROUNDS = 3  # in which the spots of a fold are hidden to judge its network
_ROUNDS_UP_TO = 1500  # spots
_DEPTH_PER_SPOTS = 2000
_REPORT_EVERY = 5


@dataclass(frozen=True)
class Trained:
    """What training left.

    Parameters
    ----------
    nets
        One network per fold; they correct what the kernel leaves.
    gate
        Share of their correction that is used per factor, shape ``(rank,)``; 0 where unseen
        spots did not confirm it.
    kernel
        Which of `KERNEL_WIDTHS` the attention without weights has.
    kernel_gate
        Share of its correction that is used, shape ``(rank,)``.
    unseen
        Gated correction at spots that had never been a target, shape ``(n_spots, rank)``.
    losses
        Training loss, averaged over folds, per reported step.
    """

    nets: Sequence[SpotTransformer]
    gate: NDArray[np.float64]
    kernel: int
    kernel_gate: NDArray[np.float64]
    unseen: NDArray[np.float64]
    losses: Sequence[float]

    @property
    def is_open(self) -> NDArray[np.bool_]:
        """Which factors are corrected."""
        return np.asarray((self.gate > 0) | (self.kernel_gate > 0))


class FoldTraining:
    """Training on proxy tasks by folds, and the gates.

    Spots that the prior says the same of are averaged first, with a fixed kernel; networks learn
    what that leaves. Both are judged on spots that they were not fitted to.

    Parameters
    ----------
    spatial
        The prior.
    steps, n_tasks
        Gradient steps per fold; proxy tasks drawn.
    options
        Seed and listener.
    device
        Where networks are trained.
    """

    def __init__(
        self,
        spatial: SpatialFactors,
        steps: int,
        n_tasks: int,
        options: FitOptions,
        device: torch.device,
    ) -> None:
        self.spatial, self.steps, self.n_tasks = spatial, steps, n_tasks
        self.options, self.device = options, device
        self.n_spots, self.rank = spatial.factors.shape
        self.rng = np.random.default_rng(options.seed)
        self.fold = self.rng.permutation(np.arange(self.n_spots) % _FOLDS)
        self.metric = torch.as_tensor(_metric(spatial), dtype=torch.float32, device=device)
        self.config = SpotTransformerConfig(
            rank=self.rank,
            content=tuple(int(i) for i in spatial.pattern),
            depth=self.n_spots // _DEPTH_PER_SPOTS,
        )

    def run(self) -> Trained:
        """Train, look at unseen spots, and set the gates."""
        shut, nothing = np.zeros(self.rank), np.zeros((self.n_spots, self.rank))
        if not self.config.content:
            return Trained([], shut, 0, shut, nothing, [])
        unseen = [self._unseen(fold) for fold in range(_FOLDS)]
        prior, kernels = nothing.copy(), np.zeros((len(KERNEL_WIDTHS), *nothing.shape))
        for task in (task for tasks in unseen for task in tasks):
            prior[task.targets] = task.prior
            for width in range(len(kernels)):
                kernels[width, task.targets] = of_kernel(task.sites, width, self.rank)
        missing = self.spatial.factors - prior
        kernel = int(np.argmax([self._gain(missing, one) for one in kernels]))
        gates, kernel_gate = self._gates(missing, kernels[kernel])
        unseen_kernel = gates[self.fold] * kernels[kernel]
        if not self.steps:
            return Trained([], shut, kernel, kernel_gate, unseen_kernel, [])
        local, lines = self.spatial.kriging.quick, self.spatial.observed.lines
        tasks = [
            draw_task(local, lines, self.spatial.pattern, self.rng) for _ in range(self.n_tasks)
        ]
        of_nets, nets, losses = nothing.copy(), [], []
        for fold in range(_FOLDS):
            net, told = self._train_fold(tasks, fold, kernel, gates[fold])
            for task in unseen[fold]:
                every = np.arange(len(task.targets))
                of_nets[task.targets] = correct(net, self._with_targets(task, every, 0, shut))
            nets.append(net)
            losses.append(told)
        net_gates, gate = self._gates(missing - unseen_kernel, of_nets)
        total = unseen_kernel + net_gates[self.fold] * of_nets
        mean_losses = [float(np.mean(step)) for step in zip(*losses, strict=True)]
        return Trained(nets, gate, kernel, kernel_gate, total, mean_losses)

    def _unseen(self, fold: int) -> list[Task]:
        """The spots of a fold as tasks, a few at a time, so that most spots are visible."""
        hidden = np.flatnonzero(self.fold == fold)
        n_rounds = min(_ROUNDS if self.n_spots <= _ROUNDS_UP_TO else 1, len(hidden))
        made = []
        for part in (hidden[i::n_rounds] for i in range(n_rounds)):
            visible = np.setdiff1d(np.arange(self.n_spots), part)
            local = self.spatial.kriging.quick
            made.append(make_task(local, visible, part, self.spatial.pattern, self.rng))
        return made

    def _gain(self, missing: NDArray[np.float64], correction: NDArray[np.float64]) -> float:
        """How much of the error of all factors a correction takes away where it is gated."""
        left = missing - gate_of(missing, correction) * correction
        return float((missing**2 - left**2).sum())

    def _gates(
        self, missing: NDArray[np.float64], correction: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Gate for the spots of each fold, from all others, ``(folds, rank)``; and from all."""
        others = [self.fold != fold for fold in range(_FOLDS)]
        return (
            np.stack([gate_of(missing[rows], correction[rows]) for rows in others]),
            gate_of(missing, correction),
        )

    def _train_fold(
        self, tasks: Sequence[Task], fold: int, kernel: int, kernel_gate: NDArray[np.float64]
    ) -> tuple[SpotTransformer, list[float]]:
        """Train one network on the spots outside a fold."""
        batches = []
        for task in tasks:
            rows = np.flatnonzero(self.fold[task.targets] != fold)
            if len(rows):
                batches.append(self._with_targets(task, rows, kernel, kernel_gate))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.options.seed * _FOLDS + fold)
            net = SpotTransformer(self.config).to(self.device)
            told, config = [], TrainingConfig(steps=self.steps)
            for step, loss in enumerate(train(net, batches, self.metric, config, self.rng)):
                if step % _REPORT_EVERY == 0:
                    told.append(loss)
                    self._report(fold + step / self.steps, loss)
        return net, told

    def _with_targets(
        self, task: Task, rows: NDArray[np.int64], kernel: int, kernel_gate: NDArray[np.float64]
    ) -> Batch:
        """Some sites of a task as tensors, with what the prior and the kernel miss there."""
        missing = self.spatial.factors[task.targets[rows]] - task.prior[rows]
        missing -= kernel_gate * of_kernel(task.sites[rows], kernel, self.rank)
        return as_batch(
            task.sites[rows], task.spots, task.near[rows], task.distance[rows], missing, self.device
        )

    def _report(self, folds_done: float, loss: float) -> None:
        span = TRAINING_ENDS - TRAINING_STARTS
        share = TRAINING_STARTS + span * folds_done / _FOLDS
        report(self.options.on_progress, Progress("training", share, loss))


def of_kernel(sites: NDArray[np.floating], width: int, rank: int) -> NDArray[np.float64]:
    """Correction by the kernel mean of one width, from the tokens of sites, ``(N, rank)``."""
    first = (2 + width) * rank
    return np.asarray(sites[:, first : first + rank] - sites[:, :rank], np.float64)


def as_batch(
    sites: NDArray[np.float32],
    spots: NDArray[np.float32],
    near: NDArray[np.int64],
    distance: NDArray[np.float32],
    missing: NDArray[np.float64] | None,
    device: torch.device,
) -> Batch:
    """Tensors on the device; without targets ``missing`` is empty."""
    target = np.zeros((0, 0)) if missing is None else missing
    return Batch(
        sites=torch.as_tensor(sites, device=device),
        spots=torch.as_tensor(spots, device=device),
        near=torch.as_tensor(np.ascontiguousarray(near), device=device),
        distance=torch.as_tensor(distance, device=device),
        missing=torch.as_tensor(target, dtype=torch.float32, device=device),
    )


def _metric(spatial: SpatialFactors) -> NDArray[np.float64]:
    """What errors of the factors cost in log-likelihood of the counts, shape ``(rank, rank)``."""
    loadings, observed = spatial.loadings, spatial.observed
    weight = observed.share[observed.basis] / loadings.dispersion
    metric = (loadings.slopes * weight) @ loadings.slopes.T
    rank = len(metric)
    metric /= max(float(np.trace(metric)), 1e-12)
    return np.asarray(metric + 1e-3 * np.eye(rank) / rank)


def gate_of(missing: NDArray[np.float64], correction: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the correction to use per factor, from spots that no network was trained on.

    The regression of what was missing on the correction, at most 1, shrunk by how surely the
    squared error falls: by 1 / t², t the gain in standard errors, and to 0 at t = 1 and below.
    """
    gain = missing**2 - (missing - correction) ** 2
    error = gain.std(0) / np.sqrt(len(gain)) + 1e-12
    t = np.maximum(gain.mean(0) / error, 1.0)
    slope = (missing * correction).sum(0) / np.maximum((correction**2).sum(0), 1e-12)
    return np.asarray(np.clip(slope, 0, 1) * (1 - 1 / t**2))
