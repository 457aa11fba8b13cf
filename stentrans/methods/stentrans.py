"""The default method: a spot Transformer on the spatial prior, kept where it proves itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from stentrans.lattice import Lattice
from stentrans.methods.base import FitOptions, Prediction, Progress, report
from stentrans.methods.inputs import check_positions, check_settings
from stentrans.methods.local_kriging import Kriged
from stentrans.methods.prior import FittedPrior, PriorSettings, SpatialFactors, fit_spatial
from stentrans.methods.proxy_tasks import SpotView, Task, draw_task, make_task
from stentrans.nn.spot_transformer import SpotTransformer, SpotTransformerConfig
from stentrans.training import Batch, TrainingConfig, correct, one_thread, resolve_device, train
from stentrans.validate import check_integer

_FOLDS = 4
_DEPTH_PER_SPOTS = 2000
_TRAINING_STARTS, _TRAINING_ENDS = 0.3, 0.75  # shares of the whole fit, for progress
_REPORT_EVERY = 5
_SITES_PER_CHUNK = 4096


@dataclass(frozen=True)
class StentransSettings:
    """Settings of `stentrans`.

    Parameters
    ----------
    prior
        Of the spatial prior.
    steps
        Gradient steps per fold; 0 leaves the prior as it is.
    tasks
        Proxy tasks drawn from the section.
    """

    prior: PriorSettings
    steps: int = 150
    tasks: int = 16

    @classmethod
    def checked(cls, given: Mapping[str, Any]) -> StentransSettings:
        """Build from settings by name; raise ParameterError for unknown or bad ones."""
        check_settings("stentrans", given, ("rank", "min_share", "steps", "tasks"))
        of_prior = {k: v for k, v in given.items() if k in ("rank", "min_share")}
        rest = {k: v for k, v in given.items() if k not in of_prior}
        made = cls(PriorSettings.checked(of_prior), **rest)
        check_integer("steps", made.steps, low=0, high=100_000)
        check_integer("tasks", made.tasks, low=1, high=1000)
        return made


class Stentrans:
    """`stentrans`: the spatial prior, corrected by a Transformer trained on the section."""

    name = "stentrans"

    def fit(self, counts: csr_matrix, lattice: Lattice, options: FitOptions) -> FittedStentrans:
        """Fit the prior, train one network per fold, and keep what unseen spots confirm.

        Raises
        ------
        ParameterError
            For unknown or bad settings, or if too few genes are seen.
        Cancelled
            If the listener answered False.
        """
        settings = StentransSettings.checked(options.settings)
        device = resolve_device(options.device)
        spatial = fit_spatial(counts, lattice, settings.prior, options)
        with one_thread():
            trained = _Training(spatial, settings, options, device).run()
        report(options.on_progress, Progress("learning expression", _TRAINING_ENDS))
        return FittedStentrans(spatial, trained, options.seed, device)


@dataclass(frozen=True)
class Trained:
    """What training left.

    Parameters
    ----------
    nets
        One network per fold.
    gate
        Share of the correction that is used per factor, shape ``(rank,)``; 0 where unseen spots
        did not confirm it.
    unseen
        Corrected predictions at spots that had never been a target, shape ``(n_spots, rank)``.
    losses
        Training loss, averaged over folds, per reported step.
    """

    nets: Sequence[SpotTransformer]
    gate: NDArray[np.float64]
    unseen: NDArray[np.float64]
    losses: Sequence[float]


class FittedStentrans:
    """The prior with its correction; predicts at any position."""

    def __init__(
        self, spatial: SpatialFactors, trained: Trained, seed: int, device: torch.device
    ) -> None:
        open_gate = trained.gate > 0
        left_out = np.where(open_gate, trained.unseen, spatial.left_out.mean)
        self.prior = FittedPrior(spatial, Kriged(left_out, spatial.left_out.variance), seed)
        self.trained, self.device = trained, device
        rng = np.random.default_rng(seed)
        self.view = SpotView(spatial.kriging.quick, spatial.left_out, rng)
        self.decoder = self.prior.decoder
        self.summary: Mapping[str, Any] = {
            **self.prior.summary,
            "gate": [round(float(g), 3) for g in trained.gate],
            "corrected_factors": int((open_gate & (self.prior.belief > 0)).sum()),
            "device": device.type,
            "losses": [round(loss, 5) for loss in trained.losses],
        }

    def predict(self, positions: NDArray[np.float64]) -> Prediction:
        """Factors at ``positions``; see `stentrans.methods.base.Fitted`."""
        spatial = self.prior.spatial
        plane = spatial.lattice.plane(check_positions(positions))
        kriged = spatial.kriging.predict(plane)
        if self.trained.gate.any() and len(plane):
            starts = range(0, len(plane), _SITES_PER_CHUNK)
            chunks = [slice(start, start + _SITES_PER_CHUNK) for start in starts]
            with one_thread():
                parts = [self._correction(plane, kriged, rows) for rows in chunks]
            corrected = kriged.mean + self.trained.gate * np.concatenate(parts)
            kriged = Kriged(corrected, kriged.variance)
        return self.prior.decode_ready(positions, plane, kriged)

    def _correction(
        self, plane: NDArray[np.float64], kriged: Kriged, rows: slice
    ) -> NDArray[np.float64]:
        """Mean correction over the folds' networks for one chunk of sites."""
        prior = Kriged(kriged.mean[rows], kriged.variance[rows])
        sites, near, distance = self.view.look(plane[rows], prior)
        batch = _batch(sites, self.view.tokens, near, distance, None, self.device)
        return np.asarray(np.mean([correct(net, batch) for net in self.trained.nets], axis=0))


