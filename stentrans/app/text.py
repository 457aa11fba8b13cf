"""Sentences that users read, each written once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from stentrans.jobs import Job, kind_of
from stentrans.words import READINGS as READINGS
from stentrans.words import UNITS as UNITS
from stentrans.words import method_name as method_name
from stentrans.words import number as number
from stentrans.words import percent as percent
from stentrans.words import verdict as verdict

if TYPE_CHECKING:
    from stentrans.section.public import Fetching

DEMO_LABELS: Final = {
    "hexagonal": "Example (simulated, Visium-like)",
    "square": "Example (simulated, ST-like)",
}

READING_HELP: Final = (
    "**Equal depth**: what every spot would show at the same sequencing depth; the best view of "
    "biology. **As sequenced**: log of counts scaled to the median depth, with depth "
    "differences kept in the prediction. **Counts**: expected UMI counts."
)


WAITING: Final = "being computed …"
NOT_ENHANCED: Final = "appears after Enhance"
NOT_TESTED: Final = "appears after the test on hidden spots"
FAILED: Final = "not available: the run ended early"

PATH_HELP: Final = "For large files and whole folders: nothing is uploaded."
KINDS_READ: Final = "Read: .h5ad, Space Ranger (folder, .zip, .tar.gz, .h5), GEO files, .csv, .tsv."
UPLOAD_HELP: Final = (
    "An .h5ad file, a Space Ranger folder as .zip, a 10x .h5 with its spatial files, or a table "
    "of counts (csv, tsv, also .gz). Several files that belong together can be dropped at once. "
    "Files go to the machine that runs this app and nowhere else."
)

OPTION_NAMES: Final = {
    "library": "Which sample",
    "counts": "Where the counts are",
    "first_number": "What the first number of a spot's name is",
}

WHAT_HAPPENS: Final = (
    "The method learns from this section alone, in the background: close the page and it goes on. "
    "Afterwards every spot is hidden once and predicted, so that you can see whether to believe "
    "the result. The same settings are never computed twice."
)
SHARE_EXPLAINED: Final = (
    "Nobody else sees this section. Whoever has the link does, with its runs, until you revoke it."
)
LINK_WAS_REVOKED: Final = (
    "The link is no longer valid: whoever shared it took it back, or it was not copied whole."
)
NO_RUNS: Final = "No run yet. The first one appears here as soon as it starts."
COST_HELP: Final = (
    "Roughly, from the number of spots and genes, and from what earlier runs took on this machine. "
    "A busy machine takes longer."
)
PIN_HELP: Final = "A pinned run is never removed to make room for others."
NO_WORKERS: Final = "The cluster has no worker at the moment; the job starts when one is there."
STOPPED_RUN: Final = (
    "This run was stopped early, so it was not tested on hidden spots: start the whole run to see "
    "whether to believe it."
)
LINK_IS_STALE: Final = (
    "The link names a section that is not kept here (any more). Open the file again: the same "
    "content gets the same link."
)
DOWNLOAD_IS_GONE: Final = (
    "This link has expired. Go back to the Export page, where there is a new one."
)
VALUES_ARE: Final = {
    "composition": "natural log1p of counts, every site at the section's median depth",
    "log": "natural log1p of counts scaled to the median depth",
    "counts": "expected UMI counts",
}
LAYERS: Final = {
    "sd": "standard deviation",
    "counts": "expected counts",
    "measured": "measured values",
}
ORIGINS: Final = {
    "measured": "measured",
    "inserted": "inserted between them",
    "gap": "gaps filled",
}
NOTHING_TO_EXPORT: Final = (
    "Files are made from a result: enhance the section first, or wait until that is done."
)
MADE_IN_BACKGROUND: Final = (
    "A large file is written by a job of its own and read again before you get it; close the page "
    "and it goes on."
)
HERE_ALREADY: Final = "It was fetched before and is on this computer."
FETCHED_ON_REQUEST: Final = (
    "It comes from the publisher over the internet, usually some tens of megabytes, and is kept, "
    "so that this happens once."
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

READINESS_HELP: Final = (
    "No number of counts makes a section good: a shallow one with broad regions can be enhanced, "
    "a deep one whose neighbours have nothing in common cannot. So two things are measured.\n\n"
    "**What depth allows.** Every count is put into one of two halves at random. How well the "
    "halves agree bounds how well any method can score: the noise ceiling.\n\n"
    "**What space gives.** Depth is taken out, and each spot is compared with the mean of its "
    "neighbours, gene by gene; then again after the spots were shuffled. If most genes agree with "
    "their neighbours beyond chance, the answer is yes; if only some do, judge gene by gene; if "
    "none does (5 % false discoveries), there is nothing to interpolate.\n\n"
    "A hole is a problem where its middle is farther from any spot than spots agree with each "
    "other."
)
EVALUATE_INTRO: Final = (
    "Spots are hidden, every method predicts them, and only they are scored. Which method knows "
    "this section best, and by how much more than chance?"
)
PROTOCOL_HELP: Final = (
    "**Between spots**: every second lattice line of both axes is kept, as if the section had to "
    "be made twice as fine. **Scattered spots**: a random fifth is hidden. **Holes**: a round hole "
    "of a tenth of the spots. Hidden spots take no part in choosing genes, scaling, tuning or "
    "training."
)
STRICT_LEGEND: Final = (
    "Dots: mean over genes. Lines: 95 % interval over blocks of the section. Crosses: the same "
    "with the spots shuffled, where nothing can be found."
)
PUBLISHED_LEGEND: Final = (
    "Correlation of raw counts over all spots, those seen in training included, as in the article. "
    "It rewards memory and says nothing about unseen spots: never compare it with the left side."
)
NOT_COMPARED_YET: Final = (
    "Nothing has been compared on this section yet. Choose methods and press Start; here you will "
    "see them ranked on hidden spots, with intervals, and beside that how they score as published."
)
TWO_RUNS_NEEDED: Final = (
    "Two enhancements of this section with different settings are needed; each is tested on "
    "hidden spots by itself. Start another one on the page Enhance."
)
REVEAL_STEPS: Final = (
    "1. **Draw a line** around spots that you know well (lasso), or let a button pick some.\n"
    "2. **Hide them.** They take no part in anything the method does.\n"
    "3. **Look at the prediction**, and make up your mind.\n"
    "4. **Reveal the truth**, with the score beside two simpler methods."
)
REVEAL_STRICT: Final = (
    "Hidden spots took no part in choosing genes, scaling, tuning or training. A method seldom "
    "passes the noise ceiling. The fewer spots are hidden, the more a single gene's score is "
    "chance."
)
FILL_STEPS: Final = (
    "1. **Choose what was lost**: holes that were found, or draw a line (lasso) around a fold, a "
    "tear or a bubble. Counts measured there are not used.\n"
    "2. **Fill and test**: the same shapes are hidden elsewhere in the tissue, filled and scored. "
    "That is how far to trust the filling."
)
NO_MITOCHONDRIAL: Final = (
    "No gene name begins with MT\\- or mt\\-, so there is no mitochondrial share to look at."
)

_MARKS: Final = re.compile(r"([\\`*_{}\[\]()#+\-.!$:~<>|&])")


def plain(text: str) -> str:
    """Escape what came from a file, so that markdown shows it letter by letter, in one line."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))


