"""The reveal page: choose, hide, predict, uncover; lost areas filled and tested."""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from stentrans.app import cache, revealing
from stentrans.jobs import Manager
from stentrans.lattice import find_gaps
from tests.app_pages.looking import button, figures, words

PAGE = "pages/reveal.py"


def shown(app: AppTest) -> AppTest:
    """The page with linear interpolation as the method, which takes no time."""
    app.run()
    app.switch_page(PAGE).run()
    (method,) = [one for one in app.selectbox if one.label == "Method"]
    return method.set_value("linear").run()


def finish(app: AppTest, manager: Manager, work: str) -> AppTest:
    (job,) = [job for job in manager.jobs() if job.run.work == work]
    assert manager.wait(job.run.id, timeout_s=60).state == "finished"
    return app.run()


def titles(figure: dict) -> list[str]:
    return [trace["name"] for trace in figure["data"] if trace["type"] == "heatmap"]


@pytest.mark.usefixtures("no_worker")
def test_page_tells_the_steps_and_asks_for_enough_spots(app: AppTest) -> None:
    shown(app)
    assert not app.exception
    assert "Draw a line" in words(app)
    assert "Choose at least 10" in words(app)
    assert titles(figures(app)[0]) == ["Measured"]


@pytest.mark.usefixtures("no_worker")
def test_picked_spots_are_outlined_and_offered(app: AppTest) -> None:
    shown(app)
    button(app, "Pick a hole").click().run()
    assert not app.exception
    assert "region" in [trace["name"] for trace in figures(app)[0]["data"]]
    assert [one for one in app.button if one.label.startswith("Hide these")]


def test_truth_and_scores_come_only_when_they_are_asked_for(app: AppTest, manager: Manager) -> None:
    shown(app)
    button(app, "Pick scattered").click().run()
    next(one for one in app.button if one.label.startswith("Hide these")).click().run()
    finish(app, manager, "reveal")
    assert not app.exception
    covered = figures(app)
    assert titles(covered[0]) == ["Seen", "Predicted"]
    assert len(covered) == 1
    button(app, "Reveal the truth").click().run()
    assert not app.exception
    uncovered = figures(app)
    assert titles(uncovered[0]) == ["Seen", "Predicted", "Truth"]
    assert len(uncovered) == 3
    assert "linear minus low-rank kriging, correlation" in words(app).replace("*", "")
    button(app, "Hide other spots").click().run()
    assert "Draw a line" in words(app)


def test_hidden_values_are_not_told_before_they_are_uncovered(
    app: AppTest, manager: Manager
) -> None:
    shown(app)
    button(app, "Pick scattered").click().run()
    hidden = revealing_choice(app)
    next(one for one in app.button if one.label.startswith("Hide these")).click().run()
    finish(app, manager, "reveal")
    seen = next(t for t in figures(app)[0]["data"] if t["type"] == "scattergl")
    values = decoded(seen["customdata"]).reshape(-1, 3)[:, 0]
    assert (values[hidden] == 0).all()


def test_found_gaps_are_filled_marked_and_tested(app: AppTest, manager: Manager) -> None:
    shown(app)
    app.button_group(key="reveal_part").set_value("Lost areas").run()
    section = app.session_state["stentrans_section"]
    n_gaps = len(find_gaps(cache.lattice(section)))
    assert f"{n_gaps} positions to fill" in words(app).replace("*", "")
    button(app, "Fill and test").click().run()
    finish(app, manager, "fill")
    assert not app.exception
    maps = figures(app)[0]
    assert titles(maps) == ["Measured", "Filled"]
    assert "gap" in [trace["name"] for trace in maps["data"]]
    assert "hidden elsewhere in the tissue" in words(app)
    assert len(figures(app)) == 3


def revealing_choice(app: AppTest) -> np.ndarray:
    kept = app.session_state[revealing.HIDDEN]
    return np.array(kept[app.session_state["stentrans_section"]])


def decoded(told: dict) -> np.ndarray:
    """Numbers as plotly writes them: base64 of a typed array."""
    import base64

    return np.frombuffer(base64.b64decode(told["bdata"]), told["dtype"])
