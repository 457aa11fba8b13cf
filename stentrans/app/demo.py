"""The example that a new session opens on: simulated, enhanced once, then from the store."""

from __future__ import annotations

from typing import Final

import streamlit as st

from stentrans.app import cache, state, text
from stentrans.app.maps import is_tested
from stentrans.jobs.manager import INTERRUPTED_SENTENCE
from stentrans.store import Run

KINDS: Final = ("hexagonal", "square")
METHOD: Final = "stentrans"
QUICK_METHOD: Final = "lowrank_kriging"
"""Shown until `METHOD`, which takes minutes on a small machine, is done and tested."""


@st.cache_resource(show_spinner=False)
def section_id(kind: str) -> str:
    """Return the id of a simulated section, made and stored on first use."""
    from stentrans.section import simulate

    return cache.store().put_section(
        simulate(lattice="square" if kind == "square" else "hexagonal"),
        about={"label": text.DEMO_LABELS[kind]},
    )


def open_demo(kind: str) -> None:
    """Look at an example and see to it that it is enhanced."""
    name = section_id(kind)
    state.choose_section(name, text.DEMO_LABELS[kind])
    _show_best(name)


def start() -> None:
    """Open the first example in a session that looks at nothing yet, else keep it going."""
    if state.section_id() is None:
        open_demo(KINDS[0])
    run = state.run()
    if run is not None and run in _runs(run.section) and run.section in _opened():
        _show_best(run.section)


def _opened() -> list[str]:
    """Return the examples among the sections of this session."""
    return [name for name, label in state.labels().items() if label in text.DEMO_LABELS.values()]


def _runs(name: str) -> tuple[Run, Run]:
    """Return the quick run of an example and the one it is replaced by."""
    return Run(section=name, method=QUICK_METHOD), Run(section=name, method=METHOD)


def _show_best(name: str) -> None:
    """Show the quick run at once and the better one as soon as it is there."""
    quick, best = _runs(name)
    if state.run() not in (None, quick, best):
        return
    if is_tested(best) or (state.run() == best and cache.is_finished(best)):
        state.choose_run(best)
        return
    state.choose_run(quick)
    _ensure(quick)
    if _is_settled(quick):
        _ensure(best)


def _is_settled(run: Run) -> bool:
    """Say whether nothing more will come of a run and its test."""
    test = cache.manager().follow(run.holdout().id)
    return is_tested(run) or (test is not None and test.is_over)


def _ensure(run: Run) -> None:
    """Start a run that never was, or that an earlier app was stopped in.

    One that failed otherwise stays as it ended: it would fail again for every visitor.
    """
    for one in (run, run.holdout()) if cache.is_finished(run) else (run,):
        job = cache.manager().follow(one.id)
        if job is None or job.sentence == INTERRUPTED_SENTENCE:
            cache.manager().submit(one)