class _Training:
    """Fold training on proxy tasks, and the gate."""

    def __init__(
        self,
        spatial: SpatialFactors,
        settings: StentransSettings,
        options: FitOptions,
        device: torch.device,
    ) -> None:
        self.spatial, self.settings, self.options = spatial, settings, options
        self.device = device
        n_spots = len(spatial.factors)
        self.rng = np.random.default_rng(options.seed)
        self.fold = self.rng.permutation(np.arange(n_spots) % _FOLDS)
        self.metric = _metric(spatial)
        pattern = np.flatnonzero(spatial.kriging.no_pattern.weight < 0.5)
        self.config = SpotTransformerConfig(
            rank=spatial.factors.shape[1],
            content=tuple(int(i) for i in pattern),
            depth=n_spots // _DEPTH_PER_SPOTS,
        )

    def run(self) -> Trained:
        """Train, look at unseen spots, and set the gate."""
        factors = self.spatial.factors
        shut = np.zeros(factors.shape[1])
        if not self.config.content or not self.settings.steps:
            return Trained([], shut, np.zeros_like(factors), [])
        local = self.spatial.kriging.quick
        lines = self.spatial.observed.lines
        tasks = [draw_task(local, lines, self.rng) for _ in range(self.settings.tasks)]
        prior, correction = np.zeros_like(factors), np.zeros_like(factors)
        nets, losses = [], []
        for fold in range(_FOLDS):
            net, told = self._train_fold(tasks, fold)
            hidden = np.flatnonzero(self.fold == fold)
            unseen = make_task(local, np.flatnonzero(self.fold != fold), hidden, self.rng)
            prior[hidden] = unseen.prior
            correction[hidden] = correct(net, self._with_targets(unseen, np.arange(len(hidden))))
            nets.append(net)
            losses.append(told)
        missing, unseen_gate = factors - prior, np.zeros_like(factors)
        for fold in range(_FOLDS):
            # The gate of a spot must not have seen it either.
            here = self.fold == fold
            unseen_gate[here] = gate_of(missing[~here], correction[~here])
        mean_losses = [float(np.mean(step)) for step in zip(*losses, strict=True)]
        gate = gate_of(missing, correction)
        return Trained(nets, gate, prior + unseen_gate * correction, mean_losses)

    def _train_fold(self, tasks: Sequence[Task], fold: int) -> tuple[SpotTransformer, list[float]]:
        """Train one network on the spots outside a fold."""
        batches = []
        for task in tasks:
            rows = np.flatnonzero(self.fold[task.targets] != fold)
            if len(rows):
                batches.append(self._with_targets(task, rows))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.options.seed * _FOLDS + fold)
            net = SpotTransformer(self.config).to(self.device)
            steps = TrainingConfig(steps=self.settings.steps)
            told = []
            for step, loss in enumerate(train(net, batches, self.metric_on(), steps, self.rng)):
                if step % _REPORT_EVERY == 0:
                    told.append(loss)
                    self._report(fold + step / steps.steps, loss)
        return net, told

    def metric_on(self) -> torch.Tensor:
        """The metric where the network is."""
        return torch.as_tensor(self.metric, dtype=torch.float32, device=self.device)

    def _with_targets(self, task: Task, rows: NDArray[np.int64]) -> Batch:
        """Some sites of a task as tensors."""
        missing = (self.spatial.factors[task.targets[rows]] - task.prior[rows]).astype(np.float32)
        return _batch(
            task.sites[rows], task.spots, task.near[rows], task.distance[rows], missing, self.device
        )

    def _report(self, folds_done: float, loss: float) -> None:
        span = _TRAINING_ENDS - _TRAINING_STARTS
        share = _TRAINING_STARTS + span * folds_done / _FOLDS
        report(self.options.on_progress, Progress("training", share, loss))


def _batch(
    sites: NDArray[np.float32],
    spots: NDArray[np.float32],
    near: NDArray[np.int64],
    distance: NDArray[np.float32],
    missing: NDArray[np.float32] | None,
    device: torch.device,
) -> Batch:
    """Tensors on the device; without targets ``missing`` is empty."""
    target = np.zeros((0, 0), np.float32) if missing is None else missing
    return Batch(
        sites=torch.as_tensor(sites, device=device),
        spots=torch.as_tensor(spots, device=device),
        near=torch.as_tensor(np.ascontiguousarray(near), device=device),
        distance=torch.as_tensor(distance, device=device),
        missing=torch.as_tensor(target, device=device),
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
