"""Twenty people at once, while the server trains for one of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

import stentrans
from stentrans.app import cache, state
from stentrans.jobs import Manager
from stentrans.store import Run
from tests.app_pages.conftest import APP, TIMEOUT_S
from tests.app_pages.looking import figures

pytestmark = pytest.mark.slow

N_SESSIONS = 20


def gene_on_the_map(app: AppTest) -> str:
    """What the pointer tells on the first map of the page."""
    told = [trace.get("hovertemplate", "") for trace in figures(app)[0]["data"]]
    return next(text for text in told if text).split("</b>")[0].removeprefix("<b>")


def test_every_session_sees_its_own_gene_while_a_run_trains(
    app: AppTest, manager: Manager, finish: Callable[[], None]
) -> None:
    app.run()
    finish()
    section = app.session_state[state.SECTION]
    shown = app.session_state[state.RUNS][section]
    larger = stentrans.simulate(lattice="square", n_rows=60, n_cols=60)
    trained = Run(section=cache.store().put_section(larger, about={"label": "larger"}))
    manager.submit(trained)
    sessions = []
    for _ in range(N_SESSIONS):
        session = AppTest.from_file(str(APP), default_timeout=TIMEOUT_S)
        session.query_params = {"section": section, "run": shown.id}
        session.switch_page("pages/genes.py")
        sessions.append(session.run())
    genes = sessions[0].selectbox(key="gene").options
    for round_ in range(2):
        chosen = genes[round_ * N_SESSIONS : (round_ + 1) * N_SESSIONS]
        for session, gene in zip(sessions, chosen, strict=True):
            session.selectbox(key="gene").set_value(gene)
            session.run()
        for session, gene in zip(sessions, chosen, strict=True):
            assert not session.exception
            assert not session.error
            assert gene_on_the_map(session) == gene
    job = manager.follow(trained.id)
    assert job is not None
    assert job.state == "running"
    manager.cancel(trained.id)
