"""The settings of every method, in plain words, with their defaults and limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True)
class Setting:
    """One setting of a method.

    Parameters
    ----------
    name
        As `stentrans.enhance` takes it.
    label, help
        What it is called on screen, and what it does.
    default, low, high
        Whole numbers, or shares where they are fractional. A default of 0 outside the limits of
        what can be computed means that the method chooses.
    """

    name: str
    label: str
    help: str
    default: float
    low: float
    high: float


_RANK: Final = Setting(
    "rank",
    "Most factors",
    "Patterns of expression looked for. More cost time; those that space does not predict are "
    "silenced by themselves.",
    30,
    1,
    200,
)
_SHARE: Final = Setting(
    "min_share",
    "Genes seen in at least this share of spots find the factors",
    "All genes are predicted all the same. Lower it for shallow sections.",
    0.1,
    0.0,
    0.9,
)
_STEPS: Final = Setting(
    "steps",
    "Training steps per network",
    "Four networks are trained. More steps take longer and seldom help; 0 trains nothing.",
    100,
    0,
    100_000,
)
_TASKS: Final = Setting(
    "tasks",
    "Training tasks",
    "How often spots of the section are hidden to learn from.",
    16,
    1,
    1000,
)
_AS_PUBLISHED: Final = "0: as published for a section of this size"
SETTINGS: Final[Mapping[str, tuple[Setting, ...]]] = MappingProxyType(
    {
        "stentrans": (_STEPS, _TASKS, _RANK, _SHARE),
        "kernel": (_RANK, _SHARE),
        "prior": (_RANK, _SHARE),
        "lowrank_kriging": (
            Setting("rank", "Components", "More follow finer detail, and more noise.", 10, 1, 100),
        ),
        "nedi": (
            Setting("window", "Window", "Lattice lines that edges are learned from.", 8, 4, 32),
        ),
        "paper": (
            Setting("epochs", "Epochs", f"Time grows with it. {_AS_PUBLISHED}.", 0, 0, 1000),
            Setting("patch", "Patch", f"Cells per side of a patch. {_AS_PUBLISHED}.", 0, 0, 16),
            Setting(
                "heads",
                "Heads",
                f"Of attention; they divide four times the square of the patch. {_AS_PUBLISHED}.",
                0,
                0,
                64,
            ),
            Setting("depth", "Depth", "Layers of attention; 12 as published.", 12, 1, 24),
        ),
        "dist": (
            Setting("epochs", "Epochs", "Time grows with it.", 200, 1, 10_000),
            Setting("width", "Width", "Channels of the network.", 64, 1, 512),
            Setting("depth", "Depth", "Layers on either side of the doubling.", 5, 1, 20),
        ),
    }
)
"""Of methods that have some a user might change."""
