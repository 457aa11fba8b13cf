"""The runs of a section: what was asked, by whom, how it stands, and what to do with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zlib import crc32

import pandas as pd
import streamlit as st

from stentrans.app import cache, state, text
from stentrans.jobs import Job
from stentrans.store import Run

SELECTED = "runs_selected"
SHOWN_WORK = ("enhance",)


@dataclass(frozen=True)
class Row:
    """One run as the table shows it.

    Parameters
    ----------
    run
        The run.
    state
        finished, or how its job stands.
    who, at, seconds
        Who asked for it, when it was made, and how long it took; empty or None where unknown.
    score
        Mean correlation on hidden spots over genes seen in more than a tenth of the spots; None
        before the test.
    is_pinned
        Whether it is kept whatever room is needed.
    """

    run: Run
    state: str
    who: str
    at: float | None
    seconds: float | None
    score: float | None
    is_pinned: bool


def rows_of(sections: Sequence[str]) -> list[Row]:
    """Return the enhancements of some sections, stored or under way, the latest first."""
    store, wanted = cache.store(), set(sections)
    stored = [run for name in store.names("runs") if (run := store.run(name)) is not None]
    found = {run.id: _stored(run) for run in stored if _is_shown(run, wanted)}
    for job in cache.manager().jobs():
        if _is_shown(job.run, wanted) and job.run.id not in found and job.kept is None:
            found[job.run.id] = _of_job(job)
    return sorted(found.values(), key=lambda row: row.at or 0.0, reverse=True)


def _is_shown(run: Run, sections: set[str]) -> bool:
    return run.section in sections and run.work in SHOWN_WORK


def _stored(run: Run) -> Row:
    store = cache.store()
    about = store.about("runs", run.id)
    return Row(
        run=run,
        state="stopped early" if run.stopped else "finished",
        who=str(about.get("who", "")),
        at=about.get("made_at"),
        seconds=about.get("seconds"),
        score=_score(run),
        is_pinned=store.is_pinned(run.id),
    )


def _of_job(job: Job) -> Row:
    return Row(job.run, job.state, job.who, job.submitted_at, None, None, is_pinned=False)


def _score(run: Run) -> float | None:
    """Mean over genes of the correlation on hidden spots, from the notes beside the test."""
    if run.stopped:
        return None
    summary: dict[str, Any] = cache.store().about("runs", run.holdout().id).get("summary", {})
    value = summary.get("pearson")
    return None if value is None else float(value)


def settings_of(run: Run) -> dict[str, str]:
    """Return everything that tells one run from another, as words."""
    told = {
        "method": text.method_name(run.method),
        "factor": f"{run.factor} ×",
        "gaps": "filled" if run.fill_gaps else "left",
        "seed": str(run.seed),
    }
    told |= {name: str(value) for name, value in run.settings}
    return told | ({"stopped": run.stopped} if run.stopped else {})


def title(run: Run) -> str:
    """Name a run in a few words: method, factor, and what is not as usual."""
    usual = settings_of(Run(run.section, method=run.method, factor=run.factor))
    others = [f"{k} {v}" for k, v in settings_of(run).items() if usual.get(k) != v]
    return ", ".join([f"{text.method_name(run.method)} {run.factor} ×", *others])


def show_runs(sections: Sequence[str]) -> None:
    """Draw the table, and the buttons for what is marked in it."""
    rows = rows_of(sections)
    if not rows:
        st.caption(text.NO_RUNS)
        return
    frame = _frame(rows)
    if len(set(sections)) == 1:
        frame = frame.drop(columns="section")
    if not any(frame["who"]):
        frame = frame.drop(columns="who")
    chosen = _marked(rows, frame)
    if chosen:
        _actions(chosen)
    else:
        st.caption("Mark a run to show, clone, pin or delete it; mark two to compare them.")


def _frame(rows: Sequence[Row]) -> pd.DataFrame:
    """What the table shows, a row per run."""
    labels = state.labels()
    return pd.DataFrame(
        {
            "run": [title(row.run) for row in rows],
            "state": [row.state + (", pinned" if row.is_pinned else "") for row in rows],
            "r on hidden spots": [row.score for row in rows],
            "when": [None if r.at is None else datetime.fromtimestamp(r.at) for r in rows],
            "took": [row.seconds for row in rows],
            "who": [row.who for row in rows],
            "section": [labels.get(row.run.section, "") for row in rows],
        }
    )


def _marked(rows: Sequence[Row], frame: pd.DataFrame) -> list[Row]:
    """Draw the table and return the rows that are marked in it."""
    # Marks are kept by place: among other rows they would be marks of other runs.
    rows_now = crc32(" ".join(row.run.id for row in rows).encode())
    event = st.dataframe(
        frame,
        key=f"{SELECTED}-{rows_now}",
        hide_index=True,
        width="stretch",
        on_select="rerun",
        selection_mode="multi-row",
        placeholder="–",
        column_config={
            "run": st.column_config.TextColumn("Run", width="medium"),
            "state": st.column_config.TextColumn("State", width="small"),
            "r on hidden spots": st.column_config.NumberColumn(
                "r on hidden spots",
                format="%.3f",
                help="Mean correlation with what was measured at spots that were hidden, over "
                "genes seen in more than a tenth of the spots.",
            ),
            "when": st.column_config.DatetimeColumn("When", format="D MMM, HH:mm"),
            "took": st.column_config.NumberColumn("Took", format="%d s"),
            "who": st.column_config.TextColumn("Who"),
            "section": st.column_config.TextColumn("Section"),
        },
    )
    return [rows[i] for i in event.selection.rows if i < len(rows)]


def _actions(chosen: list[Row]) -> None:
    """Draw what can be done with the marked runs."""
    one = chosen[0]
    with st.container(horizontal=True):
        if len(chosen) == 1:
            _actions_on_one(one)
        if st.button("Delete", icon=":material/delete:", key="run_delete"):
            for row in chosen:
                _delete(row)
            st.rerun()
    if len(chosen) == 2:
        _compare(chosen[0], chosen[1])


def _actions_on_one(row: Row) -> None:
    run, store = row.run, cache.store()
    if row.state in ("finished", "stopped early"):
        if st.button("Show", icon=":material/search:", key="run_show", type="primary"):
            state.choose_section(run.section, state.labels()[run.section])
            state.choose_run(run)
            st.switch_page("pages/genes.py")
        pin = "Unpin" if row.is_pinned else "Pin"
        if st.button(pin, icon=":material/push_pin:", key="run_pin", help=text.PIN_HELP):
            (store.unpin if row.is_pinned else store.pin)(run.id)
            st.rerun()
    elif row.state in ("failed", "cancelled") and st.button(
        "Run it again", icon=":material/replay:", key="run_again"
    ):
        cache.manager().submit(run)
        st.rerun()
    st.button(
        "Clone settings",
        icon=":material/content_copy:",
        key="run_clone",
        help="Puts the settings of this run into the form.",
        on_click=state.clone_run,
        args=(run,),
    )


def _delete(row: Row) -> None:
    """Drop a run and its test: the job if it goes on, the result if it is stored."""
    store = cache.store()
    for run in (row.run, row.run.holdout()):
        cache.manager().cancel(run.id)
        cache.manager().drop(run.id)
        store.unpin(run.id)
        store.remove("runs", run.id)


def _compare(one: Row, other: Row) -> None:
    """Lay two runs side by side: what differs first, then the scores."""
    a, b = settings_of(one.run), settings_of(other.run)
    names = list(dict.fromkeys([*a, *b]))
    table = [(name, a.get(name, "–"), b.get(name, "–")) for name in names]
    table.sort(key=lambda line: line[1] == line[2])
    for name, of_one, of_other in _scores(one.run, other.run):
        table.append((name, text.number(of_one), text.number(of_other)))
    frame = pd.DataFrame(table, columns=["", title(one.run), title(other.run)])
    if one.run.section != other.run.section:
        st.caption("Two different sections: their scores do not compare.")
    st.dataframe(frame, hide_index=True, width="stretch", key="runs_compared")


def _scores(one: Run, other: Run) -> list[tuple[str, float | None, float | None]]:
    """Scores on hidden spots of both, by what they are."""
    told = [
        {} if run.stopped else cache.store().about("runs", run.holdout().id).get("summary", {})
        for run in (one, other)
    ]
    words = {
        "pearson": "mean r on hidden spots",
        "depth_adjusted": "the same beyond what depth explains",
        "ceiling": "what counting noise allows",
    }
    return [(words[name], told[0].get(name), told[1].get(name)) for name in words]
