"""The protocol that every method follows: counts and a lattice in, factors at any position out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from stentrans.lattice import Lattice
from stentrans.methods.own_counts import OwnCounts
from stentrans.methods.progress import OnProgress as OnProgress
from stentrans.methods.progress import Progress as Progress
from stentrans.methods.progress import report as report

Scale = Literal["log", "counts", "composition"]


@dataclass(frozen=True)
class FitOptions:
    """What every method is told beside the data.

    Parameters
    ----------
    seed
        Seeds every random choice of the method.
    device
        ``"auto"``, ``"cpu"`` or ``"cuda"``; only methods with torch look at it.
    settings
        The method's own settings by name; each method checks them.
    on_progress
        Gets a `Progress` now and then; may return False to cancel, or `progress.ENOUGH`.
    """

    seed: int = 0
    device: str = "auto"
    settings: Mapping[str, Any] = field(default_factory=dict)
    on_progress: OnProgress | None = None


@dataclass(frozen=True)
class Prediction:
    """Factors at positions.

    Parameters
    ----------
    factors
        Shape ``(n_sites, rank)``, float32, dense or CSR.
    variance
        Same shape, float32: variance of each factor; None where the method has none.
    log_library
        Shape ``(n_sites,)``, float32: expected natural log of the library size.
    log_library_variance
        Shape ``(n_sites,)``, float32; 0 where the library was measured.
    own
        Counts of the sites that were measured themselves, for methods that use them; else None.
    """

    factors: NDArray[np.float32] | csr_matrix
    variance: NDArray[np.float32] | None
    log_library: NDArray[np.float32]
    log_library_variance: NDArray[np.float32]
    own: OwnCounts | None = None

    def rows(self, sites: slice | NDArray[np.int64]) -> Prediction:
        """That of some sites."""
        return Prediction(
            factors=self.factors[sites],
            variance=None if self.variance is None else self.variance[sites],
            log_library=self.log_library[sites],
            log_library_variance=self.log_library_variance[sites],
            own=None if self.own is None else self.own.rows(sites),
        )


class Decoder(Protocol):
    """Turns factors into values of chosen genes; holds loadings and the library model."""

    kind: str

    @property
    def genes_at_once(self) -> int | None:
        """How many genes are best asked for together, at all sites; None: all genes, few sites.

        A number means that a gene costs much by itself, whatever the number of sites. Asking
        again for the same genes, up to that many, on another scale or at other sites, is cheap.
        """
        ...

    def decode(
        self, prediction: Prediction, genes: NDArray[np.int64], scale: Scale
    ) -> NDArray[np.float32]:
        """Values, shape ``(n_sites, n_genes_asked)``, float32, non-negative and finite.

        ``"log"``: expected log1p of counts scaled to the section's median library, at the
        interpolated library. ``"counts"``: expected counts at the interpolated library.
        ``"composition"``: as ``"log"``, but at the median library everywhere.
        """
        ...

    def sd(self, prediction: Prediction, genes: NDArray[np.int64]) -> NDArray[np.float32]:
        """Standard deviation of ``"log"`` values around what a measurement would show."""
        ...

    def mean_and_sd(
        self, prediction: Prediction, genes: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """``"log"`` values and their `sd`; where both are needed, at little more than one costs."""
        ...

    def interval(
        self, prediction: Prediction, genes: NDArray[np.int64], level: float
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Bounds that hold a share ``level`` (0.5, 0.8 or 0.95) of measured ``"log"`` values.

        Lower and upper, each of shape ``(n_sites, n_genes_asked)``, float32, at least 0.
        """
        ...

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Everything needed to rebuild the decoder, as plain numeric arrays."""
        ...


class Fitted(Protocol):
    """A method after training on one section."""

    decoder: Decoder
    summary: Mapping[str, Any]
    """JSON-ready facts about the fit (rank, gate, losses), for the provenance."""

    def predict(self, positions: NDArray[np.float64]) -> Prediction:
        """Factors at ``positions``, shape ``(n_sites, 2)``: array_row, array_col, maybe fractional.

        The answer at one position does not depend on which others are asked for.
        """
        ...


class Method(Protocol):
    """An upsampler."""

    name: str

    def fit(self, counts: csr_matrix, lattice: Lattice, options: FitOptions) -> Fitted:
        """Learn from measured spots.

        ``counts`` is CSR float32, shape ``(n_spots, n_genes)``, row i at ``lattice.array[i]``;
        it is left as it was. Raises ParameterError for unknown or bad settings.
        """
        ...