def caption(method: str, factor: int) -> str:
    """Explain the three maps."""
    return (
        f"**Measured:** as it came. **Enhanced:** {method_name(method)}, about {factor**2} × as "
        "many sites; a measured spot keeps what its own counts say beyond its surroundings. "
        "**Imputed:** every spot hidden once (20 % at a time) and predicted from the "
        "others, gaps filled. One colour scale for all three; drag or scroll one map and all move."
    )


def filter_effect(n_aside: int, n_gaps: int) -> str:
    """Say what becomes of spots that thresholds set aside."""
    at_edge = n_aside - n_gaps
    parts = [f"{n_gaps:,} inside the tissue become gaps to fill"] if n_gaps else []
    parts += [f"{at_edge:,} at its edge are left out"] if at_edge else []
    return f"**{counted(n_aside, 'spot')}** set aside: {', '.join(parts)}."


def holes_found(sizes: list[int]) -> str:
    """Say how many positions were lost, and how they lie together; sizes from the largest."""
    single, larger = sizes.count(1), [size for size in sizes if size > 1]
    parts = [counted(single, "single lost spot")] if single else []
    if larger:
        listed = ", ".join(str(size) for size in larger[:6]) + (" …" if len(larger) > 6 else "")
        parts.append(f"{counted(len(larger), 'hole')} of {listed} positions")
    return f"**{counted(sum(sizes), 'gap')}** inside the tissue: {' and '.join(parts)}."


