"""A link between two machines: it says which file is needed, and goes on once it is there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

import stentrans
from stentrans.store import Run, section_id

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

GENE = "Ring-03"
NOT_IN_LINKS = ("section", "work", "stopped")
SHOWN = "gene => (document.querySelector('.stentrans-plot')?.data ?? [])"
SHOWN += ".some(t => (t.hovertemplate ?? '').includes(`<b>${gene}</b>`))"


def test_link_waits_for_its_file_and_shows_the_same_run(
    opened: Callable[..., Any], address: str, faults: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "liver.h5ad"
    stentrans.simulate(lattice="square", n_rows=10, n_cols=11, seed=8).write_h5ad(file)
    section = stentrans.read(file)
    run = Run(section_id(section), method="linear", factor=3, seed=4)
    how = {key: value for key, value in run.to_dict().items() if key not in NOT_IN_LINKS}
    told = {"section": run.section, "run": run.id, "gene": GENE, "reading": "log"}
    told |= {"how": json.dumps(how), "about": json.dumps([file.name, *section.shape])}
    page = opened()
    page.goto(f"{address}/genes?{urlencode(told)}")
    about = f"liver.h5ad ({section.n_obs} spots, {section.n_vars} genes), which is not on this"
    page.get_by_text(about).wait_for()
    page.get_by_role("link", name="Home").click()
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_text("What we found in liver.h5ad").wait_for()
    page.wait_for_function("run => location.search.includes(run)", arg=run.id)
    assert page.get_by_text("which is not on this machine").count() == 0
    page.get_by_role("link", name="Enhance").click()
    page.get_by_role("button", name="Start").click()
    page.get_by_text("Look at the genes").click()
    page.wait_for_function(SHOWN, arg=GENE)
    asked = [f"run={run.id}", f"gene={GENE}", "reading=As+sequenced"]
    page.wait_for_function("asked => asked.every(one => location.search.includes(one))", arg=asked)
    assert faults == []
