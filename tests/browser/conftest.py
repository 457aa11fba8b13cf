"""One app and one store for all walks through it, and a real browser to walk with."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

import stentrans
from stentrans.enhancement import enhance
from stentrans.evaluation import hidden_folds
from stentrans.store import Run, Store

ROOT = Path(__file__).resolve().parents[2]
START_S = 60
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of the app: its example is finished and tested, by `example`."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="session")
def example(home: Path) -> Run:
    """The example as a quick method enhances it.

    The same numbers stand in for the default method, so that a visit without a link trains nothing.
    """
    store, section = Store(home), stentrans.simulate(lattice="hexagonal")
    name = store.put_section(section, about={"label": "Example (simulated, Visium-like)"})
    quick = Run(section=name, method="linear")
    enhanced, held_out = enhance(section, method="linear"), hidden_folds(section, method="linear")
    for run in (quick, Run(section=name, method="stentrans")):
        store.put_run(run, enhanced.save)
        store.put_run(run.holdout(), held_out.save)
    return quick


@pytest.fixture(scope="session")
def address(home: Path, example: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the app listens: a free loopback port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    said = tmp_path_factory.mktemp("app") / "said"
    with said.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}"]
            + ["--server.headless=true"],
            cwd=ROOT,
            env=os.environ | {"STENTRANS_HOME": str(home)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_until_healthy(f"http://127.0.0.1:{port}", process, said)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=30)


def wait_until_healthy(address: str, process: subprocess.Popen[bytes], said: Path) -> None:
    """Ask the health page; each attempt blocks until the port answers or its retry is due."""
    for _ in range(START_S * 4):
        try:
            with urlopen(f"{address}/_stcore/health", timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            try:
                process.wait(timeout=0.25)
            except subprocess.TimeoutExpired:
                continue
            pytest.fail(f"the app ended before it was up:\n{said.read_text()}")
    pytest.fail(f"the app was not up after {START_S} s:\n{said.read_text()}")


@pytest.fixture(scope="module")  # Playwright's event loop would stand in the way of other tests
def chromium() -> Iterator[Any]:
    """A browser without a window."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    paths = map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))
    path = next(filter(None, paths), None)
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


@pytest.fixture
def opened(chromium: Any, faults: list[str]) -> Iterator[Callable[..., Any]]:
    """Open an empty page of some width in pixels, light or dark; its faults are collected."""
    pages = []

    def open_page(*, width: int = 1366, scheme: str = "light") -> Any:
        page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        pages.append(page)
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if is_fault(said) else None)
        return page

    yield open_page
    for page in pages:
        page.close()


def is_fault(said: Any) -> bool:
    """Streamlit asks below the page's own path first, where there is no server: not our fault."""
    probe = re.search(r"_stcore/(health|host-config)", said.location.get("url", ""))
    return said.type == "error" and not probe
