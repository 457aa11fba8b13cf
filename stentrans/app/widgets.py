"""Widgets that pages share: errors as sentences, the sidebar, jobs and their progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
import streamlit as st

from stentrans.app import access, cache, facts, state, text
from stentrans.app.maps import is_dark
from stentrans.app.screens import screen
from stentrans.errors import StentransError
from stentrans.figures.theme import theme
from stentrans.figures.training import loss_curve, preview_maps
from stentrans.jobs import Job, kind_of
from stentrans.keys import ARRAY_COL, ARRAY_ROW
from stentrans.section import measured_values
from stentrans.store import Run

T = TypeVar("T")

# A Material icon or emoji would be fetched from the internet.
ICON = Path(__file__).with_name("icon.svg")

LOOK = """<style>
[data-testid="stMainBlockContainer"] { padding: 2.6rem 3rem 2rem; }
@media (max-width: 640px) { [data-testid="stMainBlockContainer"] { padding: 3.6rem 1rem; } }
[data-testid="stSidebarHeader"] { height: 2.6rem; }
</style>"""
DARK_LOOK = """<style>
[data-testid="stBaseButton-primary"]:not(:disabled) *, [data-baseweb="tag"] * { color: #06201c; }
</style>"""
"""Dark letters on the primary colour: one that bears white ones is too dark for its own letters."""


def page_look() -> None:
    """Set what all pages share: name, icon, width, and less empty space at the top."""
    st.set_page_config(page_title="stEnTrans", page_icon=str(ICON), layout="wide")
    st.html(LOOK + DARK_LOOK if is_dark() else LOOK)


@contextmanager
def show_errors() -> Iterator[None]:
    """Show an error meant for people as its sentence; anything else surfaces."""
    try:
        yield
    except StentransError as error:
        st.error(text.plain(str(error)), icon=":material/error:")


def keep_error(work: Callable[[T], object], given: T) -> None:
    """Do something in a callback; a sentence that it raises waits for the page to be drawn."""
    try:
        work(given)
    except StentransError as error:
        st.session_state[state.KEPT_ERROR] = str(error)


def show_kept_error() -> None:
    """Show the sentence that a callback left, once."""
    sentence = st.session_state.pop(state.KEPT_ERROR, None)
    if sentence is not None:
        st.error(text.plain(sentence), icon=":material/error:")


def sidebar() -> None:
    """Draw what every page shows: the section and its jobs."""
    with st.sidebar:
        dataset_chip()
        job_ticker()


def dataset_chip() -> None:
    """Name the section that is looked at."""
    section = state.section_id()
    if section is None:
        return
    found = facts.facts_of(section)
    with st.container(border=True):
        st.markdown(f"**{text.plain(state.label())}**")
        st.caption(f"{text.plain(found.assay)} · {found.spots} spots · {found.genes} genes")
        _share(section)
    others = [name for name in state.labels() if name != section]
    if others:
        chosen = st.selectbox(
            "Open another section of this session",
            others,
            index=None,
            format_func=lambda name: state.labels()[name],
            placeholder="switch section",
            label_visibility="collapsed",
        )
        if chosen is not None:
            state.choose_section(chosen, state.labels()[chosen])
            st.rerun()


def _share(section: str) -> None:
    """Draw the links to a section, where people are told apart."""
    if not access.is_shared():
        return
    with st.popover("Share", icon=":material/share:", width="stretch"):
        st.caption(text.SHARE_EXPLAINED)
        if st.button("Make a link", key="share_make", icon=":material/link:"):
            run = state.run()
            token = access.share(section, "" if run is None else run.id, state.label())
            base = (st.context.url or "").partition("?")[0]
            st.code(f"{base}?{access.LINK_PARAMETER}={token}", language=None, wrap_lines=True)
        for name, link in access.my_links(section).items():
            made = datetime.fromtimestamp(link.made_at).strftime("%d %b, %H:%M")
            if st.button(f"Revoke the link of {made}", key=f"revoke-{name}"):
                access.revoke(name)
                st.rerun()


def session_jobs() -> list[Job]:
    """Return the jobs of this session's sections."""
    return [job for job in cache.manager().jobs() if job.run.section in state.labels()]


def job_ticker() -> None:
    """Draw the jobs under way; polls while there are any, and redraws the page when one ends."""
    going_on = [job.run.id for job in session_jobs() if not job.is_over]
    st.fragment(_ticker, run_every=1.0 if going_on else None)(going_on)


def _ticker(going_on: list[str]) -> None:
    manager = cache.manager()
    for run_id in going_on:
        job = manager.follow(run_id)
        if job is None or job.is_over:
            st.rerun()
        line = text.job_line(job, manager.waiting_before(run_id))
        if job.run.section != state.section_id():
            line = f"{text.plain(state.labels().get(job.run.section, 'another section'))}: {line}"
        st.progress(job.fraction, text=line)


def live_job(run: Run) -> None:
    """Draw a job in full: progress, a gene becoming clearer, loss, and the ways to end it."""
    job = cache.manager().follow(run.id)
    is_going_on = job is not None and not job.is_over
    st.fragment(_live_job, run_every=1.0 if is_going_on else None)(run.id)


def _live_job(run_id: str) -> None:
    manager = cache.manager()
    job = manager.follow(run_id)
    if job is None:
        return
    if job.is_over:
        st.rerun()
    st.progress(job.fraction, text=text.job_line(job, manager.waiting_before(run_id)))
    if job.state == "queued" and not manager.has_workers():
        st.caption(text.NO_WORKERS)
    if job.sentence:
        st.caption(text.plain(job.sentence))
    _end_buttons(job)
    if job.preview is not None and job.watched is not None:
        _preview(job)
    if job.losses:
        frame = pd.DataFrame(job.losses, columns=["elapsed_s", "loss"])
        st.plotly_chart(
            loss_curve(frame, colours=theme(dark=is_dark())),
            key="loss",
            width="stretch",
            theme=None,
            config={"displayModeBar": False},
            alt="Training loss against time.",
        )


def _end_buttons(job: Job) -> None:
    """Draw the two ways to end a job: without a result, or with what is there."""
    manager = cache.manager()
    with st.container(horizontal=True):
        if st.button("Cancel", icon=":material/stop_circle:", key="cancel"):
            manager.cancel(job.run.id)
            st.rerun()
        can_keep = kind_of(job.run).can_keep and job.state == "running"
        if can_keep and st.button(
            "Stop and keep",
            icon=":material/save:",
            key="keep",
            help="Ends the training and makes a result of what was learned so far. It is kept "
            "apart from the whole run, and marked as stopped early.",
        ):
            manager.keep(job.run.id)
            st.toast("Finishing with what is there …")


def _preview(job: Job) -> None:
    """Draw the watched gene, measured and as it is known by now."""
    gene, section = job.watched.gene if job.watched else "", job.run.section
    tissue = cache.tissue(section)
    array = tissue.obs[[ARRAY_ROW, ARRAY_COL]].to_numpy(np.float64)
    measured = measured_values(tissue, [gene], "composition")[:, 0]
    if job.preview is None or len(job.preview) != len(measured):
        return
    st.plotly_chart(
        preview_maps(
            screen(section).place(array),
            {"measured": measured, "so far, each spot from its surroundings": job.preview},
            gene=gene,
            colours=theme(dark=is_dark()),
        ),
        key="preview",
        width="stretch",
        theme=None,
        config={"displayModeBar": False},
        alt=f"Gene {gene} as measured, and as predicted so far.",
    )


def is_going_on(run: Run) -> bool:
    """Say whether a job for this run waits or runs."""
    job = cache.manager().follow(run.id)
    return job is not None and not job.is_over


def show_ending(job: Job) -> None:
    """Say how a job ended, where that is not plain to see."""
    if job.state == "failed":
        st.error(text.plain(job.sentence), icon=":material/error:")
    elif job.kept is not None:
        st.info(text.plain(job.sentence), icon=":material/save:")
        if st.button("Show what was kept", key=f"kept-{job.run.id}", icon=":material/search:"):
            state.choose_run(job.kept)
            st.switch_page("pages/genes.py")
    elif job.state == "cancelled":
        st.warning("Cancelled. Start it again whenever you like.", icon=":material/stop_circle:")
    else:
        st.success("Done.", icon=":material/check_circle:")


def offer_work(run: Run, label: str, about: str) -> bool:
    """Draw the button, the progress or the failure of a work; say whether it is finished.

    Parameters
    ----------
    run
        The work.
    label, about
        Of the button, and a sentence above it.
    """
    if cache.is_finished(run):
        return True
    job = cache.manager().follow(run.id)
    if job is not None and not job.is_over:
        live_job(run)
        return False
    if job is not None:
        show_ending(job)
    st.caption(about)
    if st.button(label, type="primary", icon=":material/play_arrow:", key=f"do-{run.work}"):
        cache.manager().submit(run, who=access.who())
        st.rerun()
    return False


def waiting_notes(run: Run | None) -> tuple[str, str]:
    """Return what the empty enhanced and imputed maps say about what is coming."""
    if run is None:
        return text.NOT_ENHANCED, text.NOT_ENHANCED
    return _waiting_note(run), _waiting_note(run.holdout(), after=run)


def _waiting_note(run: Run, *, after: Run | None = None) -> str:
    job = cache.manager().follow(run.id)
    if job is not None and job.state in ("queued", "running"):
        return text.WAITING
    if job is not None and job.state == "failed":
        return text.FAILED
    first = None if after is None else cache.manager().follow(after.id)
    if first is not None and not first.is_over:
        return text.WAITING
    return text.NOT_ENHANCED if after is None else text.NOT_TESTED


def show_failure(run: Run) -> None:
    """Say why a run has no result, with a button to try again."""
    job = cache.manager().follow(run.id)
    if job is None or job.state not in ("failed", "cancelled"):
        return
    show_ending(job)
    if st.button("Run it again", key=f"again-{run.id}", icon=":material/replay:"):
        cache.manager().submit(run)
        st.rerun()


def offer_test(run: Run) -> None:
    """Show the test on hidden spots while it runs, or offer to start it."""
    test = run.holdout()
    job = cache.manager().follow(test.id)
    if run.stopped:
        st.caption(text.STOPPED_RUN)
        return
    st.caption(text.TEST_EXPLAINED)
    if job is not None and not job.is_over:
        st.progress(job.fraction, text=text.job_line(job, cache.manager().waiting_before(test.id)))
    elif job is not None:
        show_failure(test)
    elif st.button("Test on hidden spots", type="primary", icon=":material/visibility_off:"):
        cache.manager().submit(test)
        st.rerun()


def point_home() -> None:
    """Say that a page needs a section, and where to get one."""
    st.info("Open a section first.")
    st.page_link("pages/home.py", label="**Go to Home**", icon=":material/home:")
