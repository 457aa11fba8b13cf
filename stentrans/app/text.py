"""Sentences that users read, each written once."""

from __future__ import annotations

import math
import re
from typing import Final

import pandas as pd

from stentrans.jobs import Job

DEMO_LABELS: Final = {
    "hexagonal": "Example (simulated, Visium-like)",
    "square": "Example (simulated, ST-like)",
}

READINGS: Final = {
    "composition": "Equal depth",
    "log": "As sequenced",
    "counts": "Counts",
}
READING_HELP: Final = (
    "**Equal depth**: what every spot would show at the same sequencing depth; the best view of "
    "biology. **As sequenced**: log of counts scaled to the median depth, with depth "
    "differences kept in the prediction. **Counts**: expected UMI counts."
)
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

WAITING: Final = "being computed …"
NOT_ENHANCED: Final = "appears after Enhance"
NOT_TESTED: Final = "appears after the test on hidden spots"
FAILED: Final = "not available: the run ended early"

UPLOAD_KINDS: Final = ".h5ad · Space Ranger .zip or .h5 · .csv, .tsv (.gz)"
UPLOAD_HELP: Final = (
    "An .h5ad file, a Space Ranger folder as .zip, a 10x .h5 with its spatial files, or a table "
    "of counts (csv, tsv, also .gz). Several files that belong together can be dropped at once. "
    "Files go to the machine that runs this app and nowhere else."
)

WHAT_HAPPENS: Final = (
    "The method learns from this section alone, in the background: close the page and it goes on. "
    "Afterwards every spot is hidden once and predicted, so that you can see whether to believe "
    "the result. The same settings are never computed twice."
)
LINK_IS_STALE: Final = (
    "The link names a section that is not kept here (any more). Open the file again: the same "
    "content gets the same link."
)
NO_RUN_YET: Final = (
    "Only the measured map is there so far. Enhance the section to see the finer map, the filled "
    "gaps, and how well hidden spots are predicted."
)
TEST_EXPLAINED: Final = (
    "Every spot is hidden once, 20 % at a time, and predicted from the others; the prediction is "
    "then compared with what was measured there."
)
SCORES_HELP: Final = (
    "Correlation between prediction and measurement over spots that the method did not see. A "
    "method seldom passes the noise ceiling, an estimate of what counting noise alone allows."
)

CHANCE_SDS: Final = 2.5
"""A correlation below this many standard deviations of chance, 1 / sqrt(spots), says nothing."""
FEWEST_SPOTS: Final = 10
"""Spots that a gene must be seen in before its correlation is worth a word."""

_MARKS: Final = re.compile(r"([\\`*_{}\[\]()#+\-.!$:~<>|&])")


def plain(text: str) -> str:
    """Escape what came from a file, so that markdown shows it letter by letter, in one line."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))


def method_name(name: str) -> str:
    """Return how a method is called on screen."""
    return METHOD_NAMES.get(name, name.replace("_", " "))


def caption(method: str, factor: int) -> str:
    """Explain the three maps."""
    return (
        f"**Measured:** as it came. **Enhanced:** {method_name(method)}, about {factor**2} × as "
        "many sites; a measured spot keeps what its own counts say beyond its surroundings. "
        "**Imputed:** every spot hidden once (20 % at a time) and predicted from the "
        "others, gaps filled. One colour scale for all three; drag or scroll one map and all move."
    )


def factor_label(factor: int) -> str:
    """Name a factor; beyond 2 nobody has published a validation."""
    return f"{factor} ×" if factor == 2 else f"{factor} × (extrapolated)"


def job_line(job: Job, waiting_before: int) -> str:
    """Say in one line how a job stands."""
    what = "Enhancing" if job.run.work == "enhance" else "Testing on hidden spots"
    if job.state == "queued":
        return f"{what}: waiting" + (f" behind {waiting_before}" if waiting_before else " to start")
    if job.state == "running":
        return f"{what}: {job.stage}" + time_left(job)
    return {"finished": f"{what}: done", "cancelled": f"{what}: cancelled"}.get(
        job.state, f"{what}: failed"
    )


def time_left(job: Job) -> str:
    """Return the rough time left, empty where it is not known yet."""
    seconds = job.seconds_left
    if seconds is None:
        return ""
    if seconds < 90:
        return f", about {max(round(seconds), 1)} s left"
    return f", about {round(seconds / 60)} min left"


def verdict(scores: pd.Series, method: str, n_spots: int) -> tuple[str, str]:
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
    if pd.isna(r) or scores["detected_share"] * n_spots < FEWEST_SPOTS:
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
    gain = r - (0.0 if pd.isna(linear) else linear)
    if pd.notna(ceiling) and ceiling > 0 and r >= 0.85 * ceiling:
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
    return "–" if value is None or math.isnan(value) else f"{value:.2f}"


def percent(share: float) -> str:
    """Return a share as a whole percentage."""
    return "–" if math.isnan(share) else f"{share:.0%}"
