"""Lost areas: filled, and the same shapes hidden elsewhere to say how well."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array, csr_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from stentrans.enhancement import Enhancement, prepare
from stentrans.enhancement.provenance import provenance_of
from stentrans.enhancement.tissue import at_sites
from stentrans.errors import ParameterError, StoreError
from stentrans.evaluation.judgement import Judgement
from stentrans.evaluation.parts import part_of
from stentrans.evaluation.preparation import lattice_of_kept
from stentrans.evaluation.protocols import LIKE_HOLES
from stentrans.evaluation.revealed import RIVALS
from stentrans.evaluation.scoring import Scores
from stentrans.evaluation.trial import hide, judged, run_trial
from stentrans.export import DAMAGED
from stentrans.lattice import Lattice, Sites
from stentrans.lattice.core import find_rows
from stentrans.lattice.sites import GAP, MEASURED
from stentrans.methods import registry
from stentrans.methods.base import FitOptions, OnProgress, Progress, report
from stentrans.validate import check_integer, check_option, check_seed

if TYPE_CHECKING:
    from anndata import AnnData

REPEATS: Final = 3
FEWEST_TESTED: Final = 30
"""Hidden spots that a test should have; a smaller lost area is copied several times."""
LARGEST_SHARE: Final = 1 / 3
"""Of the measured spots that a lost area may be as large as: as many are hidden to test it."""
_SLACK = 0.1  # of the surroundings that may be missing compared with the best place
_NEXT = 1.01  # spacings within which two positions touch
_ABOUT: Final = "filled.json"


@dataclass(frozen=True, eq=False)
class Filled:
    """Lost positions with their predictions, and how well such areas are filled.

    Parameters
    ----------
    enhancement
        Visible spots (origin measured) and lost positions (origin gap), factor 1.
    judgement
        Scores on areas of the same shapes that were hidden elsewhere, in several places.
    places
        Array positions hidden in each of these tests, shape ``(n_hidden, 2)``, int64.
    """

    enhancement: Enhancement
    judgement: Judgement
    places: tuple[NDArray[np.int64], ...]

    @property
    def summary(self) -> dict[str, float]:
        """Mean depth-adjusted correlation of every method, by name."""
        return self.judgement.summary

    def save(self, folder: str | Path) -> None:
        """Save into a new or empty folder; `load` is the inverse."""
        target = Path(folder)
        self.enhancement.save(target)
        self.judgement.save(target)
        about = json.dumps({"places": [place.tolist() for place in self.places]})
        try:
            (target / _ABOUT).write_text(about, encoding="utf-8")
        except OSError as error:
            raise StoreError(
                f"The filled area could not be saved in {target} ({error.strerror or error}). "
                "Choose another folder or free some space."
            ) from error

    @classmethod
    def load(cls, folder: str | Path) -> Filled:
        """Load what `save` wrote; raises StoreError if something is missing or damaged."""
        source = Path(folder)
        try:
            told = json.loads((source / _ABOUT).read_text(encoding="utf-8"))
            places = tuple(np.array(place, np.int64).reshape(-1, 2) for place in told["places"])
        except DAMAGED as error:
            raise StoreError(
                f"{source} must hold a complete filled area; it could not be read ({error}). "
                "Fill it again."
            ) from error
        return cls(Enhancement.load(source), Judgement.load(source), places)


def fill(
    section: AnnData,
    lost: ArrayLike,
    *,
    method: str = "stentrans",
    rivals: Sequence[str] = RIVALS,
    repeats: int = REPEATS,
    settings: Mapping[str, Any] | None = None,
    seed: int = 0,
    device: str = "auto",
    on_progress: OnProgress | None = None,
) -> Filled:
    """Fill lost areas and test that on areas of the same shapes elsewhere in the tissue.

    Parameters
    ----------
    section
        As for `stentrans.enhance`; left as it was.
    lost
        Array positions, shape ``(n_lost, 2)``: array_row, array_col of lattice positions. Spots
        measured there are taken as lost: their counts are not used.
    method
        As for `stentrans.enhance`.
    rivals
        Methods that fill the test areas beside it, with their own defaults.
    repeats
        Tests, each with the areas in other places.
    settings
        Settings of the method.
    seed, device, on_progress
        As for `stentrans.enhance`.

    Raises
    ------
    ParameterError
        If nothing is lost, a position is none of the lattice, or the areas are larger than a
        third of what is measured.
    SectionFormatError, Cancelled
        As for `stentrans.enhance`.

    Notes
    -----
    Each area is moved along the lattice to a place where all its positions, and as many as
    possible around it, were measured; small areas to several places, so that about 30 spots are
    tested. The area itself stays lost in all tests.
    """
    names = list(dict.fromkeys([method, *rivals]))
    for name in names:
        check_option("method", name, list(registry.METHODS))
    times = check_integer("repeats", repeats, low=1, high=20)
    tissue, lattice = prepare(section)
    places = check_positions(lattice, lost)
    kept = np.setdiff1d(np.arange(tissue.n_obs), lattice.find(places))
    if len(places) > LARGEST_SHARE * len(kept):
        raise ParameterError(
            f"Lost areas must be smaller than a third of what is measured, because as many spots "
            f"are hidden to test them; got {len(places)} positions and {len(kept)} spots. Fill a "
            "smaller area."
        )
    left, shown = tissue[kept].copy(), lattice_of_kept(lattice, kept)
    options = FitOptions(check_seed(seed), device, dict(settings or {}), on_progress)
    share = 0.99 / (1 + times * len(names))
    enhancement = _filled(left, shown, places, method, options, share)
    rng, areas = np.random.default_rng(seed), areas_of(lattice, places)
    tested = [like_areas(shown, areas, rng) for _ in range(times)]
    trials = [hide(csr_matrix(left.X), shown, hidden, seed=seed) for hidden in tested]
    scores: dict[str, list[Scores]] = {name: [] for name in names}
    for turn, trial in enumerate(trials):
        for i, name in enumerate(names):
            chosen = options if name == method else replace(options, settings={})
            start = share * (1 + turn * len(names) + i)
            scores[name].append(run_trial(trial, name, chosen, start=start, share=share)[1])
    report(on_progress, Progress("done", 1.0))
    return Filled(
        enhancement,
        judged(trials, scores, tissue.var_names, protocol=LIKE_HOLES, seed=seed),
        tuple(shown.array[hidden] for hidden in tested),
    )


def _filled(
    left: AnnData,
    lattice: Lattice,
    places: NDArray[np.int64],
    method: str,
    options: FitOptions,
    share: float,
) -> Enhancement:
    """Visible spots and lost positions, predicted from the visible spots."""
    listen = part_of(options.on_progress, "filling", start=0.0, share=share)
    options = replace(options, on_progress=listen)
    fitted = registry.load(method).fit(csr_matrix(left.X), lattice, options)
    sites = Sites(
        np.concatenate([lattice.array, places]).astype(np.float64),
        np.repeat(np.array([MEASURED, GAP], np.int8), [left.n_obs, len(places)]),
        np.concatenate([np.arange(left.n_obs), np.full(len(places), -1)]),
    )
    provenance = provenance_of(left, method, options, fitted)
    provenance |= {"factor": 1, "lost": places.tolist()}
    return at_sites(left, lattice, sites, fitted, provenance)


def check_positions(lattice: Lattice, lost: ArrayLike) -> NDArray[np.int64]:
    """Return lost positions, sorted and each once, shape ``(n_lost, 2)``.

    Raises
    ------
    ParameterError
        If there is none, or one lies between the lines of the lattice.
    """
    given = np.asarray(lost, np.float64).reshape(-1, 2)
    if not len(given):
        raise ParameterError("At least one position must be lost; none is given.")
    raster = lattice.to_raster(given)
    off = np.abs(raster - np.rint(raster)).max(1) > 1e-6
    if off.any():
        row, column = given[off][0]
        raise ParameterError(
            f"Lost positions must be positions of the {lattice.kind} lattice; row {row:g}, column "
            f"{column:g} is none."
        )
    return np.unique(np.rint(given).astype(np.int64), axis=0)


def areas_of(lattice: Lattice, places: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Part positions into areas of touching ones, the largest first."""
    plane = lattice.plane(places)
    pairs = KDTree(plane).query_pairs(_NEXT, output_type="ndarray")
    shape = (len(places), len(places))
    touching = coo_array((np.ones(len(pairs)), pairs.T), shape=shape)
    n_areas, label = connected_components(touching, directed=False)
    return sorted((places[label == i] for i in range(n_areas)), key=len, reverse=True)


