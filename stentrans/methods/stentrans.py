"""The default method: a spot Transformer on the spatial prior, kept where it proves itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from stentrans.lattice import Lattice
from stentrans.methods.base import FitOptions, Prediction, Progress, report
from stentrans.methods.fold_training import (
    TRAINING_ENDS,
    FoldTraining,
    Trained,
    as_batch,
    share_at,
)
from stentrans.methods.inputs import check_positions, check_settings
from stentrans.methods.local_kriging import Kriged
from stentrans.methods.prior import FittedPrior, PriorSettings, SpatialFactors, fit_spatial
from stentrans.methods.progress import STOPPED_EARLY, pulse, within
from stentrans.methods.proxy_tasks import SpotView
from stentrans.nn.spot_transformer import SpotTransformer
from stentrans.training import Batch, correct, one_thread, resolve_device
from stentrans.validate import check_integer

_SITES_PER_CHUNK = 4096
_KRIGING_SHARE = 0.5  # of the time of a prediction, about


@dataclass(frozen=True)
class StentransSettings:
    """Settings of `stentrans`.

    Parameters
    ----------
    prior
        Of the spatial prior.
    steps
        Gradient steps per fold; 0 leaves the correction by the kernel alone.
    tasks
        Proxy tasks drawn from the section.
    """

    prior: PriorSettings
    steps: int = 100
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
        return _fit(counts, lattice, settings, options)


class Kernel:
    """`kernel`: the spatial prior, corrected by spots that look alike; nothing is trained."""

    name = "kernel"

    def fit(self, counts: csr_matrix, lattice: Lattice, options: FitOptions) -> FittedStentrans:
        """Fit the prior and the kernel as `Stentrans` does, and stop there."""
        check_settings(self.name, options.settings, ("rank", "min_share"))
        settings = StentransSettings(PriorSettings.checked(options.settings), steps=0)
        return _fit(counts, lattice, settings, options)


def _fit(
    counts: csr_matrix, lattice: Lattice, settings: StentransSettings, options: FitOptions
) -> FittedStentrans:
    device = resolve_device(options.device)
    spatial = fit_spatial(counts, lattice, settings.prior, options)
    with one_thread():
        trained = FoldTraining(spatial, settings.steps, settings.tasks, options, device).run()
    report(options.on_progress, Progress("learning expression", TRAINING_ENDS))
    return FittedStentrans(spatial, trained, options.seed, device)


class FittedStentrans:
    """The prior with its correction; predicts at any position."""

    def __init__(
        self, spatial: SpatialFactors, trained: Trained, seed: int, device: torch.device
    ) -> None:
        left_out = np.where(trained.is_open, trained.unseen, spatial.left_out.mean)
        self.prior = FittedPrior(spatial, Kriged(left_out, spatial.left_out.variance), seed)
        self.trained, self.device = trained, device
        rng = np.random.default_rng(seed)
        self.view = SpotView(spatial.kriging.quick, spatial.left_out, spatial.pattern, rng)
        self.decoder, kernel = self.prior.decoder, trained.kernel
        self.summary: Mapping[str, Any] = {
            **self.prior.summary,
            "gate": [round(float(g), 3) for g in trained.gate],
            "kernel_gate": [] if kernel is None else [round(float(g), 3) for g in kernel.gate],
            "corrected_factors": int((trained.is_open & (self.prior.belief > 0)).sum()),
            "device": device.type,
            "losses": [round(loss, 5) for loss in trained.losses],
        }
        if trained.stopped_early:
            self.summary = {**self.summary, STOPPED_EARLY: trained.stopped_early}

    def predict(self, positions: NDArray[np.float64]) -> Prediction:
        """Factors at ``positions``; see `stentrans.methods.base.Fitted`."""
        spatial = self.prior.spatial
        plane = spatial.lattice.plane(check_positions(positions))
        with within(0.0, _KRIGING_SHARE):
            kriged = spatial.kriging.predict(plane)
        if self.trained.is_open.any() and len(plane):
            starts = range(0, len(plane), _SITES_PER_CHUNK)
            chunks = [slice(start, start + _SITES_PER_CHUNK) for start in starts]
            with one_thread(), within(_KRIGING_SHARE, 1.0):
                parts = [
                    self._correction(plane, kriged, rows, done / len(chunks))
                    for done, rows in enumerate(chunks)
                ]
            kriged = Kriged(kriged.mean + np.concatenate(parts), kriged.variance)
        return self.prior.decode_ready(positions, plane, kriged)

    def _correction(
        self, plane: NDArray[np.float64], kriged: Kriged, rows: slice, done: float
    ) -> NDArray[np.float64]:
        """What is added to the prior for one chunk of sites."""
        pulse(done)
        prior = Kriged(kriged.mean[rows], kriged.variance[rows])
        sites, near, distance = self.view.look(plane[rows], prior)
        trained, correction = self.trained, np.zeros_like(prior.mean)
        if trained.kernel is not None:
            correction += trained.kernel.at(sites)
        if trained.gate.any():
            batch = as_batch(sites, self.view.tokens, near, distance, None, self.device)
            of_nets = np.mean([self._said(net, batch) for net in trained.nets], axis=0)
            correction += share_at(sites, trained.gate, trained.usual) * of_nets
        return correction

    @staticmethod
    def _said(net: SpotTransformer, batch: Batch) -> NDArray[np.float64]:
        pulse()
        return correct(net, batch)
