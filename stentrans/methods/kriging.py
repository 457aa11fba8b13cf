"""Kriging gene by gene: each gene with the Matérn 3/2 setting of its least leave-one-out error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from stentrans.lattice import Lattice
from stentrans.methods.base import FitOptions, OnProgress, Prediction, Progress, report
from stentrans.methods.decoding import LEAST_SD, LinearDecoder
from stentrans.methods.inputs import check_counts, check_positions, check_settings
from stentrans.methods.intervals import detection_groups, group_reach, normal_reach
from stentrans.methods.kriging_weights import SETTINGS, KrigingWeights, in_blocks
from stentrans.methods.progress import pulse
from stentrans.preprocess import library_size, log_normalise, median_library

SPOTS_FOR_CHOICE: Final = 800
GENES_AT_ONCE: Final = 256

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Choice:
    """What left-out spots say of each gene.

    Parameters
    ----------
    setting
        Index in `SETTINGS`, shape ``(n_genes,)``.
    sd
        Root mean squared error with it, shape ``(n_genes,)``.
    reach
        Half-widths of intervals, shape ``(3, n_genes)``.
    """

    setting: NDArray[np.int64]
    sd: Floats
    reach: NDArray[np.float32]


class KrigingFitted:
    """Kriging weights of one section, with the decoder that holds its values."""

    def __init__(
        self,
        lattice: Lattice,
        weights: KrigingWeights,
        decoder: LinearDecoder,
        log_library: csr_matrix,
        log_library_variance: float,
        summary: Mapping[str, Any],
    ) -> None:
        self.lattice = lattice
        self.weights = weights
        self.decoder = decoder
        self.log_library = log_library
        self.log_library_variance = log_library_variance
        self.summary = summary

    def predict(self, positions: NDArray[np.float64]) -> Prediction:
        """Weights of nearby spots at ``positions``, shape ``(n_sites, 2)``, CSR float32.

        Far from all spots the answer is the mean of the gene.
        """
        factors = self.weights.at(self.lattice.plane(check_positions(positions)))
        n_sites = factors.shape[0]
        return Prediction(
            factors=factors,
            variance=None,
            log_library=(factors @ self.log_library).toarray()[:, 0].astype(np.float32),
            log_library_variance=np.full(n_sites, self.log_library_variance, np.float32),
        )


class Kriging:
    """Every gene kriged by itself, in the one of six settings that left-out spots favour."""

    name = "kriging"

    def fit(self, counts: csr_matrix, lattice: Lattice, options: FitOptions) -> KrigingFitted:
        """Choose a setting for each gene and for the library size.

        Parameters
        ----------
        counts
            Shape ``(n_spots, n_genes)``, CSR; left as it was.
        lattice
            Where the spots lie.
        options
            ``seed`` draws the 800 spots of a larger section that are left out one by one; no
            settings.

        Raises
        ------
        ParameterError
            If settings are given, or counts are negative or not finite.
        ShapeError
            If counts and lattice do not belong together.
        """
        check_settings(self.name, options.settings, ())
        check_counts(counts, lattice)
        library, target = library_size(counts), median_library(counts)
        spots = np.flatnonzero(library > 0) if library.any() else np.arange(len(library))
        values = log_normalise(counts, target)
        report(options.on_progress, Progress("weights", 0.05))
        weights = KrigingWeights(lattice.plane(lattice.array), spots)
        rng = np.random.default_rng(options.seed)
        chosen = np.sort(rng.choice(spots, min(len(spots), SPOTS_FOR_CHOICE), replace=False))
        left_out = weights.left_out(chosen)
        mean = np.asarray(values.sum(axis=0, dtype=np.float64)).ravel() / len(spots)
        choice = _choose(left_out, values, mean, chosen, options.on_progress)
        decoder = LinearDecoder(
            in_blocks(values.tocsc(), mean, choice.setting),
            np.zeros(len(mean)),
            choice.sd,
            target=target,
            reach=choice.reach,
        )
        log_library = csr_matrix(np.log(np.maximum(library, 1.0))[:, None])
        typical = np.array([log_library.sum() / len(spots)])
        of_library = _choose(left_out, log_library, typical, chosen, None)
        report(options.on_progress, Progress("done", 1.0))
        return KrigingFitted(
            lattice,
            weights,
            decoder,
            csr_matrix(in_blocks(log_library.tocsc(), typical, of_library.setting)),
            float(of_library.sd[0] ** 2),
            _summary(lattice, choice, target),
        )


def _choose(
    left_out: csr_matrix,
    values: csr_matrix,
    mean: Floats,
    chosen: NDArray[np.int64],
    on_progress: OnProgress | None,
) -> Choice:
    """Try all settings at the chosen spots, each predicted from the others."""
    n_spots, n_genes = values.shape
    n_blocks = len(SETTINGS)
    blocks = [left_out[:, k * n_spots : (k + 1) * n_spots] for k in range(n_blocks)]
    rest = left_out[:, n_blocks * n_spots :].toarray()
    # In a large section only the chosen spots and their neighbours are looked at.
    used = np.union1d(chosen, np.unique(left_out.indices % n_spots))
    blocks = [block[:, used] for block in blocks]
    here, known = np.searchsorted(used, chosen), values[used].tocsc()
    setting, sd, reach = np.zeros(n_genes, np.int64), np.zeros(n_genes), normal_reach(n_genes)
    done = 0
    for genes in detection_groups(np.bincount(values.indices, minlength=n_genes) / n_spots):
        off = np.empty((len(chosen), len(genes)), np.float32)
        for start in range(0, len(genes), GENES_AT_ONCE):
            part = slice(start, start + GENES_AT_ONCE)
            chunk = genes[part]
            dense, centre = known[:, chunk].toarray(), mean[chunk].astype(np.float32)
            truth, least = dense[here], np.full(len(chunk), np.inf)
            for k, block in enumerate(blocks):
                pulse()
                guess = np.maximum(block @ dense + rest[:, k : k + 1] * centre, 0)
                error = ((guess - truth) ** 2).mean(axis=0, dtype=np.float64)
                better = error < least
                least[better] = error[better]
                setting[chunk[better]] = k
                off[:, start + np.flatnonzero(better)] = np.abs(guess - truth)[:, better]
            sd[chunk] = np.sqrt(least)
            off[:, part] /= np.maximum(sd[chunk], LEAST_SD)
        reach[:, genes] = group_reach(off)
        done += len(genes)
        report(on_progress, Progress("leaving spots out", 0.1 + 0.8 * done / n_genes))
    return Choice(setting, sd, reach)


def _summary(lattice: Lattice, choice: Choice, target: float) -> dict[str, Any]:
    """JSON-ready facts; one number of genes per setting."""
    return {
        "n_spots": lattice.n_spots,
        "target": target,
        "lengths": [length for length, _ in SETTINGS],
        "nuggets": [nugget for _, nugget in SETTINGS],
        "genes_per_setting": np.bincount(choice.setting, minlength=len(SETTINGS)).tolist(),
    }