def like_areas(
    lattice: Lattice, areas: Sequence[NDArray[np.int64]], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Choose measured spots in areas of the same shapes, elsewhere.

    Parameters
    ----------
    lattice
        Of the spots that are left.
    areas
        From `areas_of`.
    rng
        Chooses among the places that fit equally well.

    Returns
    -------
    hidden
        Indices of spots of ``lattice``, sorted, each once. About as many as the areas hold; three
        times that and more where these are small. Where a shape fits nowhere, the spots nearest to
        each other are taken, as many as it holds.
    """
    n_lost = sum(map(len, areas))
    copies = max(1, math.ceil(FEWEST_TESTED / n_lost))
    most = max(n_lost, int(LARGEST_SHARE * lattice.n_spots))
    free = np.ones(lattice.n_spots, dtype=bool)
    for area in [one for one in areas for _ in range(copies)]:
        if np.count_nonzero(~free) + len(area) > most or np.count_nonzero(free) <= len(area):
            break
        free[_moved(lattice, area, free, rng)] = False
    return np.flatnonzero(~free)


def _moved(
    lattice: Lattice, area: NDArray[np.int64], free: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Spots under an area moved to where it fits, with spots around it."""
    shape = np.rint(lattice.to_axial(area)).astype(np.int64)
    around = (shape[:, None] + lattice.offsets()[None]).reshape(-1, 2)
    ring = np.unique(around[find_rows(shape, around) < 0], axis=0)
    spots, places = np.flatnonzero(free), lattice.axial[free]
    shifts = places - shape[0]
    found = find_rows(places, (shifts[:, None] + shape[None]).reshape(-1, 2))
    found = found.reshape(len(shifts), len(shape))
    fits = (found >= 0).all(1)
    if not fits.any():
        plane = lattice.plane(lattice.array[free])
        distance = np.linalg.norm(plane - plane[rng.integers(len(plane))], axis=1)
        return spots[np.argsort(distance, kind="stable")[: len(area)]]
    beside = find_rows(lattice.axial, (shifts[fits][:, None] + ring[None]).reshape(-1, 2))
    embedded = (beside >= 0).reshape(int(fits.sum()), len(ring)).mean(1)
    best = np.flatnonzero(fits)[embedded >= embedded.max() - _SLACK]
    return np.asarray(spots[found[rng.choice(best)]])
