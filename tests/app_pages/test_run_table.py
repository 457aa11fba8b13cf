"""The table of runs: what it tells, and what each of its buttons does."""

from __future__ import annotations

from collections.abc import Callable

import anndata as ad
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from stentrans.app import cache, run_table, state
from stentrans.jobs import Manager
from stentrans.jobs.work import do_run
from stentrans.section import check_section
from stentrans.store import Run
from tests.app_pages.looking import button, words

Mark = Callable[..., AppTest]


@pytest.fixture
def runs(no_worker: None, hexagonal_section: ad.AnnData) -> tuple[Run, Run]:
    """Two finished runs of one section, the first with its test on hidden spots."""
    store = cache.store()
    name = store.put_section(check_section(hexagonal_section), about={"label": "mine.h5ad"})
    first, second = Run(name, method="linear"), Run(name, method="nearest", factor=3, seed=4)
    for run in (first, first.holdout(), second):
        do_run(run, store, lambda progress: None)
    return first, second


@pytest.fixture
def mark(app: AppTest, runs: tuple[Run, Run], monkeypatch: pytest.MonkeyPatch) -> Mark:
    """Open the page with some runs marked: AppTest itself cannot mark rows."""
    draw = run_table._marked

    def opened(*marked: Run) -> AppTest:
        def drawn(rows: list[run_table.Row], frame: pd.DataFrame) -> list[run_table.Row]:
            draw(rows, frame)
            return [row for run in marked for row in rows if row.run == run]

        monkeypatch.setattr(run_table, "_marked", drawn)
        app.query_params["section"] = runs[0].section
        app.run()
        return app.switch_page("pages/enhance.py").run()

    return opened


def table(app: AppTest) -> pd.DataFrame:
    (found,) = [one.value for one in app.dataframe if "took" in one.value]
    return found.set_index("run")


def test_runs_are_told_with_state_score_and_time(mark: Mark, runs: tuple[Run, Run]) -> None:
    shown = table(mark())
    linear, nearest = (run_table.title(run) for run in runs)
    assert set(shown.index) == {linear, nearest}
    assert "seed 4" in nearest
    assert set(shown["state"]) == {"finished"}
    assert -1 < shown.loc[linear, "r on hidden spots"] < 1
    assert pd.isna(shown.loc[nearest, "r on hidden spots"])
    assert (shown["took"] > 0).all()


def test_shown_run_is_the_one_that_genes_draws(mark: Mark, runs: tuple[Run, Run]) -> None:
    app = mark(runs[1])
    button(app, "Show").click().run()
    assert not app.exception
    assert "gene" in [one.key for one in app.selectbox]
    assert app.session_state[state.RUNS][runs[1].section] == runs[1]


def test_clone_puts_the_settings_into_the_form(mark: Mark, runs: tuple[Run, Run]) -> None:
    app = mark(runs[1])
    button(app, "Clone settings").click().run()
    assert not app.exception
    assert app.selectbox(key="method").value == "nearest"
    assert app.number_input(key="seed").value == 4
    assert "--factor 3" in app.code[0].value


def test_pinned_run_says_so_and_is_unpinned_again(mark: Mark, runs: tuple[Run, Run]) -> None:
    app = mark(runs[0])
    button(app, "Pin").click().run()
    assert cache.store().is_pinned(runs[0].id)
    assert table(app).loc[run_table.title(runs[0]), "state"] == "finished, pinned"
    button(app, "Unpin").click().run()
    assert not cache.store().is_pinned(runs[0].id)


def test_deleted_run_is_gone_with_its_test_and_the_other_stays(
    mark: Mark, runs: tuple[Run, Run]
) -> None:
    app = mark(runs[0])
    button(app, "Delete").click().run()
    assert not app.exception
    assert list(table(app).index) == [run_table.title(runs[1])]
    store = cache.store()
    assert [store.run(name) for name in store.names("runs")] == [runs[1]]


def test_marks_are_kept_only_as_long_as_the_rows_are_the_same(
    mark: Mark, runs: tuple[Run, Run]
) -> None:
    def key(app: AppTest) -> str:
        return next(str(one.key) for one in app.dataframe if "took" in one.value)

    app = mark(runs[0])
    first = key(app)
    button(app, "Pin").click().run()
    assert key(app) == first
    button(app, "Delete").click().run()
    assert key(app) != first


def test_two_runs_are_compared_with_what_differs_first(mark: Mark, runs: tuple[Run, Run]) -> None:
    app = mark(*runs)
    assert not [one for one in app.button if one.label in ("Show", "Pin", "Clone settings")]
    (compared,) = [one.value for one in app.dataframe if "took" not in one.value]
    names = list(compared.iloc[:, 0])
    assert set(names[:3]) == {"method", "factor", "seed"}
    assert names[3] == "gaps"
    score = compared[compared.iloc[:, 0] == "mean r on hidden spots"].iloc[0]
    assert float(score.iloc[1]) == pytest.approx(run_table._score(runs[0]), abs=0.01)
    assert score.iloc[2] == "–"


def test_failed_run_can_be_started_again(
    mark: Mark, runs: tuple[Run, Run], manager: Manager
) -> None:
    failing = Run(runs[0].section, method="linear", seed=9)
    manager.submit(failing)
    manager._end(failing.id, manager._jobs[failing.id].ended("failed", "The disk is full."))
    app = mark(failing)
    assert table(app).loc[run_table.title(failing), "state"] == "failed"
    button(app, "Run it again").click().run()
    assert manager.follow(failing.id).state == "queued"  # type: ignore[union-attr]
    assert "The disk is full" not in words(app)
