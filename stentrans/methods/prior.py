"""The spatial prior: a count model of the composition on kriged factors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from stentrans.lattice import Lattice
from stentrans.methods.averaged_kriging import AveragedKriging
from stentrans.methods.base import FitOptions, Prediction, Progress, report
from stentrans.methods.composition import CompositionDecoder
from stentrans.methods.count_model import Loadings
from stentrans.methods.expression import (
    assemble,
    basis_loadings,
    calibrate,
    fit_decoder,
    preview_of,
    with_own_counts,
)
from stentrans.methods.factors import Observed, find_factors, observe
from stentrans.methods.inputs import check_counts, check_positions, check_settings
from stentrans.methods.local_kriging import Kriged
from stentrans.validate import check_integer, check_number

_LIBRARY_EXACT_UP_TO = 400  # spots: one smooth curve needs fewer than thirty factors


@dataclass(frozen=True)
class PriorSettings:
    """Settings of the spatial prior.

    Parameters
    ----------
    rank
        Most factors kept; the evidence silences those that nothing follows.
    min_share
        Genes seen in more than this share of spots find the factors; all genes are decoded.
    """

    rank: int = 30
    min_share: float = 0.1

    @classmethod
    def checked(cls, given: Mapping[str, Any]) -> PriorSettings:
        """Build from settings by name; raise ParameterError for unknown or bad ones."""
        check_settings("prior", given, ("rank", "min_share"))
        made = cls(**given)
        check_integer("rank", made.rank, low=1, high=200)
        check_number("min_share", made.min_share, low=0.0, high=0.9)
        return made


@dataclass(frozen=True)
class SpatialFactors:
    """Factors of a section and how they vary in space; expression comes later.

    Parameters
    ----------
    observed
        The spots with counts.
    lattice
        Gives positions their plane coordinates.
    factors
        Unit-variance factors of the spots, shape ``(n_spots, rank)``.
    kriging, library_kriging
        Of the factors and of the log library.
    left_out
        Leave-one-out kriging of the factors at the spots.
    library_left_out
        The same of the log library.
    loadings
        Of the genes that found the factors.
    """

    observed: Observed
    lattice: Lattice
    factors: NDArray[np.float64]
    kriging: AveragedKriging
    library_kriging: AveragedKriging
    left_out: Kriged
    library_left_out: Kriged
    loadings: Loadings

    @property
    def pattern(self) -> NDArray[np.int64]:
        """The factors that space predicts."""
        return np.flatnonzero(self.kriging.no_pattern.weight < 0.5)


class FittedPrior:
    """Kriged factors and their decoder; predicts at any position.

    Parameters
    ----------
    spatial
        Factors and their kriging.
    left_out
        Predictions of the factors at unseen spots, which decide how far each is trusted.
    seed
        Draws the spots on which the sd is calibrated.
    """

    def __init__(self, spatial: SpatialFactors, left_out: Kriged, seed: int) -> None:
        observed = spatial.observed
        self.spatial = spatial
        self.centre = observed.library @ left_out.mean / observed.library.sum()
        error = np.log(observed.library)[:, None] - spatial.library_left_out.mean
        self.library_error = float((error**2).mean())
        decoder, belief = fit_decoder(
            observed, spatial.factors, spatial.loadings, left_out.mean - self.centre
        )
        self.belief = belief
        at_spots = self._assemble(decoder, left_out, spatial.library_left_out)
        self.decoder = calibrate(decoder, observed, at_spots, np.random.default_rng(seed))
        self.summary: Mapping[str, Any] = {
            "rank": spatial.factors.shape[1],
            "basis_genes": len(observed.basis),
            "trust": _rounded(belief),
            "no_pattern_probability": _rounded(spatial.kriging.no_pattern.weight),
        }

    def predict(self, positions: NDArray[np.float64]) -> Prediction:
        """Factors at ``positions``; see `stentrans.methods.base.Fitted`."""
        plane = self.spatial.lattice.plane(check_positions(positions))
        return self.decode_ready(positions, plane, self.spatial.kriging.predict(plane))

    def decode_ready(
        self, positions: NDArray[np.float64], plane: NDArray[np.float64], factors: Kriged
    ) -> Prediction:
        """Join factors at positions with the library there, and with what was measured there."""
        spatial = self.spatial
        library = spatial.library_kriging.predict(plane)
        found = spatial.lattice.find(np.asarray(positions, np.float64))
        spot = np.where(found >= 0, spatial.observed.row[found], -1)
        predicted = self._assemble(self.decoder, factors, library)
        return with_own_counts(predicted, spatial.observed, spot)

    def _assemble(
        self, decoder: CompositionDecoder, factors: Kriged, library: Kriged
    ) -> Prediction:
        return assemble(decoder, factors, library, self.centre, self.library_error)


class Prior:
    """`prior`: count model on averaged kriging, no Transformer."""

    name = "prior"

    def fit(self, counts: csr_matrix, lattice: Lattice, options: FitOptions) -> FittedPrior:
        """Fit the factors, their covariance, the loadings and the library model."""
        settings = PriorSettings.checked(options.settings)
        spatial = fit_spatial(counts, lattice, settings, options)
        preview = preview_of(spatial.observed, spatial.loadings, spatial.left_out.mean)
        report(options.on_progress, Progress("learning expression", 0.6, preview=preview))
        return FittedPrior(spatial, spatial.left_out, options.seed)


def fit_spatial(
    counts: csr_matrix, lattice: Lattice, settings: PriorSettings, options: FitOptions
) -> SpatialFactors:
    """Find the factors and krige them; see `SpatialFactors`."""
    check_counts(counts, lattice)
    rng = np.random.default_rng(options.seed)
    observed = observe(counts, lattice, settings.min_share)
    report(options.on_progress, Progress("finding factors", 0.02))
    factors, noise = find_factors(observed, settings.rank, options.seed)
    report(options.on_progress, Progress("kriging factors", 0.05))
    kriging = AveragedKriging(observed.plane, factors, noise, rng)
    log_library = np.log(observed.library)[:, None]
    library_kriging = AveragedKriging(
        observed.plane, log_library, np.ones_like(noise), rng, exact_up_to=_LIBRARY_EXACT_UP_TO
    )
    left_out = kriging.leave_one_out()
    report(options.on_progress, Progress("learning loadings", 0.15))
    return SpatialFactors(
        observed=observed,
        lattice=lattice,
        factors=factors,
        kriging=kriging,
        library_kriging=library_kriging,
        left_out=left_out,
        library_left_out=library_kriging.leave_one_out(),
        loadings=basis_loadings(observed, factors),
    )


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [round(float(value), 3) for value in values]
