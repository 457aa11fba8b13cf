"""A report opened from disk in a real browser without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import stentrans
from stentrans.evaluation import hidden_folds
from stentrans.report.results import Results
from stentrans.report.story import story_of
from stentrans.report.writing import write_report

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

EVIL = [
    "<img src=x onerror=\"window.hurt=1\">/B1,'it`s'",
    "</script><script>window.hurt=2</script>${hurt}",
    'GENE"with,commas&amp;/and<b>60</b>letters_exactly_xxxxxxxxxx',
]
DRAWN = "document.querySelectorAll('#maps .heatmaplayer image').length === 3"
RANGES = """() => ["", "2", "3"].map(axis => {
  const layout = document.getElementById("maps")._fullLayout;
  return [...layout[`xaxis${axis}`].range, ...layout[`yaxis${axis}`].range].map(Math.round);
})"""

VALUES = "() => document.getElementById('maps')._fullData.map(t => JSON.stringify(t.z))"
TICKS = "() => document.getElementById('maps').layout.coloraxis.colorbar.ticktext"
PRESSED = "at => document.querySelectorAll('nav.genes button')[at].ariaPressed === 'true'"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of genes whose names would run if they were anything but text."""
    section = stentrans.simulate(lattice="hexagonal", n_rows=10, n_cols=12, seed=2)
    names = section.var_names.to_numpy(dtype=object)
    names[: len(EVIL)] = EVIL
    section.var_names = names
    results = Results.of(
        stentrans.enhance(section, method="linear"), held_out=hidden_folds(section, method="linear")
    )
    genes = [*EVIL, str(names[10])]
    story = story_of(EVIL[0], results, genes, notes={EVIL[0]: EVIL[1]})
    target = tmp_path_factory.mktemp("report") / "report.html"
    write_report(story, target)
    return target


@pytest.fixture
def page(chromium: Any, report: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The report, drawn; fails if the browser complained or asked for anything."""
    context = chromium.new_context(
        offline=True,
        color_scheme=getattr(request, "param", "light"),
        viewport={"width": 1280, "height": 900},
    )
    opened = context.new_page()
    faults: list[str] = []
    opened.on("console", lambda message: faults.append(f"{message.type}: {message.text}"))
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("request", lambda asked: faults.append(asked.url) if is_outside(asked.url) else None)
    opened.goto(report.as_uri())
    opened.wait_for_function(DRAWN)
    yield opened
    assert faults == []
    context.close()


def is_outside(url: str) -> bool:
    return not url.startswith(("file:", "data:", "blob:"))


@pytest.mark.parametrize("page", ["light", "dark"], indirect=True)
def test_names_are_text_and_nothing_in_them_runs(page: Any) -> None:
    assert page.evaluate("window.hurt === undefined")
    assert page.locator("nav.genes span").all_inner_texts()[:3] == EVIL
    assert page.locator("h1").inner_text() == EVIL[0]
    assert page.locator("nav.genes img, h1 img, td img, p img").count() == 0
    assert EVIL[1] in page.locator(".note:visible").inner_text()


def test_pointer_tells_the_gene_letter_by_letter(page: Any) -> None:
    # The pointer's text is made of the drawing's own elements; names must not become any.
    box = page.locator("#maps .nsewdrag").nth(1).bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.locator("#maps .hoverlayer text").first.wait_for()
    told = page.locator("#maps .hoverlayer text").first.text_content()
    assert EVIL[0] in told
    assert page.evaluate("window.hurt === undefined")


def test_maps_move_together_and_keep_their_place_when_the_gene_changes(page: Any) -> None:
    whole = page.evaluate(RANGES)
    assert whole[0] == whole[1] == whole[2]
    box = page.locator("#maps .nsewdrag").nth(1).bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 60, middle[1] + 30, steps=4)
    page.mouse.up()
    moved = page.evaluate(RANGES)
    assert moved[0] == moved[1] == moved[2]
    assert moved != whole
    page.keyboard.press("ArrowRight")
    page.wait_for_function(PRESSED, arg=1)
    assert page.evaluate(RANGES) == moved


def test_another_gene_brings_its_values_scores_and_colours(page: Any) -> None:
    first, ticks = page.evaluate(VALUES), page.evaluate(TICKS)
    page.locator("nav.genes button").nth(3).click()
    page.wait_for_function(PRESSED, arg=3)
    assert all(a != b for a, b in zip(first, page.evaluate(VALUES), strict=True))
    assert page.evaluate(TICKS) != ticks
    shown = page.locator(".tellers section:visible")
    assert shown.count() == 1
    chosen = page.locator("nav.genes span").nth(3).inner_text()
    assert shown.locator(".verdict .gene").inner_text() == chosen


def test_page_fits_a_phone(chromium: Any, report: Path) -> None:
    context = chromium.new_context(offline=True, viewport={"width": 390, "height": 800})
    opened = context.new_page()
    opened.goto(report.as_uri())
    opened.wait_for_function(DRAWN)
    assert opened.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()
