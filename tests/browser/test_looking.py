"""What eyes and hands meet in a real browser: colours, the picture below, lasso, first minute."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.sparse import csr_matrix

import stentrans
from stentrans.section import check_section
from stentrans.store import Run, Store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

N_MAPS = """n => {
  const graph = document.querySelector('.stentrans-plot');
  return graph?._fullLayout?._plots?.xy && graph._fullData.length
    && graph.data.filter(t => t.type === 'heatmap').length === n;
}"""
POINTS = """() => {
  const graph = document.querySelector('.stentrans-plot');
  const frame = graph.getBoundingClientRect();
  return graph._fullData.filter(t => t.type === 'scattergl').flatMap(trace => {
    const [x, y] = ['xaxis', 'yaxis'].map(a => graph._fullLayout[a + trace[a].slice(1)]);
    return Array.from(trace.x, (at, i) => ({
      panel: trace.xaxis, origin: trace.name, value: trace.customdata[i][0],
      row: trace.customdata[i].at(-2), column: trace.customdata[i].at(-1),
      at: [frame.left + x._offset + x.c2p(at), frame.top + y._offset + y.c2p(trace.y[i])],
    }));
  });
}"""
"""Every place that the pointer finds: what it tells, and where it is on the screen."""
RANGES = """() => ['xaxis', 'xaxis2', 'xaxis3'].map(name =>
  document.querySelector('.stentrans-plot')._fullLayout[name].range.map(Math.round))"""
SLOW_PLOTLY = """() => {
  const { react, purge } = Plotly;
  const drawing = new Set();
  window.drawn = window.disturbed = 0;
  Plotly.react = async (box, ...figure) => {
    drawing.add(box);
    window.drawn += 1;
    await react(box, ...figure);
    await new Promise(resolve => setTimeout(resolve, 1000));
    drawing.delete(box);
  };
  Plotly.purge = box => {
    window.disturbed += drawing.has(box);
    return purge(box);
  };
}"""
"""Plotly that takes a second for each figure, as on a busy machine, and tells of interruptions."""
HOT, COLD = (220, 20, 20), (20, 20, 220)


def colours_at(page: Any, points: list[dict[str, Any]]) -> NDArray[np.int64]:
    """Colours of the screen at places that the pointer finds, RGB."""
    screen = np.asarray(Image.open(BytesIO(page.screenshot())).convert("RGB"), np.int64)
    x, y = np.rint([point["at"] for point in points]).astype(int).T
    return screen[y, x]


def test_same_colour_is_the_same_value_in_every_map(
    opened: Callable[..., Any], address: str, example: Run
) -> None:
    page = opened()
    page.goto(f"{address}/genes?section={example.section}&run={example.id}&gene=Ring-03")
    page.wait_for_function(N_MAPS, arg=3)
    points = pd.DataFrame(page.evaluate(POINTS))
    points = points[points["value"].between(*points["value"].quantile([0.05, 0.9]))]
    colours = colours_at(page, points.to_dict("records"))
    measured, others = (points["panel"] == "x").to_numpy(), (points["panel"] != "x").to_numpy()
    assert set(points["panel"]) == {"x", "x2", "x3"}
    value = points["value"].to_numpy()
    apart = np.abs(value[measured][:, None] - value[others][None, :])
    gap = np.abs(colours[measured][:, None] - colours[others][None, :]).max(-1)
    step = np.ptp(value) / 200
    assert (apart < step).sum() > 50
    assert gap[apart < step].max() <= 8
    assert gap[apart > 100 * step].min() > 30


@pytest.fixture(params=[False, True], ids=["upright", "mirrored"])
def slide(request: pytest.FixtureRequest, home: Path) -> tuple[str, NDArray[np.bool_]]:
    """A section whose picture has a red disc at hot spots and a blue one at cold ones."""
    is_hot = np.random.default_rng(4).random((9, 9)) < 0.4
    row, column = (axis.ravel() for axis in np.indices(is_hot.shape))
    x, y = 100 * column + 150, 100 * row + 150
    x = 1100 - x if request.param else x
    picture = Image.new("RGB", (1100, 1100), "white")
    for centre, hot in zip(np.column_stack([x, y]), is_hot.ravel(), strict=True):
        ImageDraw.Draw(picture).circle(centre.tolist(), 40, HOT if hot else COLD)
    counts = np.column_stack([np.where(is_hot.ravel(), 60, 0), np.where(is_hot.ravel(), 40, 100)])
    section = ad.AnnData(
        csr_matrix(counts.astype(np.float32)),
        obs=pd.DataFrame(
            {"array_row": row, "array_col": column}, index=[f"s{i}" for i in range(len(row))]
        ),
        var=pd.DataFrame(index=["Hot", "Rest"]),
        obsm={"spatial": np.column_stack([x, y]).astype(float)},
        uns={
            "spatial": {
                "slide": {
                    "images": {"hires": np.asarray(picture)},
                    "scalefactors": {"tissue_hires_scalef": 1.0},
                }
            }
        },
    )
    name = Store(home).put_section(check_section(section), about={"label": "painted"})
    return name, is_hot


def test_map_lies_on_its_picture(
    opened: Callable[..., Any],
    address: str,
    slide: tuple[str, NDArray[np.bool_]],
    faults: list[str],
) -> None:
    name, is_hot = slide
    page = opened()
    link = f"{address}/genes?section={name}&gene=Hot"
    page.goto(link)
    page.wait_for_function(N_MAPS, arg=1)
    points = page.evaluate(POINTS)
    told = np.array([is_hot[round(p["row"]), round(p["column"])] for p in points])
    assert len(told) == is_hot.size
    tiles = colours_at(page, points)
    assert ((tiles.sum(1) > 300) == told).all()

    page.goto(f"{link}&map_shows_picture=true&map_opacity=10")
    page.wait_for_function(N_MAPS, arg=1)
    page.locator(".stentrans-plot image").first.wait_for(state="attached")
    page.wait_for_load_state("networkidle")
    stained = colours_at(page, page.evaluate(POINTS))
    assert ((stained[:, 0] - stained[:, 2] > 60) == told).all()
    assert ((stained[:, 2] - stained[:, 0] > 60) == ~told).all()
    assert faults == []


def test_lasso_on_a_map_gives_the_statistics_of_the_spots_inside(
    opened: Callable[..., Any], address: str, example: Run, faults: list[str]
) -> None:
    page = opened()
    page.goto(f"{address}/genes?section={example.section}&run={example.id}&gene=Ring-03")
    page.wait_for_function(N_MAPS, arg=3)
    page.get_by_role("radio", name="Lasso").click()
    page.wait_for_function(
        "document.querySelector('.stentrans-plot')._fullLayout.dragmode === 'lasso'"
    )
    page.locator(".stentrans-plot").first.scroll_into_view_if_needed()
    spots = [p for p in page.evaluate(POINTS) if p["panel"] == "x" and p["origin"] == "measured"]
    place = np.array([p["at"] for p in spots])
    (left, top), (right, bottom) = np.quantile(place, [0.3, 0.7], axis=0) + 3  # between spots
    page.mouse.move(left, top)
    page.mouse.down()
    for corner in ((right, top), (right, bottom), (left, bottom), (left, top + 1)):
        page.mouse.move(*corner, steps=6)
    page.mouse.up()
    label = page.get_by_text(re.compile(r"Region of [\d,]+ spots"))
    label.wait_for()
    inside = ((place > (left, top)) & (place < (right, bottom))).all(1)
    assert inside.sum() > 20
    assert int(re.sub(r"\D", "", label.first.inner_text())) == inside.sum()
    assert faults == []


def test_first_minute(
    opened: Callable[..., Any], address: str, example: Run, faults: list[str]
) -> None:
    page = opened()
    page.goto(address)
    page.wait_for_function(N_MAPS, arg=3)
    whole = page.evaluate(RANGES)
    frame = page.locator(".stentrans-plot .nsewdrag").first.bounding_box()
    middle = frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 40, middle[1] + 20, steps=5)
    page.mouse.up()
    page.wait_for_function("() => location.search.includes('at=')")
    moved = page.evaluate(RANGES)
    assert moved[0] != whole[0]
    assert moved[0] == moved[1] == moved[2]

    page.get_by_role("link", name="Look at any other gene").click()
    gene = page.get_by_role("combobox", name="Gene")
    gene.click()
    gene.fill("ring")
    page.get_by_role("option", name="Ring-03", exact=True).click()
    page.wait_for_function("() => location.search.includes('gene=Ring-03')")
    page.locator(".stentrans-plot").first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => !location.search.includes('gene=Ring-03')")
    page.get_by_role("link", name="Home").click()
    page.get_by_role("link", name="Hide a region and let the model fill it").click()
    page.get_by_role("button", name="Pick a hole").wait_for()
    assert faults == []


def test_a_map_is_left_while_it_is_drawn(
    opened: Callable[..., Any], address: str, example: Run, faults: list[str]
) -> None:
    page = opened()
    page.goto(f"{address}/genes?section={example.section}&run={example.id}&gene=Ring-03")
    page.wait_for_function(N_MAPS, arg=3)
    page.evaluate(SLOW_PLOTLY)
    page.locator(".stentrans-plot").first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => window.drawn > 0")
    page.get_by_role("link", name="Help").click()
    page.get_by_role("heading", name="Help", exact=True).wait_for()
    page.wait_for_function("() => !document.querySelector('.stentrans-plot')")
    page.get_by_role("link", name="Genes", exact=True).click()
    page.wait_for_function(N_MAPS, arg=3)
    assert page.evaluate("window.disturbed") == 0
    assert faults == []


def test_a_run_is_stopped_and_what_it_learned_is_kept(
    opened: Callable[..., Any], address: str, home: Path, faults: list[str]
) -> None:
    section = stentrans.simulate(lattice="square", n_rows=28, n_cols=28, seed=6)
    name = Store(home).put_section(section, about={"label": "long"})
    page = opened()
    page.goto(f"{address}/enhance?section={name}")
    page.get_by_role("button", name="Start").click()
    main = page.locator('[data-testid="stMain"]')
    main.get_by_text(re.compile("Enhancing: training")).wait_for(timeout=180_000)
    main.get_by_role("button", name="Stop and keep").click()
    page.get_by_role("button", name="Show what was kept").click(timeout=180_000)
    page.wait_for_function(N_MAPS, arg=2)  # no third one: a stopped run cannot be tested
    page.get_by_text("This run was stopped early").wait_for()
    assert faults == []
