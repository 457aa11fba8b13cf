"""Which predicted levels hidden spots confirm: those that went with measurements off average."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stentrans.errors import ShapeError

STANDARD_ERRORS: Final = 3.0
"""Distance from the average that a random handful of spots reaches once in 370 times."""
SPOTS_PER_LEVEL: Final = 50
MOST_LEVELS: Final = 10
FEWEST_LEVELS: Final = 3


@dataclass(frozen=True, eq=False)
class TrustedLevels:
    """Predicted levels of one gene and whether they say anything.

    Parameters
    ----------
    bounds
        Between one level and the next, rising, shape ``(n_levels - 1,)``.
    is_trusted
        Shape ``(n_levels,)``, bool.
    """

    bounds: NDArray[np.float64]
    is_trusted: NDArray[np.bool_]

    def holds(self, values: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Say of each value whether its level is trusted, same shape."""
        found: NDArray[np.bool_] = self.is_trusted[np.searchsorted(self.bounds, values, "right")]
        return found


def trusted_levels(
    predicted: NDArray[np.floating], measured: NDArray[np.floating]
) -> TrustedLevels:
    """Find the levels at which a prediction of hidden spots was right about high or low.

    Spots are sorted by what was predicted for them while they were hidden, and dealt to up to ten
    levels of equal size. A level is trusted if the mean of what was measured there lies three
    standard errors from the mean of all spots: as far as random spots would hardly get.

    Parameters
    ----------
    predicted, measured
        One gene on one scale, shape ``(n_spots,)``; left as they were.

    Returns
    -------
    levels
        Of a gene that cannot be predicted, none is trusted.

    Raises
    ------
    ShapeError
        If the shapes differ or there are no spots.
    """
    if predicted.shape != measured.shape or predicted.ndim != 1 or not predicted.size:
        raise ShapeError(
            "Predicted and measured values must belong to the same spots; got shapes "
            f"{predicted.shape} and {measured.shape}."
        )
    n_levels = int(np.clip(len(predicted) // SPOTS_PER_LEVEL, FEWEST_LEVELS, MOST_LEVELS))
    order = np.argsort(predicted, kind="stable")
    levels = [part for part in np.array_split(order, n_levels) if len(part)]
    mean, spread = float(measured.mean()), float(measured.std())
    off = np.array([abs(float(measured[part].mean()) - mean) for part in levels])
    error = np.array([spread / np.sqrt(len(part)) for part in levels])
    bounds = np.array([float(predicted[part[0]]) for part in levels[1:]])
    return TrustedLevels(bounds, (off > STANDARD_ERRORS * error) & (spread > 0))
