"""How long a run takes and what memory it needs, before it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from stentrans.store import Run


@dataclass(frozen=True)
class Cost:
    """What a method costs: ``seconds = start + per_thousand * (spots / 1000) ** power``.

    Parameters
    ----------
    start
        Seconds that do not depend on the section.
    per_thousand
        Seconds for a thousand spots at twice the resolution.
    power
        How fast that grows.
    """

    start: float
    per_thousand: float
    power: float = 1.0


COSTS: Final[Mapping[str, Cost]] = MappingProxyType(
    {
        "stentrans": Cost(3.0, 16.0, 0.55),
        "kernel": Cost(2.5, 8.0, 0.7),
        "prior": Cost(2.0, 6.0, 0.7),
        "lowrank_kriging": Cost(1.5, 2.5),
        "kriging": Cost(1.0, 1.5),
        "linear": Cost(1.0, 0.7),
        "cubic": Cost(1.0, 0.7),
        "nearest": Cost(1.0, 0.5),
        "nedi": Cost(1.0, 0.8),
        "paper": Cost(5.0, 400.0),
        "dist": Cost(5.0, 500.0),
    }
)
"""`stentrans` follows docs/speed.md; the others are guesses from single runs. Two cores."""
_FACTOR_SHARE = 0.25
"""Share of the time at factor 2 that goes with the number of sites."""
_HOLDOUT_FITS = 5.0
_BASE_BYTES, _BYTES_PER_ROOT = 0.35e9, 16.5e6
_FACTOR_BYTES = 140.0
"""Per site: factors, their variance and a name, twice over."""


@dataclass(frozen=True)
class Estimate:
    """What a run will cost: a rough guess from the number of spots, on two idle cores.

    Parameters
    ----------
    seconds
        From start to end, on one worker.
    memory
        Bytes that the worker needs.
    """

    seconds: float
    memory: float


def estimate(run: Run, spots: int) -> Estimate | None:
    """Say what an enhancement or its test on hidden spots will cost.

    Parameters
    ----------
    run
        What is to be computed.
    spots
        Spots on tissue of its section.

    Returns
    -------
    estimate
        None for a kind of work or a method that was never measured.
    """
    if run.work not in ("enhance", "holdout") or run.method not in COSTS:
        return None
    cost = COSTS[run.method]
    seconds = cost.per_thousand * (spots / 1000) ** cost.power
    if run.method == "stentrans":
        steps = float(dict(run.settings).get("steps", 100))
        seconds *= 0.6 + 0.4 * steps / 100
    sites = spots * max(run.factor, 1) ** 2
    if run.work == "holdout":
        seconds *= _HOLDOUT_FITS * (1 - _FACTOR_SHARE)
    else:
        seconds *= 1 - _FACTOR_SHARE + _FACTOR_SHARE * run.factor**2 / 4
    memory = _BASE_BYTES + _BYTES_PER_ROOT * spots**0.5 + _FACTOR_BYTES * sites
    return Estimate(cost.start + seconds, memory)


def duration(seconds: float) -> str:
    """Return a duration as people say it, rounded as an estimate deserves."""
    if seconds < 45:
        return f"{max(5, 5 * round(seconds / 5))} s"
    if seconds < 90:
        return "a minute"
    if seconds < 3600:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
