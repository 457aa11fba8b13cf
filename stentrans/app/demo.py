"""The example that a new session opens on: simulated, enhanced once, then from the store."""

from __future__ import annotations

from typing import Final

import streamlit as st

from stentrans.app import cache, state, text
from stentrans.jobs.endings import INTERRUPTED_SENTENCE
from stentrans.store import Run

METHOD: Final = "stentrans"
KINDS: Final = ("hexagonal", "square")


@st.cache_resource(show_spinner=False)
def section_id(kind: str) -> str:
    """Return the id of a simulated section, made and stored on first use."""
    from stentrans.section import simulate

    return cache.store().put_section(
        simulate(lattice="square" if kind == "square" else "hexagonal"),
        about={"label": text.DEMO_LABELS[kind], "public": True},
    )


def open_demo(kind: str) -> None:
    """Look at an example and see to it that it is enhanced and tested."""
    name = section_id(kind)
    state.choose_section(name, text.DEMO_LABELS[kind])
    run = Run(section=name, method=METHOD)
    state.choose_run(run)
    for one in (run, run.holdout()) if cache.is_finished(run) else (run,):
        _ensure(one)


def start() -> None:
    """Open the first example in a session that looks at nothing yet."""
    if state.section_id() is None:
        open_demo(KINDS[0])


def _ensure(run: Run) -> None:
    """Start a run that never was, or that an earlier app was stopped in.

    One that failed otherwise stays as it ended: it would fail again for every visitor.
    """
    job = cache.manager().follow(run.id)
    if not cache.is_finished(run) and (job is None or job.sentence == INTERRUPTED_SENTENCE):
        cache.manager().submit(run)