def counted(number: int, what: str) -> str:
    """Return a number with its noun, in the plural where it is not one."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def factor_label(factor: int) -> str:
    """Name a factor; beyond 2 nobody has published a validation."""
    if factor == 1:
        return "1 × (in place, gaps filled)"
    return f"{factor} ×" if factor == 2 else f"{factor} × (extrapolated)"


def job_line(job: Job, waiting_before: int) -> str:
    """Say in one line how a job stands."""
    what = kind_of(job.run).doing
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


def size(n_bytes: int) -> str:
    """Return a file's size as people say it."""
    for unit, bytes_each in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n_bytes >= bytes_each:
            return f"{n_bytes / bytes_each:.1f} {unit}"
    return f"{n_bytes} bytes"


def fetching(told: Fetching) -> str:
    """Say how far a download is."""
    of = "" if told.total is None else f" of {size(told.total)}"
    return f"{told.file}: {size(told.done)}{of}"


PATTERNS_ABOUT: Final = (
    "Ranks all genes by the evidence that their counts vary in space, finds domains with their "
    "marker genes, and groups genes that vary together. Takes seconds, a minute for a full slide."
)
RANKING_ABOUT: Final = (
    "Genes are ranked by the evidence that their measured counts vary in space, once per section: "
    "seconds, a minute for a full slide."
)
SHOWN_GENES_HELP: Final = (
    "All genes take part in the computation; this only shortens the menus of genes."
)
VARIABLE_GENES_ABOUT: Final = (
    "Tested on measured counts with depth taken out, against spots at each other's places. "
    "**statistic**: standard deviations above those; **range**: how far the pattern reaches, in "
    "spot spacings; **support** (after Before and after): how far predictions of hidden spots "
    "agree. Strength and Moran's I of the *enhanced* map are no evidence: any smooth map has both."
)
CLUSTERS_ABOUT: Final = (
    "Clusters of the enhanced map have smooth borders because the map is smooth, in nothing too, "
    "and cut gradients into steps; *Before and after* says which of them hidden spots bear out."
)
STABILITY_HELP: Final = "Mean adjusted Rand index between ten random starts; 1: always the same."
SHARPNESS_HELP: Final = (
    "How much of the step from one domain to the next lies between two adjacent spots: 1 for a "
    "cut, less for a gradient. Domains made from the same counts look sharper than they are."
)
ARI_HELP: Final = (
    "Adjusted Rand index: 0 by chance, 1 for the same parts. Normalised mutual information is "
    "above 0 also by chance. Spots without a label play no part."
)
MARKERS_ABOUT: Final = (
    "Wilcoxon tests of measured counts against all other spots. The domains were made from the "
    "same counts, so these p-values rank genes and prove nothing."
)
MODULES_ABOUT: Final = (
    "Genes that vary measurably, grouped by where they are. The map is their mean, depth taken "
    "out; **membership** is the correlation of a gene with the rest of its module."
)
ASKING_ABOUT: Final = (
    "Asks two questions: does the list hold more of a set than chance would put there, and do the "
    "genes of a set stand high in the ranking of all tested genes? Takes seconds for a hundred "
    "sets, a minute or two for thousands."
)
PATHWAYS_ABOUT: Final = (
    "Background: the genes that were tested. **expected**: hits of a random list; **as often "
    "seen**: of a list of genes seen in as many spots. Sets of often seen genes (ribosome, "
    "mitochondria) look rich in any list: believe what is surprising in both. **score**: where the "
    "set stands in the ranking of all tested genes, above 0 near its top, below 0 near its end. "
    "Genes of one pathway are not independent, so all q-values are too small."
)
REPLICATE_ABOUT: Final = (
    "Looks for the genes found here in the counts of an adjacent section that took no part in any "
    "of it. **expected**: as many would vary there among genes that are seen as often and were not "
    "found here."
)
_LISTS: Final = {
    "variable": "Variable genes, the surest",
    "supported": "Borne out by hidden spots, the surest",
    "domain": "Markers of domain",
    "module": "Module",
}


def list_name(which: str) -> str:
    """Return what a list of genes is called on screen; see `stentrans.patterns.lists`."""
    kind, _, number = which.partition(" ")
    return f"{_LISTS[kind]} {number}".strip()


COMPARING_ABOUT: Final = (
    "Finds genes, domains, modules and pathways in the counts and on the enhanced map, asks hidden "
    "spots, and does all of it again with the spots permuted. Takes a few times as long as the "
    "enhancement."
)
BEFORE_AFTER_ABOUT: Final = (
    "A smooth map shows patterns in nothing: see the hollow bars. Count what **hidden spots bear "
    "out**: predictions of spots that were hidden agree with what was measured there. **new**: "
    "borne out, but not found in the counts alone. "
    "Clustering always finds domains, in nothing too. Pathways need gene sets."
)
