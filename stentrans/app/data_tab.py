"""The tab that makes files of a result for other software."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, cast

import streamlit as st

from stentrans import export
from stentrans.app import cache, downloads, opening, repeat, state, text, widgets
from stentrans.app.wish import Wish
from stentrans.enhancement import Enhancement
from stentrans.keys import ORIGIN
from stentrans.store import Run

AT_ONCE: Final = 2**21
"""Values that are written while the browser waits; more take a job."""
ALL, SHOWN, CHOSEN = "all", "shown", "chosen"


def show(run: Run) -> None:
    """Draw the choices, what the file will hold, and the way to it."""
    enhancement = cache.enhancement(run.id)
    choices, result = st.columns([2, 3], gap="large")
    with choices:
        wish = _wish(run, enhancement)
    with result:
        if wish.genes == ():
            st.info("Choose at least one gene.")
            return
        name = export.file_name(state.label(), run.method, run.factor, suffix=wish.format.suffix)
        contents = wish.contents(enhancement)
        st.markdown(f"##### What will be in `{name}`")
        st.markdown("\n".join(f"- {line}" for line in _described(contents, wish)))
        if contents.shape[0] * contents.shape[1] <= AT_ONCE:
            _offer_at_once(wish, enhancement, name)
        else:
            _offer_job(wish.job(run), name)
        st.caption("The same from the command line")
        line = repeat.export_line(run, state.label(), wish, name)
        st.code(line, language="bash", wrap_lines=True)


def _wish(run: Run, enhancement: Enhancement) -> Wish:
    """Draw the choices and return them."""
    suffix = st.selectbox(
        "Format",
        list(export.FORMATS),
        key=state.EXPORT_FORMAT,
        format_func=lambda one: export.FORMATS[one].title,
        persist_state="session",
    )
    st.caption(export.FORMATS[suffix].words)
    genes = _genes(run, enhancement)
    scale = st.segmented_control(
        "Values",
        list(text.READINGS),
        default="composition",
        required=True,
        key=state.EXPORT_READING,
        format_func=lambda one: text.READINGS[one],
        persist_state="session",
        help=text.READING_HELP,
    )
    layers = _layers() if export.FORMATS[suffix].has_layers else export.LAYERS
    return Wish(export.FORMATS[suffix], genes, cast(state.Reading, scale), layers)


def _layers() -> tuple[str, ...]:
    """Draw the choice of what stands beside the values."""
    chosen = st.pills(
        "Beside the values",
        list(text.LAYERS),
        selection_mode="multi",
        default=list(text.LAYERS),
        key=state.EXPORT_LAYERS,
        format_func=lambda one: text.LAYERS[one],
        persist_state="session",
        wrap=True,
        help="Every one of them takes as much room as the values, measured values less.",
    )
    return tuple(name for name in export.LAYERS if name in chosen)


def _genes(run: Run, enhancement: Enhancement) -> tuple[str, ...] | None:
    """Draw the choice of genes; None for all."""
    shown = state.shown_genes()
    names = {ALL: f"All {len(enhancement.genes):,}", CHOSEN: "Some"}
    if shown:
        names[SHOWN] = f"The {len(shown):,} of the menus"
    which = st.segmented_control(
        "Genes",
        list(names),
        default=ALL,
        required=True,
        key=state.EXPORT_GENES,
        format_func=lambda one: names[one],
        persist_state="session",
    )
    if which == ALL:
        return None
    if which == SHOWN:
        return tuple(shown)
    chosen = st.multiselect(
        "Which genes",
        cache.genes(run.section),
        key=state.EXPORT_CHOSEN,
        persist_state="session",
        placeholder="Type any part of a name",
        label_visibility="collapsed",
    )
    return tuple(chosen)


def _described(contents: export.Contents, wish: Wish) -> list[str]:
    """Say in words what the file will hold."""
    n_sites, n_genes = contents.shape
    counted = contents.enhancement.sites[ORIGIN].value_counts()
    origins = ", ".join(f"{counted[origin]:,} {text.ORIGINS[origin]}" for origin in text.ORIGINS)
    kept = contents.layers if wish.format.has_layers else ()
    beside = [text.LAYERS[name] for name in text.LAYERS if name in kept]
    lines = [
        f"**{n_sites:,} sites**: {origins}",
        f"**{n_genes:,} gene{'' if n_genes == 1 else 's'}**, with their ids where known",
        f"**{text.READINGS[wish.scale]}**: {text.VALUES_ARE[wish.scale]}",
    ]
    lines += [f"beside them {', '.join(beside)}"] if beside else []
    lines += [wish.format.extras(contents)] if wish.format.extras(contents) else []
    return [*lines, f"about **{text.size(wish.format.size(contents))}**"]


def _offer_at_once(wish: Wish, enhancement: Enhancement, name: str) -> None:
    """Draw a button that writes and downloads with one click."""
    handed = name if wish.format.is_one_file else f"{Path(name).stem}.zip"
    st.download_button(
        "Download",
        data=_written(wish, enhancement, name),
        file_name=handed,
        mime="application/octet-stream",
        on_click="ignore",
        type="primary",
        icon=":material/download:",
        width="stretch",
    )


def _written(wish: Wish, enhancement: Enhancement, name: str) -> Callable[[], bytes]:
    """Return what writes the file when the button is pressed."""

    def write() -> bytes:
        with TemporaryDirectory(prefix="stentrans-export-") as folder:
            path = Path(folder) / name
            export.write(enhancement, path, wish.genes, scale=wish.scale, layers=wish.layers)
            files = sorted(Path(folder).iterdir())
            return path.read_bytes() if files == [path] else _zipped(files)

    return write


def _zipped(files: Sequence[Path]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path, path.name)
    return packed.getvalue()


def _offer_job(job_run: Run, name: str) -> None:
    """Draw a button that starts the job, its progress, and then the links."""
    if cache.is_finished(job_run):
        _offer_files(job_run, name)
        return
    job = cache.manager().follow(job_run.id)
    if job is not None and not job.is_over:
        widgets.live_job(job_run)
        return
    if job is not None:
        widgets.show_ending(job)
    if st.button("Make the file", type="primary", icon=":material/file_save:", width="stretch"):
        cache.manager().submit(job_run)
        st.rerun()
    st.caption(text.MADE_IN_BACKGROUND)


def _offer_files(job_run: Run, name: str) -> None:
    """Draw a link for each file that was made."""
    files = cache.result(job_run).files
    suffix = dict(job_run.settings)["suffix"]
    stem = name.removesuffix(suffix)
    for path in files:
        title = stem + path.name.removeprefix(export.STEM)
        st.link_button(
            f"Download {title} ({text.size(path.stat().st_size)})",
            downloads.link(path, title),
            type="primary",
            icon=":material/download:",
            width="stretch",
        )
    if opening.is_private_server():
        st.caption("On this computer it lies here, until the room is needed:")
        st.code(str(files[0]), language=None, wrap_lines=True)
