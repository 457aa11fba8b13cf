"""The app itself: start, page change, gene change, payload, memory, many sessions at once.

    python benchmarks/app.py [--sessions 20] [--out docs/app.md]

Runs the app as the README says and looks at it with a real Chromium, and asks its pages without a
browser for the time on the server. Run it on an idle machine; its numbers are wall-clock times.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anndata as ad
import pandas as pd
import psutil
from machine import ROOT, machine, markdown, publish
from synthetic import counts, spots

from stentrans.enhancement import enhance
from stentrans.section import check_section, simulate
from stentrans.store import Run, Store

FLAGS = ["--no-sandbox", "--disable-gpu"]
VISIUM = (4992, 18_000)
SMALL_GENES = ("Ring-03", "Layer1-01")
REPEATS = 5


def say(what: str) -> None:
    """Tell which part is under way."""
    sys.stderr.write(f"{what}\n")


def seconds(work: Any) -> float:
    """Time one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def import_time() -> float:
    """Median seconds of ``import stentrans`` beyond those of starting Python."""
    python = [sys.executable, "-c"]

    def start(code: str) -> float:
        return seconds(lambda: subprocess.run([*python, code], cwd=ROOT, check=True))

    with_it = statistics.median(start("import stentrans") for _ in range(REPEATS))
    return with_it - statistics.median(start("pass") for _ in range(REPEATS))


def full_section() -> ad.AnnData:
    """A full Visium section: 4,992 spots, 18,000 genes."""
    array = spots(VISIUM[0])
    obs = pd.DataFrame({"array_row": array[:, 0], "array_col": array[:, 1]})
    obs.index = [f"{row}x{col}" for row, col in array.tolist()]
    var = pd.DataFrame(index=[f"G{i}" for i in range(VISIUM[1])])
    return check_section(ad.AnnData(counts(array, VISIUM[1]), obs=obs, var=var))


def prepared(home: Path, section: ad.AnnData, label: str) -> Run:
    """Put a section and an enhancement of it into a store."""
    store = Store(home)
    run = Run(section=store.put_section(section, about={"label": label}), method="linear")
    store.put_run(run, enhance(section, method="linear").save)
    return run


@contextmanager
def serving(home: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Run the app on a free port: its address and its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true"]
    process = subprocess.Popen(
        [*command, f"--server.port={port}"],
        cwd=ROOT,
        env=os.environ | {"STENTRANS_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}", psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(timeout=60)


def opened(page: Any, address: str, words: str) -> None:
    """Open an address as soon as it answers, and wait until its page is drawn."""
    from playwright.sync_api import Error

    for _ in range(1200):
        try:
            page.goto(address)
            break
        except Error as error:
            if "ERR_CONNECTION_REFUSED" not in str(error):
                raise
            page.wait_for_timeout(50)
    page.locator('[data-testid="stMain"]').get_by_text(words).first.wait_for(timeout=120_000)


def on_the_server(home: Path, run: Run) -> dict[str, float]:
    """Seconds of a page change and of a gene change, without a browser; bytes of one figure."""
    os.environ["STENTRANS_HOME"] = str(home)
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.query_params = {"section": run.section, "run": run.id}
    app.run()
    for page in ("pages/genes.py", "pages/enhance.py"):
        app.switch_page(page).run()
    change = [seconds(lambda: app.switch_page("pages/help.py").run()) for _ in range(REPEATS)]
    app.switch_page("pages/genes.py").run()
    menu = app.selectbox(key="gene")
    genes = iter(menu.options[10 : 10 + REPEATS])
    draw = [seconds(lambda: menu.set_value(next(genes)).run()) for _ in range(REPEATS)]
    spec = max(len(one.proto.json) for one in app.get("bidi_component"))
    return {
        "page": statistics.median(change),
        "gene": statistics.median(draw),
        "payload": spec,
    }


def in_a_browser(
    home: Path, full: Run, small: Run, trained: str, sessions: int
) -> dict[str, float]:
    """Cold start, memory with the full section loaded, and many sessions while a run trains.

    The sessions look at a small section: their browser draws on the same cores as the server.
    ``trained`` is the section that is enhanced and tested meanwhile, minutes of work.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        started = time.perf_counter()
        with serving(home) as (address, process):
            page = browser.new_page()
            opened(page, address, "What we found")
            cold = time.perf_counter() - started
            opened(page, f"{address}/genes?section={full.section}&run={full.id}", "Gene")
            _another_gene(page, "G100")
            memory = process.memory_info().rss
            say(f"cold start {cold:.1f} s, {memory / 1e9:.2f} GB; opening {sessions} sessions")
            pages, faults = [], []
            for _ in range(sessions):
                other = browser.new_page()
                other.on("pageerror", lambda error: faults.append(str(error)))
                opened(other, f"{address}/genes?section={small.section}&run={small.id}", "Gene")
                pages.append(other)
            page.goto(f"{address}/enhance?section={trained}")
            page.get_by_role("button", name="Start").click()
            page.locator('[data-testid="stMain"]').get_by_text("Enhancing").first.wait_for()
            say("a run trains; every session looks at other genes")
            waits = [_another_gene(one, gene) for gene in SMALL_GENES for one in pages]
        browser.close()
    waited = statistics.median(waits) if waits else float("nan")
    return {"cold": cold, "memory": memory, "waited": waited, "faults": len(faults)}


def _another_gene(page: Any, gene: str) -> float:
    """Seconds from choosing another gene to its maps."""
    menu = page.get_by_role("combobox", name="Gene").first
    menu.click()
    menu.fill(gene)
    option = page.get_by_role("option", name=gene, exact=True)
    option.wait_for()
    started = time.perf_counter()
    option.click()
    page.wait_for_function(
        "gene => (document.querySelector('.js-plotly-plot')?.data ?? [])"
        ".some(t => (t.hovertemplate ?? '').includes(`>${gene}<`))",
        arg=gene,
        timeout=120_000,
    )
    return time.perf_counter() - started


def main() -> None:
    """Measure and write one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        home = Path(folder)
        say("making sections")
        full = prepared(home, full_section(), "full Visium")
        small = prepared(home, simulate(lattice="hexagonal"), "small")
        say("asking the pages without a browser")
        server = on_the_server(home, full)
        trained = Store(home).put_section(
            simulate(lattice="square", n_rows=40, n_cols=40), about={"label": "trained"}
        )
        browser = in_a_browser(home, full, small, trained, given.sessions)
    rows = [
        ["import stentrans", f"{import_time():.2f} s", "0.3 s"],
        ["cold start to a drawn page", f"{browser['cold']:.1f} s", "5 s"],
        ["page change, on the server", f"{1000 * server['page']:.0f} ms", "300 ms"],
        ["gene change, 20,000 sites, on the server", f"{1000 * server['gene']:.0f} ms", "300 ms"],
        ["all maps of a gene, bytes sent", f"{server['payload'] / 1000:.0f} kB", "300 kB a panel"],
        ["memory, full Visium section loaded", f"{browser['memory'] / 1e9:.2f} GB", "1.5 GB"],
        [
            f"gene change in {given.sessions} sessions (2,000 sites) while a run trains, median",
            f"{browser['waited']:.2f} s, {browser['faults']:.0f} errors",
            "1 s, no error",
        ],
    ]
    n_spots = f"{VISIUM[0]:,} spots, {VISIUM[1]:,} genes"
    publish(
        [
            "# The app",
            f"Made by `python benchmarks/app.py`: a synthetic full Visium section ({n_spots}).",
            machine(),
            markdown(["what", "measured", "at most"], rows),
        ],
        given.out,
    )


if __name__ == "__main__":
    main()
