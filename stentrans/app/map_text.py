"""Sentences about maps and what to make of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from stentrans.app.text import caption, method_name, number, percent, plain
from stentrans.app.view import Kind, ViewSettings
from stentrans.evaluation.smoothing import MoranCheck

DRAGS: Final = {
    "pan": "Move",
    "lasso": "Lasso",
    "select": "Box",
}
TURN_HELP: Final = "Turns the maps by a quarter; Home turns the section itself."
MIRROR_HELP: Final = "Exchanges left and right of the maps; Home flips the section itself."
DRAG_HELP: Final = (
    "What dragging on a map does: move it, or draw around spots. The spots inside become a region "
    "that is compared with the rest."
)
PALETTES: Final = {
    "auto": "Automatic",
    "viridis": "Viridis",
    "cividis": "Cividis",
    "magma": "Magma",
    "purples": "Purples, clear at low values",
}
CLIPS: Final = {"percentiles": "1 to 99 %", "extremes": "Lowest to highest"}
TRUSTS: Final = {
    "all": "All sites",
    "trusted": "Only what I can trust",
    "uncertainty": "Uncertainty as the third map",
}
TRUST_EXPLAINED: Final = (
    "Trusted: hidden spots for which such a level was predicted were measured clearly above or "
    "below the average of the section (by three standard errors). The rest is veiled: its level "
    "says no more than the average does."
)
TRUST_NEEDS_TEST: Final = "What can be trusted is known after the test on hidden spots."
NO_PICTURE: Final = "This section came without a picture of the tissue."
REGIONS_EXPLAINED: Final = (
    "Draw around spots with the lasso or the box, on any map: what lies inside is compared with "
    "the rest below the maps."
)
SIMPLE: Final = ("cubic", "linear", "nearest")
"""Interpolations that know nothing but positions."""
TESTS: Final = {"wilcoxon": "Wilcoxon rank sum", "t-test": "Welch's t-test (fast)"}
MARKERS_EXPLAINED: Final = (
    "Compares every gene on what was **measured**, with scanpy's test. Enhanced values are never "
    "tested: neighbouring sites share their counts, and everything would look significant."
)
SIGNATURE_EXPLAINED: Final = (
    "Mean of the genes' z-scores: every gene counts the same. Mean and spread are those of the "
    "measured spots, for the enhanced map too, so that both can be compared; 0 is an average spot."
)
KINDS: Final[dict[Kind, str]] = {
    "maps": "Maps",
    "difference": "Difference",
    "swipe": "Swipe",
    "several": "Several genes",
    "pair": "Two genes",
    "signature": "Signature",
}


def maps_caption(kind: str, settings: ViewSettings, method: str, factor: int) -> str:
    """Explain maps of any kind in a line or two, with a warning where their colours flatter."""
    told = caption(method, factor)
    if kind == "difference":
        told = (
            "**Difference:** enhanced minus measured, where straight lines join the measured "
            "spots. Colourless: both agree. Colour at a spot is what the method took for noise."
        )
    elif kind == "swipe":
        told = "Drag the line below the map, or move it with the arrow keys."
    elif kind == "several":
        told = (
            "Every gene has the colours of its own measured range, told above its map, unless you "
            "ask for one scale: then weak genes look dark beside strong ones."
        )
    elif kind == "pair":
        told = "Each gene has a colour; where both are high, the two mix."
    elif kind == "signature":
        told = ""
    if not settings.is_locked and kind in ("maps", "difference", "swipe"):
        told += (
            " **Careful:** every map now has colours of its own. A weak prediction is stretched "
            "over all of them and looks as strong as what was measured."
        )
    return told


def maps_alt(gene: str, kind: str) -> str:
    """Describe maps to a screen reader."""
    third = "enhanced minus measured" if kind == "difference" else "imputed"
    return (
        f"Maps of {gene}: measured, enhanced and {third}. Plus and minus zoom, shift with an arrow "
        "key moves, 0 shows the whole section."
    )


def markers_caption(summary: Mapping[str, float], region: str, reference: str) -> str:
    """Say what a comparison of regions found, and how far to trust it."""
    return (
        f"**{summary['significant']:,.0f}** of {summary['genes']:,.0f} genes differ between "
        f"{plain(region)} and {plain(reference)} (q < 0.05, measured counts). Spots beside each "
        "other are alike, and you drew the region where you saw something: read the order of the "
        "genes, not the size of q."
    )


def moran_sentence(check: MoranCheck) -> str:
    """Say in words how alike neighbours are before and after, beside the nulls."""
    grown = f"Neighbouring spots: Moran's I {number(check.before)} measured "
    grown += f"(shuffled spots reach {number(check.before_null)}), {number(check.after)} enhanced "
    grown += f"(shuffled spots, smoothed as much, reach {number(check.after_null)}). "
    if check.before <= check.before_null:
        return grown + "The measured spots show no pattern; any in the enhanced map is smoothing."
    if check.after <= check.after_null:
        return grown + "That the enhanced map is smoother says nothing: smoothing alone does that."
    return grown + "The enhanced map holds more pattern than smoothing alone would make."


def strongest_rival(scores: Mapping[str, float], method: str) -> tuple[str, float]:
    """Return the name and score of the best simple interpolation that was tested beside.

    Parameters
    ----------
    scores
        pearson_<name> of the rivals; what is absent was not tested.
    method
        The method looked at; it is no rival of itself.
    """
    named = {
        name: float(scores[f"pearson_{name}"])
        for name in SIMPLE
        if name != method and f"pearson_{name}" in scores
    }
    known = {name: score for name, score in named.items() if not math.isnan(score)}
    best = max(known, key=known.__getitem__, default=SIMPLE[0])
    return method_name(best), known.get(best, math.nan)


def signed(value: float) -> str:
    """Return a gain with its sign, a dash where there is none."""
    return "–" if math.isnan(value) else f"{value:+.2f}".replace("-", "−")


def pair_caption(genes: tuple[str, str], r: float, both: float) -> str:
    """Say how two genes go together in what was measured."""
    one, other = (plain(gene) for gene in genes)
    return (
        f"At measured spots {one} and {other} correlate with r = {number(r)}; both were seen in "
        f"{percent(both)} of the spots."
    )
