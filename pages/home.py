"""Choose or upload a section, see what was read."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from stentrans.app import (
    changes,
    demo,
    facts,
    maps,
    opening,
    public_tile,
    router,
    state,
    text,
    widgets,
)

UPLOAD, PATH, EXAMPLE = "upload", "path", "example"
UPLOAD_FORM, TAKEN, N_OPENED = "upload_form", "uploads_taken", "uploads_opened"
WAYS_ON = (
    ("genes", "Look at any other gene", ":material/search:"),
    ("reveal", "Hide a region and let the model fill it", ":material/visibility_off:"),
    ("evaluate", "Compare with simpler methods", ":material/balance:"),
)
FORMS = {"Files": True, "Folder": "directory"}


def take_upload(files: list[UploadedFile]) -> None:
    """Open what was uploaded since the last run.

    Not a callback: a file dropped while the page is drawn for the first time would call none.
    """
    ids = [file.file_id for file in files]
    if ids == st.session_state.get(TAKEN, []):
        return
    st.session_state[TAKEN] = ids
    if files:
        widgets.keep_error(opening.open_upload, files)
        if state.KEPT_ERROR not in st.session_state:
            # A new key empties the uploader, so that the server keeps no copy in its memory;
            # after a refusal the files stay, to be joined by those that were missing.
            st.session_state[N_OPENED] = st.session_state.get(N_OPENED, 0) + 1
        st.rerun()


def upload_key(form: str) -> str:
    """Return the key of the uploader, another one after every section that was opened."""
    parts = [UPLOAD, *(["folder"] if form == "Folder" else [])]
    opened = st.session_state.get(N_OPENED, 0)
    return "-".join([*parts, *([str(opened)] if opened else [])])


def take_path() -> None:
    """Open the path that was just entered."""
    if st.session_state[PATH].strip():
        st.session_state[EXAMPLE] = None
        widgets.keep_error(opening.open_path, st.session_state[PATH])


def take_example() -> None:
    """Open the example that was just chosen."""
    if st.session_state[EXAMPLE] is not None:
        st.session_state[PATH] = ""
        widgets.keep_error(demo.open_demo, st.session_state[EXAMPLE])


def choose_section() -> None:
    """Draw the three ways to a section."""
    own, path, example = st.columns([5, 4, 4])
    with own.container(border=True, height="stretch"):
        with st.container(
            horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
        ):
            st.markdown(
                "**:material/upload_file: Use my own data**",
                help=text.UPLOAD_HELP,
                width="content",
            )
            form = st.segmented_control(
                "What to upload",
                list(FORMS),
                default="Files",
                required=True,
                key=UPLOAD_FORM,
                label_visibility="collapsed",
                width="content",
            )
        uploaded = st.file_uploader(
            "Upload a section: .h5ad, .zip, .h5, .csv, .tsv",
            accept_multiple_files=FORMS[form],
            key=upload_key(form),
            label_visibility="collapsed",
        )
        take_upload(uploaded)
    with path.container(border=True, height="stretch"):
        st.markdown("**:material/folder_open: Open a file or folder**", help=text.PATH_HELP)
        st.text_input(
            "Path on this computer",
            key=PATH,
            on_change=take_path,
            placeholder="Path: /data/my_section/outs",
            label_visibility="collapsed",
        )
        st.caption(text.KINDS_READ)
    with example.container(border=True, height="stretch"):
        st.markdown(
            "**:material/science: Try an example**",
            help="Simulated ones are made by this program: the truth between the spots is known.",
        )
        st.pills(
            "Simulated, with known truth",
            demo.KINDS,
            key=EXAMPLE,
            on_change=take_example,
            format_func=lambda kind: {"hexagonal": "Visium-like", "square": "ST-like"}[kind],
            label_visibility="collapsed",
        )
        public_tile.show()


def show_found(section: str) -> None:
    """Draw the card of what was read, with the button to go on."""
    found = facts.facts_of(section)
    with st.container(border=True):
        words, button = st.columns([4, 1], vertical_alignment="center")
        words.markdown(f"**What we found in {text.plain(state.label())}**")
        words.markdown(
            f"{text.plain(found.assay)} · **{found.spots}** spots · **{found.genes}** genes · "
            f"{found.depth} · orientation: {found.orientation} · {found.scale}"
        )
        if button.button(
            "Enhance",
            type="primary",
            icon=":material/blur_on:",
            width="stretch",
            disabled=found.refusal is not None,
            help="Choose resolution and method, then start.",
        ):
            st.switch_page("pages/enhance.py")
        # What the refusal below says again is said once.
        told = found.refusal or ""
        changes.show_notes(section, tuple(n for n in found.notes if n.sentence not in told))
        changes.show_orientation(section)
        if found.refusal is not None:
            st.warning(text.plain(found.refusal), icon=":material/block:")


def show_first_gene(section: str) -> None:
    """Draw one striking gene and the way to all others."""
    run = state.run()
    gene = maps.striking_gene(section, run, is_tested=maps.is_tested(run))
    st.markdown(f"##### Gene {text.plain(gene)}")
    maps.show_maps(section, run, gene, "composition", notes=widgets.waiting_notes(run))
    if run is None:
        st.caption(text.NO_RUN_YET)
    else:
        st.caption(text.caption(run.method, run.factor))
        widgets.show_failure(run)
    show_ways_on()


def show_ways_on() -> None:
    """Draw what to do next: look further, and doubt."""
    with st.container(horizontal=True, gap="medium"):
        for page, label, icon in WAYS_ON:
            st.page_link(f"pages/{page}.py", label=label, icon=icon, width="content")


router.require_router()
st.header("See more of your tissue section")
st.markdown(
    "stEnTrans raises the resolution of spatial transcriptomics, fills lost spots, and shows "
    "whether to believe it."
)
choose_section()
widgets.show_kept_error()
section = router.require_section()
with widgets.show_errors():
    show_found(section)
    show_first_gene(section)
