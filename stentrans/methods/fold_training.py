"""Corrections of the prior: learned on some spots, believed as far as the others confirm them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from stentrans.methods.base import FitOptions, Progress, report
from stentrans.methods.expression import preview_of
from stentrans.methods.prior import SpatialFactors
from stentrans.methods.progress import Preview
from stentrans.methods.proxy_tasks import KERNEL_WIDTHS, Task, draw_task, make_task
from stentrans.nn.spot_transformer import SpotTransformer, SpotTransformerConfig
from stentrans.training import Batch, TrainingConfig, correct, train

TRAINING_STARTS, TRAINING_ENDS = 0.3, 0.75
"""Shares of the whole fit, for progress."""
_UNSEEN_STARTS = 0.25
_FOLDS = 4
_ROUNDS = 3  # in which the spots of a fold are hidden to judge its network
_ROUNDS_UP_TO = 1500  # spots
_DEPTH_PER_SPOTS, _MOST_BLOCKS = 2000, 2
_REPORT_EVERY = 5


@dataclass(frozen=True)
class KernelCorrection:
    """What spots that look alike really showed, taken as far as unseen spots confirm it.

    Parameters
    ----------
    width
        Which of `KERNEL_WIDTHS`.
    gate
        Share that is used per factor where the prior has its ``usual`` variance, ``(rank,)``.
    usual
        Mean variance of the prior where the gate was found, shape ``(rank,)``.
    """

    width: int
    gate: NDArray[np.float64]
    usual: NDArray[np.float64]

    def at(self, sites: NDArray[np.floating]) -> NDArray[np.float64]:
        """Correction at sites, from their tokens, shape ``(N, rank)``."""
        share = share_at(sites, self.gate, self.usual)
        return share * of_kernel(sites, self.width, len(self.gate))


@dataclass(frozen=True)
class Trained:
    """What training left.

    Parameters
    ----------
    kernel
        Correction by a kernel on the prior; None if space predicts nothing.
    nets
        One network per fold; they correct what the kernel leaves.
    gate
        Share of their correction that is used per factor where the prior has its ``usual``
        variance, shape ``(rank,)``; 0 where unseen spots did not confirm it.
    usual
        Mean variance of the prior where the gates were found, shape ``(rank,)``.
    unseen
        Corrected predictions at spots that had never been a target, shape ``(n_spots, rank)``.
    losses
        Training loss, averaged over folds, per reported step.
    stopped_early
        How far training had come when the listener had enough; empty if it came to its end.
    """

    kernel: KernelCorrection | None
    nets: Sequence[SpotTransformer]
    gate: NDArray[np.float64]
    usual: NDArray[np.float64]
    unseen: NDArray[np.float64]
    losses: Sequence[float]
    stopped_early: str = ""

    @property
    def is_open(self) -> NDArray[np.bool_]:
        """Which factors are corrected."""
        of_kernel = np.zeros_like(self.gate) if self.kernel is None else self.kernel.gate
        return np.asarray((self.gate > 0) | (of_kernel > 0))


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
        self.so_far = spatial.left_out.mean
        self.rng = np.random.default_rng(options.seed)
        self.fold = self.rng.permutation(np.arange(self.n_spots) % _FOLDS)
        self.metric = torch.as_tensor(_metric(spatial), dtype=torch.float32, device=device)
        self.config = SpotTransformerConfig(
            rank=self.rank,
            content=tuple(int(i) for i in spatial.pattern),
            n_kernels=len(KERNEL_WIDTHS),
            depth=min(self.n_spots // _DEPTH_PER_SPOTS, _MOST_BLOCKS),
        )

    def run(self) -> Trained:
        """Train, look at unseen spots, and set the gates."""
        shut, nothing = np.zeros(self.rank), np.zeros((self.n_spots, self.rank))
        if not self.config.content:
            return Trained(None, [], shut, shut, nothing, [])
        unseen, is_enough = [], False
        for fold in range(_FOLDS):
            looked = _UNSEEN_STARTS + (TRAINING_STARTS - _UNSEEN_STARTS) * fold / _FOLDS
            told = Progress("looking at unseen spots", looked, preview=self._preview())
            is_enough |= report(self.options.on_progress, told)
            unseen.append(self._unseen(fold))
        kernel = self._fit_kernel(unseen)
        # What a spot is judged by must not have seen it either.
        kernels = [self._fit_kernel(unseen[:i] + unseen[i + 1 :]) for i in range(_FOLDS)]
        prior, of_kernels = nothing.copy(), nothing.copy()
        for one, tasks in zip(kernels, unseen, strict=True):
            for task in tasks:
                prior[task.targets], of_kernels[task.targets] = task.prior, one.at(task.sites)
        self.so_far = prior + of_kernels
        if not self.steps or is_enough:
            stopped = f"before the first of {_FOLDS} networks" if self.steps else ""
            return self._kept(Trained(kernel, [], shut, kernel.usual, self.so_far, [], stopped))
        nets, of_nets, losses, stopped = self._train(unseen, kernels)
        gates, gate = self._gates(self.spatial.factors - prior - of_kernels, of_nets)
        corrected = prior + of_kernels + gates[self.fold] * of_nets
        return self._kept(Trained(kernel, nets, gate, kernel.usual, corrected, losses, stopped))

    def _kept(self, trained: Trained) -> Trained:
        """Shut the gates of factors that all spots but one predict better uncorrected."""
        factors, left_out = self.spatial.factors, self.spatial.left_out.mean
        is_better = ((factors - trained.unseen) ** 2).sum(0) < ((factors - left_out) ** 2).sum(0)
        kernel = trained.kernel
        if kernel is not None:
            kernel = replace(kernel, gate=kernel.gate * is_better)
        return replace(trained, kernel=kernel, gate=trained.gate * is_better)

    def _fit_kernel(self, unseen: Sequence[Sequence[Task]]) -> KernelCorrection:
        """Choose the width and find the gate, from tasks whose targets are unseen."""
        tasks = [task for of_fold in unseen for task in of_fold]
        sites = np.concatenate([task.sites for task in tasks])
        missing = np.concatenate([self.spatial.factors[t.targets] - t.prior for t in tasks])
        corrections = [of_kernel(sites, i, self.rank) for i in range(len(KERNEL_WIDTHS))]
        gates = [gate_of(missing, correction) for correction in corrections]
        left = [
            ((missing - gate * correction) ** 2).sum()
            for gate, correction in zip(gates, corrections, strict=True)
        ]
        best = int(np.argmin(left))
        usual = (np.asarray(sites[:, self.rank : 2 * self.rank], np.float64) ** 2).mean(0)
        return KernelCorrection(best, gates[best], usual)

    def _train(
        self, unseen: Sequence[Sequence[Task]], kernels: Sequence[KernelCorrection]
    ) -> tuple[list[SpotTransformer], NDArray[np.float64], list[float], str]:
        """One network per fold, what they say of the spots of their fold, and mean losses.

        Last, how far that came if the listener had enough. A network that was cut short counts
        only where there is no whole one.
        """
        local, lines = self.spatial.kriging.quick, self.spatial.observed.lines
        tasks = [
            draw_task(local, lines, self.spatial.pattern, self.rng) for _ in range(self.n_tasks)
        ]
        nets: list[SpotTransformer] = []
        losses, said = [], np.zeros((self.n_spots, self.rank))
        stopped = ""
        for fold, kernel in enumerate(kernels):
            net, told, n_steps = self._train_fold(tasks, fold, kernel)
            if n_steps < self.steps:
                stopped = f"after {fold} of {_FOLDS} networks"
                if nets:
                    break
                stopped += f" and {n_steps} of {self.steps} steps"
            for task in unseen[fold]:
                every = np.arange(len(task.targets))
                said[task.targets] = correct(net, self._with_targets(task, every, kernel))
            self.so_far = self.so_far + said * (self.fold == fold)[:, None]
            nets.append(net)
            losses.append(told)
            if stopped:
                break
        return nets, said, [float(np.mean(step)) for step in zip(*losses, strict=True)], stopped

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

    def _gates(
        self, missing: NDArray[np.float64], correction: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Gate for the spots of each fold, from all others, ``(folds, rank)``; and from all."""
        is_judged = correction.any(1)  # no network speaks for the folds that were not reached
        others = [is_judged & (self.fold != fold) for fold in range(_FOLDS)]
        return (
            np.stack([gate_of(missing[rows], correction[rows]) for rows in others]),
            gate_of(missing[is_judged], correction[is_judged]),
        )

    def _train_fold(
        self, tasks: Sequence[Task], fold: int, kernel: KernelCorrection
    ) -> tuple[SpotTransformer, list[float], int]:
        """Train one network on the spots outside a fold, as far as the listener wants."""
        batches = []
        for task in tasks:
            rows = np.flatnonzero(self.fold[task.targets] != fold)
            if len(rows):
                batches.append(self._with_targets(task, rows, kernel))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.options.seed * _FOLDS + fold)
            net = SpotTransformer(self.config).to(self.device)
            told, config = [], TrainingConfig(steps=self.steps)
            for step, loss in enumerate(train(net, batches, self.metric, config, self.rng)):
                if step % _REPORT_EVERY == 0:
                    told.append(loss)
                    if self._report(fold + step / self.steps, loss):
                        return net.eval(), told, step + 1
        return net, told, self.steps

    def _with_targets(self, task: Task, rows: NDArray[np.int64], kernel: KernelCorrection) -> Batch:
        """Some sites of a task as tensors, with what the prior and the kernel miss there."""
        missing = self.spatial.factors[task.targets[rows]] - task.prior[rows]
        missing -= kernel.at(task.sites[rows])
        return as_batch(
            task.sites[rows], task.spots, task.near[rows], task.distance[rows], missing, self.device
        )

    def _report(self, folds_done: float, loss: float) -> bool:
        """Tell how far training is; True if that is enough."""
        span = TRAINING_ENDS - TRAINING_STARTS
        share = TRAINING_STARTS + span * folds_done / _FOLDS
        told = Progress("training", share, loss, preview=self._preview())
        return report(self.options.on_progress, told)

    def _preview(self) -> Preview:
        """What the factors known so far say of a gene, each spot left out of its own."""
        return preview_of(self.spatial.observed, self.spatial.loadings, self.so_far)


def share_at(
    sites: NDArray[np.floating], gate: NDArray[np.float64], usual: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Share of a correction that is used at sites, from their tokens, shape ``(N, rank)``.

    Where the prior is less sure than where the gate was found, as in a hole, prior and correction
    are weighed as two independent estimates by their precision. Where it is surer, as between
    spots that are close, the share falls with its variance: what is to be corrected of a mean
    vanishes with the variance around it, to first order (as in Tweedie's formula).
    """
    rank = len(gate)
    variance = np.asarray(sites[:, rank : 2 * rank], np.float64) ** 2
    total = np.maximum(usual, gate * variance + (1 - gate) * usual)
    return np.asarray(gate * variance / np.maximum(total, 1e-12))


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
    if not len(missing):
        return np.zeros(missing.shape[1])
    gain = missing**2 - (missing - correction) ** 2
    error = gain.std(0) / np.sqrt(len(gain)) + 1e-12
    t = np.maximum(gain.mean(0) / error, 1.0)
    slope = (missing * correction).sum(0) / np.maximum((correction**2).sum(0), 1e-12)
    return np.asarray(np.clip(slope, 0, 1) * (1 - 1 / t**2))
