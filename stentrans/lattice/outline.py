"""Where the tissue ends: holes inside it, and how far a spot lies from its outline."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import KDTree

from stentrans.lattice import hexagonal, square
from stentrans.lattice.core import Lattice


def find_gaps(lattice: Lattice) -> NDArray[np.int64]:
    """Find the lattice positions enclosed by measured spots but without one.

    Parameters
    ----------
    lattice
        Any lattice; on a thinned one only its own lines count.

    Returns
    -------
    gaps
        Shape ``(n_gaps, 2)``, int64: array_row, array_col, sorted. A position is enclosed if no
        path of neighbouring empty positions leads outside.
    """
    occupied = occupied_raster(lattice)
    return array_of(lattice, enclosed_raster(lattice, occupied)).astype(np.int64)


def find_holes(lattice: Lattice) -> list[NDArray[np.int64]]:
    """Group the gaps of a section into holes, the largest first.

    Parameters
    ----------
    lattice
        As for `find_gaps`.

    Returns
    -------
    holes
        One array per hole, shape ``(n_gaps, 2)``, int64: array_row, array_col, sorted. Gaps that
        are neighbours belong to one hole; a single lost spot is a hole of one.
    """
    enclosed = enclosed_raster(lattice, occupied_raster(lattice))
    labels, n_holes = ndimage.label(enclosed, structure=_reach(lattice))
    holes = [array_of(lattice, labels == i + 1).astype(np.int64) for i in range(n_holes)]
    return sorted(holes, key=len, reverse=True)


def find_empty(lattice: Lattice) -> NDArray[np.int64]:
    """Find all lattice positions without a spot in the rectangle that the section fills.

    Parameters
    ----------
    lattice
        As for `find_gaps`.

    Returns
    -------
    empty
        Shape ``(n_empty, 2)``, int64: array_row, array_col, sorted; gaps and positions outside
        the tissue alike.
    """
    low, high = lattice.array.min(0), lattice.array.max(0)
    corners = lattice.to_raster(np.array([low, [low[0], high[1]], [high[0], low[1]], high]))
    first, last = np.floor(corners.min(0)), np.ceil(corners.max(0))
    grid = np.meshgrid(*(np.arange(a, b + 1) for a, b in zip(first, last, strict=True)))
    places = sorted_array(lattice, np.column_stack([axis.ravel() for axis in grid]))
    inside = ((places >= low) & (places <= high)).all(1)
    kept: NDArray[np.int64] = places[inside & (lattice.find(places) < 0)].astype(np.int64)
    return kept


def edge_distance(lattice: Lattice) -> NDArray[np.float64]:
    """Distance of every spot to the nearest position outside the tissue.

    Parameters
    ----------
    lattice
        As for `find_gaps`.

    Returns
    -------
    distance
        Shape ``(n_spots,)``, in spacings of the lattice: 1 for a spot on the outline. Holes are
        no outside: spots around them may be far from it.
    """
    occupied = occupied_raster(lattice)
    # The empty border is one line wide, so no spot lies beside anything that was left out.
    outside = array_of(lattice, ~occupied & ~enclosed_raster(lattice, occupied))
    tree = KDTree(lattice.plane(outside))
    distance, _ = tree.query(lattice.plane(lattice.array))
    return np.asarray(distance, np.float64)


def hole_depth(lattice: Lattice, gaps: NDArray[np.int64]) -> float:
    """Distance from the middle of a hole to the nearest spot, in spacings; 0 for no gaps.

    Parameters
    ----------
    lattice
        Of the section.
    gaps
        Positions of the hole, shape ``(n_gaps, 2)``: array_row, array_col.
    """
    if not len(gaps):
        return 0.0
    distance, _ = KDTree(lattice.plane(lattice.array)).query(lattice.plane(gaps))
    return float(np.max(distance))


def occupied_raster(lattice: Lattice) -> NDArray[np.bool_]:
    """Raster of measured spots with an empty line on every side."""
    raster = np.rint(lattice.to_raster(lattice.array)).astype(np.int64) + 1
    occupied = np.zeros(raster.max(axis=0) + 2, dtype=bool)
    occupied[raster[:, 0], raster[:, 1]] = True
    return occupied


def enclosed_raster(lattice: Lattice, occupied: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Empty raster positions from which no empty path leads to the border."""
    labels, _ = ndimage.label(~occupied, structure=_reach(lattice))
    # The empty border is one component, so its corner's label marks all that is outside.
    enclosed: NDArray[np.bool_] = ~occupied & (labels != labels[0, 0])
    return enclosed


def raster_positions(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """List raster positions marked in a padded mask, shape ``(n_marked, 2)``."""
    return np.argwhere(mask).astype(np.float64) - 1.0


def array_of(lattice: Lattice, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Array positions marked in a padded mask, sorted by row, then column."""
    return sorted_array(lattice, raster_positions(mask))


def sorted_array(lattice: Lattice, raster: NDArray[np.float64]) -> NDArray[np.float64]:
    """Array positions of raster positions, sorted by row, then column."""
    # Rounding makes halves and quarters exact and thirds reproducible.
    array = np.round(lattice.from_raster(raster), 9) + 0.0
    ordered: NDArray[np.float64] = array[np.lexsort((array[:, 1], array[:, 0]))]
    return ordered


def _reach(lattice: Lattice) -> NDArray[np.bool_]:
    """Which raster positions around one are its neighbours, shape ``(3, 3)``."""
    reach = np.zeros((3, 3), dtype=bool)
    reach[1, 1] = True
    listed = hexagonal.OFFSETS if lattice.kind == "hexagonal" else square.OFFSETS
    for first, second in listed:
        reach[1 + first, 1 + second] = True
    return reach
