"""Maps in a real browser: zoom is kept when the gene changes, and a link reopens it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from stentrans.jobs.work import do_run
from stentrans.section import simulate
from stentrans.store import Run, Store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parents[2]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
READY = "() => document.querySelector('.stentrans-plot')?._fullLayout?._plots?.xy && true"
VIEW = "() => { const {xaxis, yaxis} = document.querySelector('.stentrans-plot').layout;"
VIEW += " return [...xaxis.range, ...yaxis.range].map(Math.round); }"
SHOWN = "gene => (document.querySelector('.stentrans-plot')?.data ?? [])"
SHOWN += ".some(t => (t.hovertemplate ?? '').includes(`<b>${gene}</b>`))"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Run]]:
    """The app over a store with one section, enhanced and tested."""
    home = tmp_path_factory.mktemp("home")
    name = Store(home).put_section(simulate(n_rows=14, n_cols=20, seed=2))
    run = Run(section=name, method="linear")
    for one in (run, run.holdout()):
        do_run(one, Store(home), lambda progress: None)
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
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            try:
                urlopen(f"{address}/_stcore/health", timeout=5).close()
                break
            except (URLError, ConnectionError):
                with pytest.raises(subprocess.TimeoutExpired, match="timed out"):
                    process.wait(timeout=0.25)
        yield address, run
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("needs a Chromium; none is on the path")
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield opened
        opened.close()


def open_page(browser: Any, address: str, *, width: int = 1366) -> tuple[Any, list[str]]:
    """A page that shows maps, and the faults it reports from then on."""
    page = browser.new_page(viewport={"width": width, "height": 1000})
    page.set_default_timeout(60_000)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    # Streamlit looks for its server below the page's own path first; those answers are 404.
    page.on(
        "console",
        lambda said: (
            faults.append(said.text) if said.type == "error" and "404" not in said.text else None
        ),
    )
    page.goto(address)
    page.wait_for_function(READY)
    return page, faults


def link(site: tuple[str, Run]) -> str:
    address, run = site
    return f"{address}/genes?section={run.section}&run={run.id}&gene=Ring-03"


def test_zoom_is_kept_when_the_gene_changes_and_a_link_reopens_it(
    browser: Any, site: tuple[str, Run]
) -> None:
    page, faults = open_page(browser, link(site))
    whole = page.evaluate(VIEW)
    page.locator(".stentrans-plot").first.focus()
    page.keyboard.press("+")
    page.keyboard.press("Shift+ArrowRight")
    page.wait_for_function("() => location.search.includes('at=')")
    zoomed = page.evaluate(VIEW)
    assert zoomed != whole
    box = page.get_by_role("combobox", name="Gene")
    box.click()
    box.fill("Layer1-01")
    page.get_by_role("option", name="Layer1-01", exact=True).click()
    page.wait_for_function(SHOWN, arg="Layer1-01")
    assert page.evaluate(VIEW) == zoomed
    again, more_faults = open_page(browser, page.url)
    again.wait_for_function(SHOWN, arg="Layer1-01")
    assert again.evaluate(VIEW) == zoomed
    assert faults == more_faults == []
