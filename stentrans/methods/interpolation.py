"""Nearest, linear and cubic interpolation, gene by gene but all genes at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix, vstack

from stentrans.lattice import Lattice
from stentrans.methods.base import FitOptions, Prediction, Progress, report
from stentrans.methods.decoding import LEAST_SD, LinearDecoder
from stentrans.methods.inputs import check_counts, check_positions, check_settings
from stentrans.methods.intervals import detection_groups, group_reach, normal_reach
from stentrans.methods.progress import pulse
from stentrans.methods.weights import CubicWeights, LinearWeights, NearestWeights, Weights
from stentrans.preprocess import library_size, log_normalise, median_library

N_FOLDS: Final = 5
GENES_AT_ONCE: Final = 512
SPOTS_FOR_REACH: Final = 800


class InterpolationFitted:
    """Interpolation weights of one section, with the decoder that holds its values."""

    def __init__(
        self,
        weights: Weights,
        decoder: LinearDecoder,
        log_library: NDArray[np.float64],
        log_library_variance: float,
        summary: Mapping[str, Any],
    ) -> None:
        self.weights = weights
        self.decoder = decoder
        self.log_library = log_library
        self.log_library_variance = log_library_variance
        self.summary = summary

    def predict(self, positions: NDArray[np.float64]) -> Prediction:
        """Weights of the measured spots at ``positions``, shape ``(n_sites, 2)``, CSR float32.

        Outside the hull of all spots the nearest one counts alone.
        """
        weights = self.weights(check_positions(positions))
        return Prediction(
            factors=weights.astype(np.float32),
            variance=None,
            log_library=(weights @ self.log_library).astype(np.float32),
            log_library_variance=np.full(weights.shape[0], self.log_library_variance, np.float32),
        )


class _Interpolation:
    """Shared by the three: only the weights differ."""

    name: str
    make_weights: Callable[[Lattice, NDArray[np.int64]], Weights]

    def fit(self, counts: csr_matrix, lattice: Lattice, options: FitOptions) -> InterpolationFitted:
        """Set up weights, and measure on left-out spots how wrong they are.

        Parameters
        ----------
        counts
            Shape ``(n_spots, n_genes)``, CSR; left as it was.
        lattice
            Where the spots lie.
        options
            ``seed`` deals the spots to five folds; no settings.

        Raises
        ------
        ParameterError
            If settings are given, or counts are negative or not finite.
        ShapeError
            If counts and lattice do not belong together.
        """
        check_settings(self.name, options.settings, ())
        check_counts(counts, lattice)
        target = median_library(counts)
        values = log_normalise(counts, target).tocsc()
        log_library = np.log(np.maximum(library_size(counts), 1.0))
        left_out = self._left_out_weights(lattice, options.seed)
        report(options.on_progress, Progress("hold-out", 0.2))
        variance = np.mean((left_out @ log_library - log_library) ** 2)
        sd, reach = _left_out_errors(left_out, values, options)
        decoder = LinearDecoder(values, np.zeros(values.shape[1]), sd, target=target, reach=reach)
        weights = type(self).make_weights(lattice, np.arange(lattice.n_spots))
        report(options.on_progress, Progress("done", 1.0))
        summary = {"n_spots": lattice.n_spots, "n_folds": N_FOLDS, "target": target}
        return InterpolationFitted(weights, decoder, log_library, float(variance), summary)

    def _left_out_weights(self, lattice: Lattice, seed: int) -> csr_matrix:
        """Weights that predict each spot without its fold, shape ``(n_spots, n_spots)``."""
        order = np.random.default_rng(seed).permutation(lattice.n_spots)
        if lattice.n_spots < 2:
            return csr_matrix(np.eye(lattice.n_spots))
        parts = []
        folds = np.array_split(order, min(N_FOLDS, lattice.n_spots))
        for fold in folds:
            kept = np.setdiff1d(order, fold)
            parts.append(type(self).make_weights(lattice, kept)(lattice.array[fold].astype(float)))
        weights: csr_matrix = vstack(parts, format="csr")[np.argsort(order)]
        return weights


def _left_out_errors(
    left_out: csr_matrix, values: csc_matrix, options: FitOptions
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Root mean squared error at left-out spots per gene, and the interval widths they ask for."""
    n_spots, n_genes = values.shape
    sd, reach, done = np.zeros(n_genes), normal_reach(n_genes), 0
    rows = np.unique(np.linspace(0, n_spots - 1, SPOTS_FOR_REACH).astype(int))
    for genes in detection_groups(np.diff(values.indptr) / n_spots):
        off = np.empty((len(rows), len(genes)), np.float32)
        for start in range(0, len(genes), GENES_AT_ONCE):
            pulse()
            part = slice(start, start + GENES_AT_ONCE)
            measured = values[:, genes[part]].toarray()
            miss = np.maximum(left_out @ measured, 0) - measured
            sd[genes[part]] = np.sqrt((miss**2).mean(axis=0))
            off[:, part] = np.abs(miss[rows]) / np.maximum(sd[genes[part]], LEAST_SD)
        reach[:, genes] = group_reach(off)
        done += len(genes)
        report(options.on_progress, Progress("hold-out", 0.2 + 0.7 * done / n_genes))
    return sd, reach


class Nearest(_Interpolation):
    """The value of the nearest measured spot."""

    name = "nearest"
    make_weights = NearestWeights


class Linear(_Interpolation):
    """Linear interpolation in triangles of measured spots."""

    name = "linear"
    make_weights = LinearWeights


class Cubic(_Interpolation):
    """Cubic convolution (Keys) along the two lattice axes."""

    name = "cubic"
    make_weights = CubicWeights
