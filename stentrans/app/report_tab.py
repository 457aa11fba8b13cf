"""The tab that makes a file for the lab meeting: a page, or slides."""

from __future__ import annotations

from typing import Final, cast

import pandas as pd
import streamlit as st

from stentrans.app import links, maps, state, text, told, view
from stentrans.methods.base import Progress
from stentrans.report.story import MOST_GENES
from stentrans.report.writing import KINDS
from stentrans.store import Run

WORDS: Final = {
    ".html": "One page that opens in any browser without a network: linked maps, scores beside "
    "the null, method, settings, notes.",
    ".pptx": "A slide per gene with its maps; verdict, scores and settings in the speaker notes.",
}
TITLES: Final = {".html": "Page (.html)", ".pptx": "Slides (.pptx)"}
MIMES: Final = {
    ".html": "text/html",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}


def show(run: Run) -> None:
    """Draw the choices, the notes, and the way to the file."""
    choices, result = st.columns([2, 3], gap="large")
    with choices:
        kind = st.segmented_control(
            "Kind",
            list(TITLES),
            default=".html",
            required=True,
            key=state.REPORT_KIND,
            persist_state="session",
            format_func=lambda one: TITLES[one],
        )
        st.caption(WORDS[kind])
        genes = told.choose_genes(run, key=state.REPORT_GENES, most=MOST_GENES)
        reading = st.segmented_control(
            "Values",
            list(text.READINGS),
            default="composition",
            required=True,
            key=state.REPORT_READING,
            persist_state="session",
            format_func=lambda one: text.READINGS[one],
            help=text.READING_HELP,
        )
    with result:
        if not genes:
            st.info("Choose at least one gene.")
            return
        notes = _notes(genes)
        if not maps.is_tested(run):
            st.warning(
                "This result was not tested on hidden spots yet: the report will say that whether "
                "to believe it is not known. The test is on the Genes page."
            )
        _offer(run, genes, cast(state.Reading, reading), kind, notes)


def _notes(genes: list[str]) -> dict[str, str]:
    """Draw the user's notes, a line per gene, and return those that say something."""
    kept = view.stars()
    frame = pd.DataFrame({"Gene": genes, "Note": [kept.get(gene, "") for gene in genes]})
    edited = st.data_editor(
        frame, disabled=["Gene"], hide_index=True, width="stretch", key="report-notes"
    )
    written = zip(edited["Gene"], edited["Note"].fillna(""), strict=True)
    return {str(gene): str(note) for gene, note in written if str(note).strip()}


def _offer(
    run: Run, genes: list[str], reading: state.Reading, kind: str, notes: dict[str, str]
) -> None:
    """Draw the button that makes the file, its progress, and the way to it."""
    noted = tuple(notes.items())
    asked = (run.id, maps.is_tested(run), tuple(genes), reading, kind, noted, view.turns())
    if st.button("Make it", type="primary", icon=":material/description:", key="make-report"):
        st.session_state[state.REPORT_MADE] = (asked, _made(run, genes, reading, kind, notes))
    made = st.session_state.get(state.REPORT_MADE)
    if made is None or made[0] != asked:
        return
    content: bytes = made[1]
    st.download_button(
        f"Download ({len(content) / 1e6:.1f} MB)",
        content,
        file_name=f"report{kind}",
        mime=MIMES[kind],
        on_click="ignore",
        icon=":material/download:",
        key="download-report",
    )


def _made(
    run: Run, genes: list[str], reading: state.Reading, kind: str, notes: dict[str, str]
) -> bytes:
    """Make the file while its progress is shown."""
    bar = st.progress(0.0, text="gathering results")

    def listen(progress: Progress) -> None:
        bar.progress(min(progress.fraction, 1.0), text=text.plain(progress.stage))

    link = links.link(run, genes[0], reading)
    content = KINDS[kind](told.story(run, genes, reading, link, notes), listen)
    bar.empty()
    return content
