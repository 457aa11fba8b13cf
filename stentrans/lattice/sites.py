"""Sites on a lattice: the measured spots, the gaps between them and finer positions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stentrans.errors import ParameterError, ShapeError
from stentrans.lattice import hexagonal, square
from stentrans.lattice.core import ON_LATTICE, Lattice, find_rows
from stentrans.lattice.outline import (
    array_of,
    enclosed_raster,
    find_gaps,
    occupied_raster,
    raster_positions,
    sorted_array,
)
from stentrans.validate import check_integer

MEASURED: Final = 0
INSERTED: Final = 1
GAP: Final = 2
MAX_FACTOR: Final = 4


@dataclass(frozen=True, eq=False)
class Sites:
    """Positions at which expression is asked for.

    Parameters
    ----------
    array
        Shape ``(n_sites, 2)``, float64: array_row, array_col, fractional between spots.
    origin
        Shape ``(n_sites,)``, int8: 0 measured, 1 inserted, 2 gap, as in ``keys.ORIGINS``.
    spot
        Shape ``(n_sites,)``, int64: index of the measured spot, -1 elsewhere.
    """

    array: NDArray[np.float64]
    origin: NDArray[np.int8]
    spot: NDArray[np.int64]

    def __len__(self) -> int:
        """Count the sites."""
        return len(self.array)


def enhanced_sites(lattice: Lattice, factor: int, *, fill_gaps: bool = True) -> Sites:
    """Lay a finer lattice over the tissue.

    Parameters
    ----------
    lattice
        Where the measured spots lie.
    factor
        Fine steps per lattice step, 1 to 4; 1 adds gaps only.
    fill_gaps
        Also answer at gaps, and between them.

    Returns
    -------
    sites
        Measured spots in their order, then gaps, then inserted sites, both sorted by array_row
        and array_col. An inserted site lies between occupied neighbours, never outside.

    Raises
    ------
    ParameterError
        If ``factor`` is not a whole number from 1 to 4.
    """
    factor = check_integer("factor", factor, low=1, high=MAX_FACTOR)
    occupied = occupied_raster(lattice)
    enclosed = enclosed_raster(lattice, occupied) if fill_gaps else np.zeros_like(occupied)
    gaps = array_of(lattice, enclosed)
    inserted = sorted_array(lattice, _fine_positions(lattice, occupied | enclosed, factor))
    n_new = len(gaps) + len(inserted)
    origin = np.repeat(
        np.array([MEASURED, GAP, INSERTED], np.int8), [lattice.n_spots, len(gaps), len(inserted)]
    )
    return Sites(
        np.concatenate([lattice.array.astype(np.float64), gaps, inserted]),
        origin,
        np.concatenate([np.arange(lattice.n_spots), np.full(n_new, -1)]).astype(np.int64),
    )


def sites_at(lattice: Lattice, array: ArrayLike) -> Sites:
    """Describe positions asked for by the user.

    Parameters
    ----------
    lattice
        Where the measured spots lie.
    array
        Shape ``(n_sites, 2)``: array_row, array_col; fractions, repeats and any order allowed.

    Returns
    -------
    sites
        One per position, in the order given; what is neither a measured spot nor an enclosed
        gap is ``inserted``.

    Raises
    ------
    ShapeError
        If the shape is not ``(n_sites, 2)``.
    ParameterError
        If a position is not finite.
    """
    given = np.array(array, dtype=np.float64)
    if given.ndim != 2 or given.shape[1] != 2:
        raise ShapeError(f"Positions must have shape (n_sites, 2); got {given.shape}.")
    if not np.isfinite(given).all():
        raise ParameterError(
            "Positions must be finite; array_row or array_col holds NaN or infinite values."
        )
    spot = lattice.find(given)
    whole = np.rint(given)
    is_gap = find_rows(find_gaps(lattice), whole.astype(np.int64)) >= 0
    is_gap &= (np.abs(given - whole) <= ON_LATTICE).all(axis=1)
    origin = np.where(spot >= 0, MEASURED, np.where(is_gap, GAP, INSERTED)).astype(np.int8)
    return Sites(given, origin, spot)


def _fine_positions(
    lattice: Lattice, occupied: NDArray[np.bool_], factor: int
) -> NDArray[np.float64]:
    """List raster positions of all inserted sites, each once, shape ``(n_inserted, 2)``."""
    has_site = hexagonal.has_fine_site if lattice.kind == "hexagonal" else square.has_fine_site
    corners = occupied[:-1, :-1], occupied[1:, :-1], occupied[:-1, 1:], occupied[1:, 1:]
    found = [np.zeros((0, 2))]
    for a in range(factor):
        for b in range(factor):
            if (a, b) != (0, 0):
                cells = raster_positions(has_site(corners, a, b, factor))
                found.append(cells + np.array([a, b]) / factor)
    return np.concatenate(found)
