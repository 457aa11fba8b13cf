"""One HTML file that opens from disk without a network: linked maps, scores, method, settings."""

from __future__ import annotations

import json
import math
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from stentrans import __version__
from stentrans.figures.script import plotly_script
from stentrans.methods.base import OnProgress, Progress, report
from stentrans.report.map_data import map_data
from stentrans.report.story import GeneStory, Story
from stentrans.words import method_name, number, percent

_PAGE: Final = Path(__file__).with_name("page")
WORDS: Final = {"good": "believable", "fair": "with care", "poor": "do not read"}
"""The verdict on a gene in two words."""
_SCORES: Final = {
    "chance": "Chance",
    "ceiling": "Ceiling",
    "depth_adjusted": "Beyond depth",
    "detected_share": "Seen",
}


def html_report(story: Story, on_progress: OnProgress | None = None) -> str:
    """Write a story as one HTML page.

    Parameters
    ----------
    story
        What is told. Names and notes are shown letter by letter, whatever they hold.
    on_progress
        Gets a `Progress` now and then; returning False cancels.

    Returns
    -------
    page
        A whole document. It asks nothing of any network, and its policy forbids the browser to
        run any script but its own.

    Raises
    ------
    Cancelled
        If ``on_progress`` returned False.
    """
    report(on_progress, Progress("scoring the genes", 0.0))
    told = _json(map_data(story, on_progress))
    script = (_PAGE / "page.js").read_text(encoding="utf-8")
    plotly = plotly_script()
    report(on_progress, Progress("writing the page", 0.95))
    environment = Environment(
        loader=FileSystemLoader(_PAGE), autoescape=True, undefined=StrictUndefined
    )
    columns = [method_name(story.method), *map(method_name, story.rivals_beside)]
    page = environment.get_template("page.html").render(
        story=story,
        version=__version__,
        method_name=method_name(story.method),
        limits=story.about_method()[1],
        columns=[*columns, *_SCORES.values()],
        bars=lambda gene: _bars(story, gene),
        cells=lambda gene: list(_cells(story, gene.scores, gene.chance)),
        means=list(_cells(story, story.summary or {}, None)),
        number=number,
        percent=_width,
        share=percent,
        words=WORDS,
        python="" if story.recipe is None else _script_of(story),
        policy=_policy([plotly, script]),
        style=(_PAGE / "page.css").read_text(encoding="utf-8"),
        told=told,
        plotly=plotly,
        script=script,
    )
    report(on_progress, Progress("done", 1.0))
    return page


def _bars(story: Story, gene: GeneStory) -> Iterator[tuple[str, float]]:
    """Names and scores of the methods, this one first."""
    yield method_name(story.method), gene.scores["pearson"]
    for rival in story.rivals_beside:
        yield method_name(rival), gene.scores[f"pearson_{rival}"]


def _cells(story: Story, scores: object, chance: float | None) -> Iterator[float | None]:
    """Scores in the order of the columns."""
    known = dict(scores)  # type: ignore[call-overload]
    yield known.get("pearson")
    for rival in story.rivals_beside:
        yield known.get(f"pearson_{rival}")
    for name in _SCORES:
        yield chance if name == "chance" else known.get(name)


def _width(value: float | None) -> str:
    """Share of a correlation of 1, in percent; nothing for what is below 0."""
    known = value is not None and not math.isnan(value)
    return f"{100 * min(max(value, 0.0), 1.0):.1f}" if known and value is not None else "0"


def _script_of(story: Story) -> str:
    assert story.recipe is not None
    return "\n\n".join(story.recipe.cells(story.genes, story.reading))


def _json(told: object) -> str:
    """JSON that cannot end the element it stands in, whatever the names in it are."""
    text = json.dumps(told, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _policy(scripts: list[str]) -> str:
    """What the browser may do: run these very scripts, show pictures they make, and no more."""
    hashes = (b64encode(sha256(one.encode()).digest()).decode("ascii") for one in scripts)
    allowed = " ".join(f"'sha256-{one}'" for one in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
