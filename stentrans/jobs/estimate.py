"""How long a run takes and what memory it needs, before it starts."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final, Self

from stentrans.store import Run, Store


@dataclass(frozen=True)
class Size:
    """How large a section is.

    Parameters
    ----------
    spots
        On tissue.
    genes
        All of them.
    counts
        How many are above zero.
    """

    spots: int
    genes: int
    counts: int

    @classmethod
    def of(cls, section: str, store: Store) -> Self | None:
        """Read what the store notes with a section; None if it is not there."""
        about = store.about("sections", section)
        try:
            return cls(int(about["spots"]), int(about["genes"]), int(about["counts"]))
        except (KeyError, TypeError, ValueError):
            return None


@dataclass(frozen=True)
class Cost:
    """What a method costs at twice the resolution, in seconds of one core.

    ``start + spots * n ** power + genes * g * (1 + n)`` for n thousand spots and g thousand genes.
    """

    start: float
    spots: float
    genes: float
    power: float = 1.0

    def of(self, n_spots: float, n_genes: float) -> float:
        """Seconds for so many spots and genes."""
        n, g = n_spots / 1000, n_genes / 1000
        return float(self.start + self.spots * n**self.power + self.genes * g * (1 + n))


COSTS: Final[Mapping[str, Cost]] = MappingProxyType(
    {
        "stentrans": Cost(4.5, 4.5, 0.2),
        "kernel": Cost(0.6, 2.5, 0.2),
        "prior": Cost(0.3, 2.5, 0.2),
        "lowrank_kriging": Cost(0.1, 0.6, 0.005, power=1.4),
        "kriging": Cost(0.1, 0.1, 0.04),
        "linear": Cost(0.03, 0.1, 0.01),
        "cubic": Cost(0.03, 0.1, 0.01),
        "nearest": Cost(0.01, 0.03, 0.015),
        "nedi": Cost(0.1, 0.2, 0.02),
        "paper": Cost(5.0, 10.0, 30.0),
        "dist": Cost(5.0, 10.0, 50.0),
    }
)
"""Fitted to sections of 300 to 80,000 spots and 500 to 18,000 genes; `paper` and `dist` to one."""
_RIVALS = ("lowrank_kriging", "linear", "nearest")
"""Tested beside every method, see `stentrans.evaluation.holdout`."""
_SCORING = Cost(0.5, 0.2, 0.15)
_FOLDS = 5
_AROUND_S = 1.5
"""Reading the section, saving the result, and what is imported on the way."""
_FACTOR_SHARE = 0.25
"""Share of the time at factor 2 that goes with the number of sites."""
_BASE_BYTES, _SPOT_BYTES, _COUNT_BYTES, _SITE_BYTES = 0.5e9, 20e3, 31.0, 140.0
_TELLING_S = 5.0
"""What takes less says little of a machine: most of it is starting and saving."""
_REMEMBERED, _ALIKE = 50, 3
"""So many of the latest runs are looked at, and so many of them, the closest in size, count."""


@dataclass(frozen=True)
class Estimate:
    """What a run will cost.

    Parameters
    ----------
    seconds
        From start to end, on one worker.
    memory
        Bytes that the worker needs.
    """

    seconds: float
    memory: float


def estimate(run: Run, size: Size) -> Estimate | None:
    """Say what an enhancement or its test on hidden spots costs on one idle core.

    Returns None for a kind of work or a method that was never measured.
    """
    if run.work not in ("enhance", "holdout") or run.method not in COSTS:
        return None
    if run.work == "holdout":
        seen = 0.8 * size.spots
        fit = _fit_seconds(run, seen, size.genes) * (1 - _FACTOR_SHARE)
        rivals = sum(COSTS[name].of(seen, size.genes) for name in _RIVALS)
        seconds = _FOLDS * (fit + rivals) + _SCORING.of(size.spots, size.genes)
    else:
        sites = 1 - _FACTOR_SHARE + _FACTOR_SHARE * run.factor**2 / 4
        seconds = _fit_seconds(run, size.spots, size.genes) * sites
    memory = _BASE_BYTES + _SPOT_BYTES * size.spots + _COUNT_BYTES * size.counts
    memory += _SITE_BYTES * size.spots * run.factor**2
    return Estimate(_AROUND_S + seconds, memory)


def expected(run: Run, store: Store) -> Estimate | None:
    """Say what a run will cost here, from what runs of the same method took on this machine.

    Returns None where `estimate` does, and for a section that is not in the store.
    """
    size = Size.of(run.section, store)
    cost = None if size is None else estimate(run, size)
    if size is None or cost is None:
        return None
    found = _taken(run, size, store)
    slower = statistics.median(ratio for _, ratio in found) if found else 1.0
    return replace(cost, seconds=cost.seconds * slower)


def _taken(run: Run, size: Size, store: Store) -> list[tuple[float, float]]:
    """How unlike in size, and how many times as long as estimated, the runs most alike were."""
    found = []
    for name in store.names("runs")[:_REMEMBERED]:
        other = store.run(name)
        if other is None or other.stopped or (other.work, other.method) != (run.work, run.method):
            continue
        its_size, taken = Size.of(other.section, store), _seconds(store.about("runs", name))
        cost = None if its_size is None else estimate(other, its_size)
        if its_size is None or cost is None or not taken:
            continue
        if max(taken, cost.seconds) >= _TELLING_S:
            unlike = abs(math.log(max(its_size.spots, 1) / max(size.spots, 1)))
            found.append((unlike, taken / cost.seconds))
    return sorted(found)[:_ALIKE]


def _seconds(about: Mapping[str, Any]) -> float:
    """What a stored run took; 0 where nobody noted it."""
    taken = about.get("seconds")
    return float(taken) if isinstance(taken, int | float) else 0.0


def _fit_seconds(run: Run, n_spots: float, n_genes: float) -> float:
    """Seconds of one fit and its prediction at twice the resolution."""
    seconds = COSTS[run.method].of(n_spots, n_genes)
    told = dict(run.settings)
    if run.method == "stentrans":
        seconds *= 0.6 + 0.4 * float(told.get("steps", 100)) / 100
    elif run.method == "paper":
        usual = 50 if n_spots <= 1500 else 10
        seconds *= float(told.get("epochs") or usual) / usual * float(told.get("depth", 12)) / 12
    elif run.method == "dist":
        seconds *= float(told.get("epochs", 200)) / 200 * float(told.get("depth", 5)) / 5
        seconds *= (float(told.get("width", 64)) / 64) ** 2
    return seconds


def duration(seconds: float) -> str:
    """Return a duration as people say it, rounded as an estimate deserves."""
    if seconds < 45:
        return f"{max(5, 5 * round(seconds / 5))} s"
    if seconds < 90:
        return "a minute"
    if seconds < 3600:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
