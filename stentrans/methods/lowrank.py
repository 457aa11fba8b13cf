"""Low-rank kriging: leading principal components of log-normalised values, each kriged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix
from scipy.spatial import cKDTree

from stentrans.lattice import Lattice
from stentrans.methods.base import FitOptions, Prediction, Progress, report
from stentrans.methods.components import GENES_AT_ONCE, Components, principal_components
from stentrans.methods.decoding import LEAST_SD, LinearDecoder
from stentrans.methods.factor_kriging import ExactKriging, Floats, Settings, choose_settings
from stentrans.methods.inputs import check_counts, check_positions, check_settings
from stentrans.methods.intervals import detection_groups, group_reach, normal_reach
from stentrans.methods.pattern_kriging import PatternKriging
from stentrans.methods.progress import pulse
from stentrans.preprocess import library_size, log_normalise, median_library
from stentrans.validate import check_integer

RANK: Final = 10
EXACT_UP_TO: Final = 1_200
"""Spots; in larger sections settings come from a part of them and neighbours answer."""
SUBSET: Final = 800
BLOCKS: Final = 8
LEAST_RESIDUAL: Final = 0.05
"""Share of a gene's leave-one-out error that never is put down to the factors."""


class LowrankFitted:
    """Kriged components of one section; the last kriged column is the log library size."""

    def __init__(
        self,
        lattice: Lattice,
        kriging: ExactKriging | PatternKriging,
        decoder: LinearDecoder,
        mean_log_library: float,
        summary: Mapping[str, Any],
    ) -> None:
        self.lattice = lattice
        self.kriging = kriging
        self.decoder = decoder
        self.mean_log_library = mean_log_library
        self.summary = summary

    def predict(self, positions: NDArray[np.float64]) -> Prediction:
        """Component scores at ``positions``, shape ``(n_sites, rank)``, with kriging variance.

        Far from all spots the answer is the section's mean. The variance of the log library is
        that of a measured spot's.
        """
        plane = self.lattice.plane(check_positions(positions))
        mean, variance = self.kriging.predict(plane)
        settings = self.kriging.settings
        noise = settings.nugget[-1] * settings.variance[-1]
        return Prediction(
            factors=mean[:, :-1].astype(np.float32),
            variance=variance[:, :-1].astype(np.float32),
            log_library=(mean[:, -1] + self.mean_log_library).astype(np.float32),
            log_library_variance=(variance[:, -1] + noise).astype(np.float32),
        )


class LowrankKriging:
    """Ten principal components, each kriged by Matérn 3/2 with its own length and nugget.

    Setting ``rank``: number of components, 1 to 100.
    """

    name = "lowrank_kriging"

    def fit(self, counts: csr_matrix, lattice: Lattice, options: FitOptions) -> LowrankFitted:
        """Find components and, by leave-one-out error, how smooth each of them is.

        Parameters
        ----------
        counts
            Shape ``(n_spots, n_genes)``, CSR; left as it was.
        lattice
            Where the spots lie.
        options
            ``seed`` draws the part of a large section (more than 1,200 spots) on which lengths
            and nuggets are chosen.

        Raises
        ------
        ParameterError
            If a setting is unknown or out of range, or counts are negative or not finite.
        ShapeError
            If counts and lattice do not belong together.
        """
        check_settings(self.name, options.settings, ("rank",))
        rank = check_integer("rank", options.settings.get("rank", RANK), low=1, high=100)
        check_counts(counts, lattice)
        target = median_library(counts)
        values = log_normalise(counts, target).tocsc()
        report(options.on_progress, Progress("components", 0.05))
        components = principal_components(values, rank, seed=options.seed)
        log_library = np.log(np.maximum(library_size(counts), 1.0))
        factors = np.column_stack([components.scores, log_library - log_library.mean()])
        report(options.on_progress, Progress("kriging", 0.4))
        kriging = _kriging(lattice.plane(lattice.array), factors, options.seed)
        report(options.on_progress, Progress("residuals", 0.7))
        sd, reach = _left_out_errors(values, components, *kriging.leave_one_out())
        decoder = LinearDecoder(
            components.loadings, components.mean, sd, target=target, reach=reach
        )
        report(options.on_progress, Progress("done", 1.0))
        summary = _summary(lattice, components, kriging.settings, target)
        return LowrankFitted(lattice, kriging, decoder, float(log_library.mean()), summary)


def _kriging(plane: Floats, factors: Floats, seed: int) -> ExactKriging | PatternKriging:
    """Kriging that suits the number of spots."""
    if len(plane) <= EXACT_UP_TO:
        return ExactKriging(plane, factors, choose_settings(plane, factors))
    part = _blocks(plane, seed)
    return PatternKriging(plane, factors, choose_settings(plane[part], factors[part]))


def _blocks(plane: Floats, seed: int) -> NDArray[np.int64]:
    """At most `SUBSET` spots in compact groups, which still tell short lengths from noise."""
    centres = np.random.default_rng(seed).choice(len(plane), BLOCKS, replace=False)
    _, members = cKDTree(plane).query(plane[centres], SUBSET // BLOCKS)
    return np.unique(members)


def _left_out_errors(
    values: csc_matrix, components: Components, left_out: Floats, variance: Floats
) -> tuple[Floats, NDArray[np.float32]]:
    """Standard deviation per gene beyond the factors' own, and the widths of intervals."""
    (n_spots, n_genes), rank = values.shape, components.scores.shape[1]
    residual, reach = np.empty(n_genes), normal_reach(n_genes)
    # The components have seen the spots that are left out here.
    freedom = (n_spots - 1) / max(n_spots - 1 - rank, 1)
    scores, of_factors = left_out[:, :rank], variance[:, :rank]
    rows = np.unique(np.linspace(0, n_spots - 1, SUBSET).astype(int))
    for genes in detection_groups(np.diff(values.indptr) / n_spots):
        off = np.empty((len(rows), len(genes)), np.float32)
        for start in range(0, len(genes), GENES_AT_ONCE):
            pulse()
            part = slice(start, start + GENES_AT_ONCE)
            chunk = genes[part]
            loadings = components.loadings[:, chunk]
            guess = np.maximum(scores @ loadings + components.mean[chunk], 0)
            squared = (values[:, chunk].toarray() - guess) ** 2 * freedom
            error = squared.mean(axis=0)
            known = of_factors.mean(axis=0) @ loadings**2
            residual[chunk] = np.maximum(error - known, LEAST_RESIDUAL * error)
            sd = np.sqrt(of_factors[rows] @ loadings**2 + residual[chunk])
            off[:, part] = np.sqrt(squared[rows]) / np.maximum(sd, LEAST_SD)
        reach[:, genes] = group_reach(off)
    return np.sqrt(residual), reach


def _summary(
    lattice: Lattice, components: Components, settings: Settings, target: float
) -> dict[str, Any]:
    """JSON-ready facts; the last length and nugget belong to the log library."""
    return {
        "n_spots": lattice.n_spots,
        "rank": components.scores.shape[1],
        "target": target,
        "lengths": settings.length.tolist(),
        "nuggets": settings.nugget.tolist(),
    }
