"""Journeys through the real app in a real browser: every page at every width, light and dark."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

import stentrans
from stentrans.store import Run, Store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
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
    if (!e.innerText?.trim() || !e.checkVisibility() || e.closest('[disabled]')) continue;
    const page = behind(e), ink = over(parse(getComputedStyle(e).color), page);
    const [a, b] = [light(ink), light(page)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const isValueOfSlider = e.closest('[data-testid="stSlider"]') && ratio < 1.01; // not drawn
    if (ratio < 4.5 && !isValueOfSlider)
      faults.push(`${ratio.toFixed(2)}: ${e.innerText.slice(0, 40)}`);
  }
  return faults;
}"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which the example is finished and tested, so that nothing has to be waited for."""
    folder = tmp_path_factory.mktemp("home")
    from stentrans.enhancement import enhance
    from stentrans.evaluation import hidden_folds

    store, section = Store(folder), stentrans.simulate(lattice="hexagonal")
    name = store.put_section(section, about={"label": "Example (simulated, Visium-like)"})
    run = Run(section=name, method="linear")
    store.put_run(run, enhance(section, method="linear").save)
    store.put_run(run.holdout(), hidden_folds(section, method="linear").save)
    (folder / "ids").write_text(f"{name} {run.id}")
    return folder


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}"]
        + ["--server.headless=true"],
        cwd=ROOT,
        env=os.environ | {"STENTRANS_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    found = f"http://127.0.0.1:{port}"
    try:
        wait_until_healthy(found, process)
        yield found
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_until_healthy(address: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(240):
        try:
            with urlopen(f"{address}/_stcore/health", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (URLError, ConnectionError):
            try:
                process.wait(timeout=0.25)
            except subprocess.TimeoutExpired:
                continue
            pytest.fail("the app ended before it was up")
    pytest.fail("the app was not up in time")


@pytest.fixture(scope="module")
def chromium() -> Iterator[object]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("needs a Chromium or Chrome; none is on the path")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def faults() -> list[str]:
    """Console errors and uncaught exceptions of the pages of one test."""
    return []


def opened(chromium, faults: list[str], *, width: int = 1366, scheme: str = "light"):
    page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.set_default_timeout(60_000)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if is_fault(said) else None)
    return page


def is_fault(said) -> bool:
    """Streamlit asks below the page's own path first, where there is no server: not our fault."""
    probe = re.search(r"_stcore/(health|host-config)", said.location.get("url", ""))
    return said.type == "error" and not probe


def link(address: str, home: Path, name: str) -> str:
    section, run = (home / "ids").read_text().split()
    return f"{address}/{name}?section={section}&run={run}"


def settled(page, words: str) -> None:
    page.locator('[data-testid="stMain"]').get_by_text(words).first.wait_for()
    page.wait_for_function(
        "!document.querySelector('[data-testid=\"stSkeleton\"]')"
        " && !document.querySelector('[data-testid=\"stSpinner\"]')"
        " && !document.querySelector('[data-testid=\"stStatusWidget\"]')"
    )


@pytest.mark.parametrize("width", [390, 1920])
def test_every_page_fits_the_screen_without_console_errors(
    chromium, address: str, home: Path, faults: list[str], width: int
) -> None:
    page = opened(chromium, faults, width=width)
    too_wide = {}
    for name, words in PAGES.items():
        page.goto(link(address, home, name))
        settled(page, words)
        too_wide[name] = page.evaluate(OVERFLOW)
    page.close()
    assert {name: over for name, over in too_wide.items() if over > 0} == {}
    assert faults == []


def test_text_stands_out_in_the_dark(chromium, address: str, home: Path, faults) -> None:
    page = opened(chromium, faults, scheme="dark")
    poor = {}
    for name in ("quality", "reveal", "genes", "help"):
        page.goto(link(address, home, name))
        settled(page, PAGES[name])
        poor[name] = page.evaluate(CONTRAST)
    page.close()
    assert {name: found for name, found in poor.items() if found} == {}


def test_lasso_hides_spots_and_the_truth_is_revealed(
    chromium, address: str, home: Path, faults: list[str]
) -> None:
    page = opened(chromium, faults)
    page.goto(link(address, home, "reveal"))
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
    page.close()
    assert faults == []


def test_two_tabs_look_at_different_sections(chromium, address, home, faults) -> None:
    one, other = opened(chromium, faults), opened(chromium, faults)
    one.goto(link(address, home, "genes"))
    settled(one, PAGES["genes"])
    path = home / "second.h5ad"
    stentrans.simulate(lattice="square", n_rows=12, n_cols=12, seed=5).write_h5ad(path)
    other.goto(address)
    other.locator("input[type=file]").set_input_files(path)
    other.get_by_text("What we found in second.h5ad").wait_for()
    one.get_by_role("link", name="Quality").click()
    settled(one, PAGES["quality"])
    sidebar = one.locator('[data-testid="stSidebar"]').inner_text()
    assert "Example" in sidebar
    assert "second.h5ad" not in sidebar
    one.close()
    other.close()
    assert faults == []
