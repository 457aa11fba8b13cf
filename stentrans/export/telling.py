"""How far a file is: writing takes most of the time, then it is read again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from stentrans.methods.base import OnProgress, Progress, report

Tell = Callable[[str, float], None]
"""Takes a stage and the share of it that is done."""

_PARTS: Final = {"writing": (0.0, 0.85), "packing": (0.85, 0.9), "checking": (0.9, 1.0)}


def teller(on_progress: OnProgress | None) -> Tell:
    """Turn the share of a stage into that of the whole; raises Cancelled when told to stop."""

    def tell(stage: str, share: float) -> None:
        low, high = _PARTS[stage]
        report(on_progress, Progress(stage, low + (high - low) * share))

    return tell
