"""Make the pictures of the README, or of every page: ``python scripts/screenshots.py``.

    python scripts/screenshots.py [--all FOLDER]

Starts the app, waits until its example is finished by the default method (minutes, unless
``STENTRANS_HOME`` names a store that has it), and photographs Home, Genes and Export; with
``--all``, every page, whole, in light and dark, on a phone and on a projector, into a folder of
yours. Needs playwright and a Chromium.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import Error, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "images"
WIDTH, HEIGHT = 1366, 960
FINISHED_MS = 1_800_000
THREE_MAPS = """() => {
  const graph = document.querySelector(".js-plotly-plot");
  const maps = (graph?.data ?? []).filter(trace => trace.type === "heatmap");
  const titles = graph?.layout?.annotations ?? [];
  return maps.length === 3 && titles.some(title => title.text.includes("stEnTrans"));
}"""
"""The example by the default method; a quicker one is shown before it is done."""


@contextmanager
def serving() -> Iterator[str]:
    """Run the app on a free port and give its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true"]
    with TemporaryDirectory() as home:
        process = subprocess.Popen(
            [*command, f"--server.port={port}"],
            cwd=ROOT,
            env={"STENTRANS_HOME": home} | os.environ,
            stdout=subprocess.DEVNULL,
        )
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=30)


def open_when_up(page: Page, address: str) -> None:
    """Open the app; the browser retries while the port is still closed."""
    for _ in range(120):
        try:
            page.goto(address)
        except Error as error:
            if "ERR_CONNECTION_REFUSED" not in str(error):
                raise
            page.wait_for_timeout(500)
        else:
            return
    raise SystemExit(f"The app did not come up at {address}.")


def photograph(page: Page, name: str) -> None:
    """Save what the page shows as a small PNG."""
    page.mouse.move(0, 0)
    page.wait_for_timeout(1500)
    picture = Image.open(BytesIO(page.screenshot()))
    path = TARGET / name
    picture.convert("RGB").save(path, optimize=True)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")


PAGES: dict[str, tuple[str, ...]] = {
    "": (),
    "quality": (),
    "enhance": (),
    "reveal": ("Pick a hole", "Hide these", "Reveal the truth"),
    "genes": (),
    "evaluate": ("Start",),
    "patterns": ("Look for patterns", "Compare before and after"),
    "export": (),
    "help": (),
}
"""Address of every page, and the buttons that fill it, as far as they are still there."""
IS_QUIET = """() => {
  const busy = ["stSkeleton", "stSpinner", "stProgress", "stStatusWidget"];
  const main = document.querySelector('[data-testid="stMain"]');
  return main && main.innerText.length > 100
    && !busy.some(name => document.querySelector(`[data-testid="${name}"]`))
    && !main.innerText.includes("being computed");
}"""
"""Nothing is computed, neither the page nor a job, nor the example that it waits for."""
LOOKS = (("light", 1366), ("dark", 1366), ("light", 390), ("dark", 1920))
TALLEST = 5000


def wait_until_quiet(page: Page) -> None:
    """Wait until the page has been quiet for a while: a job may begin where another ends."""
    for _ in range(2):
        page.wait_for_timeout(1500)
        page.wait_for_function(IS_QUIET, timeout=FINISHED_MS)


def photograph_all(address: str, browser: Browser, folder: Path) -> None:
    """Photograph every page, whole, in every look."""
    folder.mkdir(parents=True, exist_ok=True)
    for scheme, width in LOOKS:
        page = browser.new_page(viewport={"width": width, "height": HEIGHT}, color_scheme=scheme)
        for name, buttons in PAGES.items():
            page.goto(f"{address}/{name}")
            main = page.locator('[data-testid="stMain"]')
            wait_until_quiet(page)
            for words in buttons:
                button = main.get_by_role("button", name=words)
                if button.count() and button.first.is_enabled():
                    button.first.click()
                    wait_until_quiet(page)
            height = int(main.evaluate("element => element.scrollHeight")) + 40
            page.set_viewport_size({"width": width, "height": min(max(height, HEIGHT), TALLEST)})
            page.wait_for_timeout(1500)
            page.screenshot(path=folder / f"{name or 'home'}-{scheme}-{width}.png")
            page.set_viewport_size({"width": width, "height": HEIGHT})
        page.close()


def main() -> None:
    """Take the pictures of the README, or of every page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="every page, into this folder")
    given = parser.parse_args()
    TARGET.mkdir(parents=True, exist_ok=True)
    with serving() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        if given.all is not None:
            open_when_up(browser.new_page(), address)
            photograph_all(address, browser, given.all)
            browser.close()
            return
        size = {"width": WIDTH, "height": HEIGHT}
        page = browser.new_page(viewport=size, color_scheme="dark")
        open_when_up(page, address)
        page.wait_for_function(THREE_MAPS, timeout=FINISHED_MS)
        photograph(page, "home-dark.png")
        page = browser.new_page(viewport=size, color_scheme="light")
        page.goto(f"{address}/genes")
        page.wait_for_function(THREE_MAPS)
        page.get_by_text("Moran's I").first.wait_for()
        photograph(page, "genes-light.png")
        page.goto(f"{address}/export")
        page.get_by_role("tab", name="Figures").click()
        page.get_by_text("Text stays text").wait_for()
        photograph(page, "figures-light.png")
        browser.close()


if __name__ == "__main__":
    main()
