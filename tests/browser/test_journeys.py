"""Journeys through the real app in a real browser: every page at every width, light and dark."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import stentrans
from stentrans.store import Run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PAGES = {
    "": "What we found",
    "quality": "Lattice and edge",
    "enhance": "Resolution per axis",
    "reveal": "Draw a line",
    "genes": "Gene",
    "evaluate": "What to compare",
    "export": "Export",
    "help": "Three minutes",
}
OVERFLOW = """() => document.querySelector('[data-testid="stMain"]').scrollWidth
  - document.querySelector('[data-testid="stMain"]').clientWidth"""
CONTRAST = """() => {
  const parse = c => (c.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => {
    const f = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b);
  };
  const over = (top, below) => {
    const a = top[3] ?? 1;
    return [0, 1, 2].map(i => top[i] * a + below[i] * (1 - a));
  };
  const behind = element => {
    const layers = [];
    for (let e = element; e; e = e.parentElement)
      layers.push(parse(getComputedStyle(e).backgroundColor));
    const white = [255, 255, 255];
    return layers.reverse().reduce((below, top) => top.length ? over(top, below) : below, white);
  };
  const faults = [];
  const words = '[data-testid="stMain"] :is(p, li, h1, h2, h3, label)';
  for (const e of document.querySelectorAll(words)) {
    if (!e.innerText?.trim() || !e.checkVisibility()) continue;
    const page = behind(e), ink = over(parse(getComputedStyle(e).color), page);
    const [a, b] = [light(ink), light(page)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const isValueOfSlider = e.closest('[data-testid="stSlider"]') && ratio < 1.01; // not drawn
    const least = e.closest('[disabled]') ? 2 : 4.5; // what cannot be pressed may be faint
    if (ratio < least && !isValueOfSlider)
      faults.push(`${ratio.toFixed(2)}: ${e.innerText.slice(0, 40)}`);
  }
  return faults;
}"""


Opened = Callable[..., Any]


def link(address: str, run: Run, name: str) -> str:
    return f"{address}/{name}?section={run.section}&run={run.id}"


def settled(page: Any, words: str) -> None:
    page.locator('[data-testid="stMain"]').get_by_text(words).first.wait_for()
    page.wait_for_function(
        "!document.querySelector('[data-testid=\"stSkeleton\"]')"
        " && !document.querySelector('[data-testid=\"stSpinner\"]')"
        " && !document.querySelector('[data-testid=\"stStatusWidget\"]')"
    )


@pytest.mark.parametrize("width", [390, 1920])
def test_every_page_fits_the_screen_without_console_errors(
    opened: Opened, address: str, example: Run, faults: list[str], width: int
) -> None:
    page = opened(width=width)
    too_wide = {}
    for name, words in PAGES.items():
        page.goto(link(address, example, name))
        settled(page, words)
        too_wide[name] = page.evaluate(OVERFLOW)
    assert {name: over for name, over in too_wide.items() if over > 0} == {}
    assert faults == []


def test_text_stands_out_in_the_dark(opened: Opened, address: str, example: Run) -> None:
    page = opened(scheme="dark")
    poor = {}
    for name in ("", "quality", "enhance", "reveal", "genes", "evaluate", "help"):
        page.goto(link(address, example, name))
        settled(page, PAGES[name])
        poor[name] = page.evaluate(CONTRAST)
    assert {name: found for name, found in poor.items() if found} == {}


def test_lasso_hides_spots_and_the_truth_is_revealed(
    opened: Opened, address: str, example: Run, faults: list[str]
) -> None:
    page = opened()
    page.goto(link(address, example, "reveal"))
    settled(page, "Draw a line")
    page.wait_for_function("document.querySelector('.js-plotly-plot .nsewdrag')")
    box = page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    across = [(0.35, 0.35), (0.65, 0.35), (0.65, 0.65), (0.35, 0.65), (0.35, 0.36)]
    corners = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in across]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*corner, steps=8)
    page.mouse.up()
    start = page.get_by_role("button", name=re.compile("Hide these .* spots"))
    start.wait_for()
    assert int(re.sub(r"\D", "", start.inner_text().split("spots")[0])) >= 10
    start.click()
    page.get_by_role("button", name="Reveal the truth").click()
    page.get_by_text("How well were the hidden spots known?").wait_for()
    settled(page, "low-rank kriging")
    assert faults == []


def test_two_tabs_look_at_different_sections(
    opened: Opened, address: str, example: Run, faults: list[str], tmp_path: Path
) -> None:
    one, other = opened(), opened()
    one.goto(link(address, example, "genes"))
    settled(one, PAGES["genes"])
    path = tmp_path / "second.h5ad"
    stentrans.simulate(lattice="square", n_rows=12, n_cols=12, seed=5).write_h5ad(path)
    other.goto(address)
    other.locator("input[type=file]").set_input_files(path)
    other.get_by_text("What we found in second.h5ad").wait_for()
    one.get_by_role("link", name="Quality").click()
    settled(one, PAGES["quality"])
    sidebar = one.locator('[data-testid="stSidebar"]').inner_text()
    assert "Example" in sidebar
    assert "second.h5ad" not in sidebar
    assert faults == []
