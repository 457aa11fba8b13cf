"""Everything a browser session remembers: its keys and typed accessors."""

from __future__ import annotations

from typing import Final

import streamlit as st

from stentrans.app import access, cache, text
from stentrans.app.sources import Source
from stentrans.store import Run
from stentrans.words import Reading as Reading

SECTION: Final = "stentrans_section"
LABELS: Final = "stentrans_labels"
SOURCES: Final = "stentrans_sources"
RUNS: Final = "stentrans_runs"
SHOWN_GENES: Final = "stentrans_shown_genes"
ROUTED: Final = "stentrans_routed"
KEPT_ERROR: Final = "stentrans_kept_error"

# Widget keys; the first two are names in the page's address, too.
GENE: Final = "gene"
READING: Final = "reading"
FACTOR: Final = "factor"
METHOD: Final = "method"
SEED: Final = "seed"
FILL_GAPS: Final = "fill_gaps"
GENE_LIST: Final = "gene_list"
SPATIAL_GENES: Final = "spatial_genes"
N_SPATIAL: Final = "n_spatial_genes"
PRESET: Final = "preset"
WATCHED: Final = "watched_gene"
EXPORT_FORMAT: Final = "export_format"
EXPORT_GENES: Final = "export_genes"
EXPORT_CHOSEN: Final = "export_chosen"
EXPORT_READING: Final = "export_reading"
EXPORT_LAYERS: Final = "export_layers"
EXPORT_TAB: Final = "export_tab"
FIGURE_GENES: Final = "figure_genes"
FIGURE_VIEWS: Final = "figure_views"
FIGURE_LABELS: Final = "figure_labels"
FIGURE_READING: Final = "figure_reading"
FIGURE_WIDTH: Final = "figure_width"
FIGURE_FONT: Final = "figure_font"
REPORT_KIND: Final = "report_kind"
REPORT_GENES: Final = "report_genes"
REPORT_READING: Final = "report_reading"
REPORT_MADE: Final = "stentrans_report"

SECTION_PARAMETER: Final = "section"
RUN_PARAMETER: Final = "run"


def mark_routed() -> None:
    """Note that the router runs in this session, not a page alone."""
    st.session_state[ROUTED] = True


def is_routed() -> bool:
    """Say whether the router has run in this session."""
    return ROUTED in st.session_state


def section_id() -> str | None:
    """Return the id of the section this session looks at, None before there is one."""
    chosen = st.session_state.get(SECTION)
    return None if chosen is None else str(chosen)


def choose_section(name: str, label: str) -> None:
    """Look at a section from now on, under the name the user knows it by."""
    st.session_state[SECTION] = name
    labels()[name] = label
    access.keep(name, label)


def labels() -> dict[str, str]:
    """Return the sections of this session: id to name, in the order they were opened."""
    if LABELS not in st.session_state:
        st.session_state[LABELS] = {
            name: label
            for name, label in access.opened_before().items()
            if cache.store().has("sections", name)
        }
    found: dict[str, str] = st.session_state[LABELS]
    return found


def label() -> str:
    """Return the name of the section this session looks at."""
    return labels().get(section_id() or "", "section")


def keep_source(name: str, source: Source) -> None:
    """Remember where a section came from and how it was read."""
    st.session_state.setdefault(SOURCES, {})[name] = source


def source_of(name: str) -> Source | None:
    """Return where a section came from; None where nobody knows, as for an example."""
    sources: dict[str, Source] = st.session_state.get(SOURCES, {})
    if name in sources:
        return sources[name]
    return Source.from_dict(cache.store().about("sections", name).get("source"))


def forget_section(name: str) -> None:
    """Leave a section out of the list of this session, unless it was enhanced there.

    An address that still names it would open it again.
    """
    if name in st.session_state.get(RUNS, {}):
        return
    labels().pop(name, None)
    if st.query_params.get(SECTION_PARAMETER) == name:
        del st.query_params[SECTION_PARAMETER]


def run() -> Run | None:
    """Return the run of the current section whose result is shown, None where there is none."""
    runs: dict[str, Run] = st.session_state.setdefault(RUNS, {})
    return runs.get(section_id() or "")


def choose_run(chosen: Run) -> None:
    """Show this run's result for its section from now on."""
    runs: dict[str, Run] = st.session_state.setdefault(RUNS, {})
    st.session_state[RUNS] = {**runs, chosen.section: chosen}


def setting_key(method: str, name: str) -> str:
    """Name the widget of one setting of a method."""
    return f"setting-{method}-{name}"


def clone_run(chosen: Run) -> None:
    """Put the settings of a run into the form, as a callback."""
    st.session_state[PRESET] = "own"
    st.session_state[METHOD] = chosen.method
    st.session_state[FACTOR] = chosen.factor
    st.session_state[FILL_GAPS] = chosen.fill_gaps
    st.session_state[SEED] = chosen.seed
    for name, value in chosen.settings:
        st.session_state[setting_key(chosen.method, name)] = value


def shown_genes() -> list[str]:
    """Return the genes to which the user limited the menus; empty for all."""
    return list(st.session_state.get(SHOWN_GENES, []))


def choose_genes(genes: list[str]) -> None:
    """Limit the menus to these genes; an empty list lifts the limit."""
    st.session_state[SHOWN_GENES] = genes


def restore_from_url() -> None:
    """Open the section and run that the page's address names, where this browser may see it."""
    wanted = st.query_params.get(SECTION_PARAMETER)
    if wanted is None:
        return
    if not access.may_open(wanted) or not cache.store().has("sections", wanted):
        st.session_state[KEPT_ERROR] = text.LINK_IS_STALE
        st.query_params.clear()
        return
    label = cache.store().about("sections", wanted).get("label", "section")
    choose_section(wanted, labels().get(wanted, label))
    named = _named_run(st.query_params.get(RUN_PARAMETER, ""))
    if named is not None and named.section == wanted:
        choose_run(named)


def open_shared() -> None:
    """Open what the link in the page's address shares, once, while it is valid."""
    link = access.take_link()
    if link is None and access.LINK_PARAMETER in st.query_params:
        st.session_state[KEPT_ERROR] = text.LINK_WAS_REVOKED
        del st.query_params[access.LINK_PARAMETER]
    if link is not None and link.section not in labels():
        choose_section(link.section, link.label)
        named = _named_run(link.run)
        if named is not None and named.section == link.section:
            choose_run(named)
    leave_what_was_revoked()


def leave_what_was_revoked() -> None:
    """Forget the sections that a link was given for which is no more."""
    for name in [name for name in labels() if not access.may_open(name)]:
        del labels()[name]
        if section_id() == name:
            del st.session_state[SECTION]
            st.session_state[KEPT_ERROR] = text.LINK_WAS_REVOKED


def _named_run(run_id: str) -> Run | None:
    """Return the run of this id, finished or under way, None where there is none."""
    found = cache.store().run(run_id)
    if found is not None:
        return found
    return {job.run.id: job.run for job in cache.manager().jobs()}.get(run_id)


def write_to_url() -> None:
    """Put section and run into the page's address, so that a reload or a link comes back here."""
    chosen, section = run(), section_id()
    if section is not None and st.query_params.get(SECTION_PARAMETER) != section:
        st.query_params[SECTION_PARAMETER] = section
    if chosen is not None and st.query_params.get(RUN_PARAMETER) != chosen.id:
        st.query_params[RUN_PARAMETER] = chosen.id
    if chosen is None and RUN_PARAMETER in st.query_params:
        del st.query_params[RUN_PARAMETER]
