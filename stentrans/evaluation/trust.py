"""Which predicted levels hidden spots confirm: those that went with measurements off average."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from stentrans.errors import ShapeError

STANDARD_ERRORS: Final = 3.0
"""Distance from the average that a random handful of spots reaches once in 370 times."""
SPOTS_PER_LEVEL: Final = 30
MOST_LEVELS: Final = 20
FEWEST_LEVELS: Final = 3
_LEAST: Final = 1e-12


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

    Spots are sorted by what was predicted for them while they were hidden, and dealt to up to
    twenty levels of equal size. Higher predictions should go with higher measurements: levels that
    break this order are joined (isotonic regression). A level is trusted if the mean of what was
    measured there lies three standard errors from the mean of all spots, as far as random spots
    would hardly get; so is every level beyond it.

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
    sizes = np.array([len(part) for part in levels], float)
    mean, spread = float(measured.mean()), float(measured.std())
    fitted = isotonic_regression([float(measured[part].mean()) for part in levels], weights=sizes).x
    joined = np.array([sizes[fitted == value].sum() for value in fitted])
    off = (fitted - mean) / max(spread, _LEAST) * np.sqrt(joined)
    is_high = np.maximum.accumulate(off > STANDARD_ERRORS)
    is_low = np.maximum.accumulate((off < -STANDARD_ERRORS)[::-1])[::-1]
    bounds = np.array([float(predicted[part[0]]) for part in levels[1:]])
    return TrustedLevels(bounds, is_high | is_low)
