"""Kriging from the nearest spots, for sections too large to use all of them."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from stentrans.methods.factor_kriging import Floats, Settings, left_variance
from stentrans.methods.local_kriging import matern
from stentrans.methods.progress import pulse

N_NEAREST: Final = 64
N_SPARE: Final = 24
"""More spots are looked up, so that ties at the edge of a neighbourhood are cut the same way."""
SITES_AT_ONCE: Final = 2_048
SYSTEMS_AT_ONCE: Final = 256
DECIMALS: Final = 6
"""Of a pitch: neighbourhoods that agree so far are the same."""


class PatternKriging:
    """Kriging of each site from its 64 nearest spots: cost grows with the number of sites only.

    Neighbourhoods of the same pattern, as nearly all have on a lattice, share their weights.

    Parameters
    ----------
    plane
        Positions of the spots, shape ``(n_spots, 2)``, in pitches.
    factors
        Shape ``(n_spots, n_factors)``, of mean 0.
    settings
        Of each factor.
    """

    def __init__(self, plane: Floats, factors: Floats, settings: Settings) -> None:
        self.plane = plane
        self.factors = factors
        self.settings = settings
        self.tree = cKDTree(plane)

    def predict(self, at: Floats) -> tuple[Floats, Floats]:
        """Krige the noise-free factors at ``at``: mean and variance, ``(n_sites, n_factors)``."""
        return self._krige(at, skip=0)

    def leave_one_out(self) -> tuple[Floats, Floats]:
        """As `predict`, at each spot from all others."""
        return self._krige(self.plane, skip=1)

    def _krige(self, at: Floats, *, skip: int) -> tuple[Floats, Floats]:
        mean, explained = np.zeros((2, len(at), self.factors.shape[1]))
        pairs = np.column_stack([self.settings.length, self.settings.nugget])
        for start in range(0, len(at), SITES_AT_ONCE):
            rows = slice(start, start + SITES_AT_ONCE)
            near, offset = neighbourhoods(self.tree, at[rows], N_NEAREST, skip=skip)
            patterns, which = patterns_of(offset)
            for length, nugget in np.unique(pairs, axis=0):
                of = np.flatnonzero((pairs == (length, nugget)).all(axis=1))
                weights, share = pattern_weights(patterns, float(length), float(nugget))
                values = self.factors[near[:, :, None], of]
                mean[rows, of] = np.einsum("nk,nkf->nf", weights[which], values)
                explained[rows, of] = share[which, None]
        return mean, left_variance(explained, self.settings)


def neighbourhoods(
    tree: cKDTree, at: Floats, n_nearest: int, *, skip: int = 0
) -> tuple[NDArray[np.int64], Floats]:
    """Nearest spots and the way to them, in an order that depends on geometry only.

    Parameters
    ----------
    tree
        Of the positions of the spots, in pitches.
    at
        Shape ``(n_sites, 2)``, in pitches.
    n_nearest
        Spots per site; fewer where the section has fewer.
    skip
        Leaves out so many of the nearest: 1 for a spot, which is nearest to itself.

    Returns
    -------
    near
        Indices of spots, shape ``(n_sites, n_near)``, the nearest first.
    offset
        From site to spot, shape ``(n_sites, n_near, 2)``, rounded to 6 decimals.
    """
    n_asked = min(n_nearest + N_SPARE + skip, tree.n)
    near = np.asarray(tree.query(at, range(1, n_asked + 1))[1], dtype=np.int64)
    offset = np.round(np.asarray(tree.data)[near] - at[:, None], DECIMALS)
    distance = np.round((offset**2).sum(axis=2), DECIMALS)
    order = np.lexsort((offset[:, :, 1], offset[:, :, 0], distance), axis=1)
    order = order[:, skip : skip + n_nearest]
    return (
        np.take_along_axis(near, order, axis=1),
        # Adding 0 turns -0 into 0, which would count as another pattern.
        np.take_along_axis(offset, order[:, :, None], axis=1) + 0.0,
    )


def patterns_of(offset: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Different neighbourhoods ``(n_patterns, n_near, 2)``, and which of them each site has."""
    alike, which = np.unique(offset.reshape(len(offset), -1), axis=0, return_inverse=True)
    return alike.reshape(-1, *offset.shape[1:]), which.ravel()


def pattern_weights(patterns: Floats, length: float, nugget: float) -> tuple[Floats, Floats]:
    """Weights ``(n_patterns, n_near)`` and explained share ``(n_patterns,)``, Matérn 3/2."""
    weights = np.empty(patterns.shape[:2])
    share = np.empty(len(patterns))
    for start in range(0, len(patterns), SYSTEMS_AT_ONCE):
        pulse()
        rows = slice(start, start + SYSTEMS_AT_ONCE)
        part = patterns[rows]
        between = np.linalg.norm(part[:, :, None] - part[:, None], axis=3)
        system = matern(between, length) + nugget * np.eye(part.shape[1])
        towards = matern(np.linalg.norm(part, axis=2), length)
        weights[rows] = np.linalg.solve(system, towards[:, :, None])[:, :, 0]
        share[rows] = (weights[rows] * towards).sum(axis=1)
    return weights, share
