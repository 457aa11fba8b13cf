"""Words that pages, reports and the command line share: what methods and values are called."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    import pandas as pd

Reading = Literal["composition", "log", "counts"]
"""How expression is read; see `stentrans.Enhancement.expression`."""
Tone = Literal["good", "fair", "poor"]

READINGS: Final = {
    "composition": "Equal depth",
    "log": "As sequenced",
    "counts": "Counts",
}
UNITS: Final = {
    "composition": "log1p, equal depth",
    "log": "log1p, as sequenced",
    "counts": "UMI counts",
}

METHOD_NAMES: Final = {
    "stentrans": "stEnTrans",
    "prior": "spatial prior",
    "kernel": "prior and likeness",
    "paper": "stEnTrans as published",
    "lowrank_kriging": "low-rank kriging",
    "dist": "DIST",
    "nedi": "NEDI",
}

CHANCE_SDS: Final = 2.5
"""A correlation below this many standard deviations of chance, 1 / sqrt(spots), says nothing."""
FEWEST_SPOTS: Final = 10
"""Spots that a gene must be seen in before its correlation is worth a word."""

_UNPRINTABLE: Final = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\ufffe\\uffff]")
"""Refused by XML, whatever a file called its genes."""


def method_name(name: str) -> str:
    """Return how a method is called on screen."""
    return METHOD_NAMES.get(name, name.replace("_", " "))


def verdict(scores: pd.Series, method: str, n_spots: int) -> tuple[Tone, str]:
    """Judge one gene in one honest sentence.

    Parameters
    ----------
    scores
        pearson, pearson_linear, ceiling and detected_share of the gene, from hidden spots.
    method
        The method that made the predictions.
    n_spots
        Spots that were hidden and predicted: the fewer, the more correlation comes by chance.

    Returns
    -------
    tone, sentence
        ``"good"``, ``"fair"`` or ``"poor"``, and the sentence.
    """
    r, ceiling = scores["pearson"], scores["ceiling"]
    linear = scores.get("pearson_linear", r)  # absent where linear is the method itself
    name = method_name(method)
    chance = CHANCE_SDS / math.sqrt(n_spots)
    if math.isnan(r) or scores["detected_share"] * n_spots < FEWEST_SPOTS:
        return "poor", "Too few counts to judge: neither believe nor dismiss this map."
    if ceiling < chance:
        return "poor", (
            "Counting noise hides whatever pattern there is: neither believe nor dismiss this map."
        )
    if r < max(0.1, chance):
        return "poor", (
            "Hidden spots could not be predicted. The enhanced map shows little more than an "
            "average: do not read patterns into it."
        )
    gain = r - (0.0 if math.isnan(linear) else linear)
    if ceiling > 0 and r >= 0.85 * ceiling:
        return "good", (
            "Predicted almost as well as counting noise allows: the pattern is real. "
            "Still, finer detail than the spot distance was never measured."
        )
    if gain > 0.05:
        return "good" if r >= 0.3 else "fair", (
            f"{name} predicts hidden spots clearly better than simple interpolation. Large "
            "patterns can be trusted, single inserted sites cannot."
        )
    return "fair", (
        "Smoother, not sharper: hidden spots are predicted about as well by simple "
        "interpolation. Do not over-read fine detail."
    )


def number(value: float | None) -> str:
    """Return a score with two digits, a dash where there is none."""
    if value is None or math.isnan(value):
        return "–"
    return f"{value:.2f}".replace("-0.00", "0.00")


def percent(share: float) -> str:
    """Return a share as a whole percentage."""
    return "–" if math.isnan(share) else f"{share:.0%}"


def printable(text: str) -> str:
    """Return text without the letters that no document may hold, each shown as �."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)
