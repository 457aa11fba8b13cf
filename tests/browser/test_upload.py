"""One walk through the real app in a real browser: upload, enhance, read a value off the map."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import stentrans
from stentrans.store import Run, Store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]

RUN_MS = 240_000
METHOD = "stentrans"  # what a user gets who changes nothing
GENE = "Ring-03"

READ_SPOT = """([title, row, column]) => {
  const graph = document.querySelector(".js-plotly-plot");
  const axis = graph._fullData.find(t => t.type === "heatmap" && t.name === title).xaxis;
  for (const trace of graph._fullData) {
    if (trace.type !== "scattergl" || trace.xaxis !== axis) continue;
    for (const point of trace.customdata)
      if (point.at(-2) === row && point.at(-1) === column) return point[0];
  }
  return null;
}"""


@pytest.fixture
def section_file(tmp_path: Path) -> Path:
    path = tmp_path / "biopsy.h5ad"
    stentrans.simulate(lattice="hexagonal", n_rows=16, n_cols=24, seed=3).write_h5ad(path)
    return path


def test_uploaded_section_is_enhanced_and_its_value_read_off_the_map(
    opened: Callable[..., Any], section_file: Path, address: str, home: Path, faults: list[str]
) -> None:
    page = opened()
    outside: list[str] = []
    page.on("request", lambda r: None if is_local(r.url, address) else outside.append(r.url))

    page.goto(address)
    page.locator("input[type=file]").set_input_files(section_file)
    page.get_by_text("What we found in biopsy.h5ad").wait_for()
    page.get_by_role("button", name="Enhance").click()
    page.get_by_role("button", name="Start").click()
    page.get_by_text("Look at the genes").wait_for(timeout=RUN_MS)
    page.get_by_text("Look at the genes").click()
    gene = page.get_by_role("combobox", name="Gene")
    gene.click()
    gene.fill(GENE)
    page.get_by_role("option", name=GENE, exact=True).click()
    page.wait_for_function(
        "gene => (document.querySelector('.js-plotly-plot')?.data ?? [])"
        ".some(t => (t.hovertemplate ?? '').includes(gene))",
        arg=GENE,
    )

    row, column, expected = spot_of(home)
    shown = page.evaluate(READ_SPOT, ["Enhanced", row, column])
    assert shown == pytest.approx(expected, rel=1e-5)
    assert faults == []
    assert outside == []


def spot_of(home: Path) -> tuple[int, int, float]:
    """Return array row, array column and enhanced value of a spot in the middle."""
    store = Store(home)
    runs = [Run.from_dict(store.about("runs", name)["run"]) for name in store.names("runs")]
    runs = [run for run in runs if run.work == "enhance" and run.method == METHOD]
    results = [stentrans.Enhancement.load(store.open("runs", run.id)) for run in runs]
    # The example is there as well; the upload is the smaller of the two.
    result = min(results, key=lambda found: len(found.sites))
    values = result.expression([GENE], "composition")[:, 0]
    is_spot = (result.sites["origin"] == "measured").to_numpy()
    at = int(np.argmax(np.where(is_spot, values, -1.0)))
    site = result.sites.iloc[at]
    return int(site["array_row"]), int(site["array_col"]), float(values[at])


def is_local(url: str, address: str) -> bool:
    """Say whether a request stays in the app: nothing is asked of the internet."""
    return url.startswith((address, address.replace("http", "ws"), "data:", "blob:"))
