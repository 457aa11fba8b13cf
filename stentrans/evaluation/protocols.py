"""Which spots are hidden."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from stentrans.errors import ParameterError
from stentrans.lattice import Lattice

Protocol = Literal["thinning", "scattered", "holes", "counts"]

PROTOCOLS: Final = {
    "thinning": "every second lattice line of both axes kept; the x2 task in reverse",
    "scattered": "a random fifth of the spots hidden",
    "holes": "one round hole of about a tenth of the spots",
    "counts": "one binomial half of the counts predicts the other, in place",
}
LIKE_HOLES: Final = "holes like it"
"""What `stentrans.evaluation.lost` hides: areas shaped like the lost ones, elsewhere."""
DEFAULT_REPEATS: Final = {"thinning": 4, "scattered": 5, "holes": 5, "counts": 2}
_PHASES: Final = ((0, 0), (1, 1), (0, 1), (1, 0))
_HIDDEN_SHARE: Final = 0.1
N_FOLDS: Final = 5


@dataclass(frozen=True)
class Split:
    """One hold-out.

    Parameters
    ----------
    seen
        Counts that the method gets, CSR, shape ``(n_kept, n_genes)``.
    kept, hidden
        Spots that the method gets and spots that are scored, indices.
    truth
        Counts to be predicted, CSR, one row per hidden spot.
    """

    seen: csr_matrix
    kept: NDArray[np.int64]
    hidden: NDArray[np.int64]
    truth: csr_matrix


def splits(
    counts: csr_matrix, lattice: Lattice, protocol: Protocol, repeats: int, seed: int
) -> Iterator[Split]:
    """Hide spots, or half of the counts, ``repeats`` times.

    Parameters
    ----------
    counts
        CSR, shape ``(n_spots, n_genes)``; left as it was.
    lattice
        Where the spots lie.
    protocol
        One of `PROTOCOLS`.
    repeats
        At most 4 phases for ``"thinning"`` and 5 complementary fifths for ``"scattered"``.
    seed
        Draws what is hidden.

    Raises
    ------
    ParameterError
        If more repeats are asked for than the protocol has.
    """
    if protocol == "counts":
        return _count_halves(counts, repeats, np.random.default_rng(seed))
    masks = hidden_masks(lattice, protocol, repeats, seed)
    return (_spot_split(counts, hidden) for hidden in masks)


def hidden_masks(
    lattice: Lattice, protocol: Protocol, repeats: int, seed: int
) -> list[NDArray[np.bool_]]:
    """Mark the spots that each repeat scores; see `splits`, which hides the same.

    Parameters
    ----------
    lattice, protocol, repeats, seed
        As for `splits`.

    Returns
    -------
    masks
        Each of shape ``(n_spots,)``; all True for ``"counts"``, which hides counts, not spots.

    Raises
    ------
    ParameterError
        If more repeats are asked for than the protocol has.
    """
    most = {"thinning": len(_PHASES), "scattered": N_FOLDS}.get(protocol)
    if most is not None and repeats > most:
        raise ParameterError(
            f"repeats must be at most {most} for the protocol {protocol}, which then has hidden "
            f"every spot it can; got {repeats}."
        )
    rng = np.random.default_rng(seed)
    if protocol == "thinning":
        return [_is_thinned(lattice, _PHASES[i]) for i in range(repeats)]
    if protocol == "scattered":
        fold = scattered_folds(lattice.n_spots, rng)
        return [fold == i for i in range(repeats)]
    if protocol == "holes":
        return [_is_in_hole(lattice, rng) for _ in range(repeats)]
    return [np.ones(lattice.n_spots, dtype=bool)] * repeats


def scattered_folds(n_spots: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Assign every spot to one of five folds of equal size, shape ``(n_spots,)``."""
    return rng.permutation(np.arange(n_spots) % N_FOLDS)


def _is_thinned(lattice: Lattice, phase: tuple[int, int]) -> NDArray[np.bool_]:
    """Mark the spots that a phase hides."""
    lines = (lattice.axial - lattice.axial.min(0)) // np.array(lattice.step)
    return np.asarray((lines % 2 != np.array(phase)).any(1))


def _is_in_hole(lattice: Lattice, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Mark the spots nearest to a random spot."""
    plane = lattice.plane(lattice.array)
    distance = np.linalg.norm(plane - plane[rng.integers(len(plane))], axis=1)
    size = max(1, round(_HIDDEN_SHARE * len(plane)))
    hidden = np.zeros(len(plane), dtype=bool)
    hidden[np.argsort(distance, kind="stable")[:size]] = True
    return hidden


def _spot_split(counts: csr_matrix, is_hidden: NDArray[np.bool_]) -> Split:
    kept, hidden = np.flatnonzero(~is_hidden), np.flatnonzero(is_hidden)
    return Split(counts[kept], kept, hidden, counts[hidden])


def _count_halves(counts: csr_matrix, repeats: int, rng: np.random.Generator) -> Iterator[Split]:
    everything = np.arange(counts.shape[0])
    for _ in range(repeats):
        half = counts.copy()
        half.data = rng.binomial(counts.data.astype(np.int64), 0.5).astype(np.float32)
        rest = counts - half
        half.eliminate_zeros()
        yield Split(half, everything, everything, csr_matrix(rest))
