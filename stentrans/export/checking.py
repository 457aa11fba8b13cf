"""Written files are read again: their sums must be those of what was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stentrans.errors import StoreError

_RELATIVE = 1e-5
"""Sums of float32 values that were added in another order differ by less."""


@dataclass(frozen=True, eq=False)
class Margins:
    """Sums of a matrix over its rows and over its columns, added up part by part.

    A value that is lost, changed or in another place shows in them.

    Parameters
    ----------
    by_site, by_gene
        Float64, NaN counted as 0; shapes ``(n_sites,)`` and ``(n_genes,)``.
    """

    by_site: NDArray[np.float64]
    by_gene: NDArray[np.float64]

    @classmethod
    def empty(cls, shape: tuple[int, int]) -> Margins:
        """Return those of a matrix of which nothing was added yet."""
        return cls(np.zeros(shape[0]), np.zeros(shape[1]))

    def add(self, sites: slice, genes: slice, values: NDArray[np.floating]) -> None:
        """Add the values of some sites and genes."""
        if (is_nan := np.isnan(values)).any():
            values = np.where(is_nan, np.float32(0), values)
        self.by_site[sites] += values.sum(axis=1, dtype=np.float64)
        self.by_gene[genes] += values.sum(axis=0, dtype=np.float64)

    def equals(self, other: Margins) -> bool:
        """Say whether both are those of one matrix, but for rounding."""
        return _alike(self.by_site, other.by_site) and _alike(self.by_gene, other.by_gene)


def empty_margins(names: tuple[str, ...], shape: tuple[int, int]) -> dict[str, Margins]:
    """Return empty margins for the values and each layer."""
    return {name: Margins.empty(shape) for name in names}


def compare(path: Path, written: Mapping[str, Margins], read: Mapping[str, Margins]) -> None:
    """Raise StoreError unless a file holds what was written into it."""
    for name, margins in written.items():
        if name not in read or not margins.equals(read[name]):
            raise unlike(path, name)


def unlike(path: Path, what: str) -> StoreError:
    """Return the error for a file that does not hold what was written."""
    return StoreError(
        f"A written file must hold what was written; {path.name} does not ({what} differs). "
        "The disk may be full or failing: write it again, elsewhere if it happens twice."
    )


def _alike(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    if one.shape != other.shape:
        return False
    scale = max(float(np.abs(one).max(initial=0.0)), 1e-30)
    return bool(np.allclose(one, other, rtol=_RELATIVE, atol=_RELATIVE * scale * 1e-2))
