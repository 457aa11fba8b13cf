"""Maps in a real browser: zoom is kept when the gene changes, and a link reopens it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stentrans.store import Run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

READY = "() => document.querySelector('.stentrans-plot')?._fullLayout?._plots?.xy && true"
VIEW = "() => { const {xaxis, yaxis} = document.querySelector('.stentrans-plot').layout;"
VIEW += " return [...xaxis.range, ...yaxis.range].map(Math.round); }"
SHOWN = "gene => (document.querySelector('.stentrans-plot')?.data ?? [])"
SHOWN += ".some(t => (t.hovertemplate ?? '').includes(`<b>${gene}</b>`))"


def test_zoom_is_kept_when_the_gene_changes_and_a_link_reopens_it(
    opened: Callable[..., Any], address: str, example: Run, faults: list[str]
) -> None:
    page = opened()
    page.goto(f"{address}/genes?section={example.section}&run={example.id}&gene=Ring-03")
    page.wait_for_function(READY)
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
    again = opened()
    again.goto(page.url)
    again.wait_for_function(SHOWN, arg="Layer1-01")
    assert again.evaluate(VIEW) == zoomed
    assert faults == []
