"""Maps of genes, measured beside enhanced: look, compare, draw regions, and judge."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from stentrans.app import (
    cache,
    choosing,
    flipbook,
    links,
    map_kinds,
    map_text,
    maps,
    pictures,
    real,
    regions,
    router,
    state,
    text,
    widgets,
)
from stentrans.app.toolbar import toolbar
from stentrans.app.view import Kind, ViewSettings
from stentrans.store import Run

section = router.require_section()


def show_chosen(run: Run | None, kind: Kind, gene: str, settings: ViewSettings) -> None:
    """Draw the maps of the chosen kind."""
    tested = maps.is_tested(run)
    if kind == "several":
        chosen = choosing.several(section, choosing.beside(section, run, gene))
        layer, is_shared = choosing.layer(run, is_tested=tested)
        if len(chosen) > map_kinds.MOST_GENES:
            st.caption(f"Shown are the first {map_kinds.MOST_GENES} of {len(chosen)} genes.")
        if chosen:
            map_kinds.show_several(
                section,
                run,
                chosen[: map_kinds.MOST_GENES],
                layer,
                replace(settings, is_locked=is_shared),
                on_select=regions.take_selection,
            )
    elif kind == "pair":
        other = choosing.second(section, run, gene)
        map_kinds.show_pair(section, run, (gene, other), settings, on_select=regions.take_selection)
    elif kind == "signature":
        chosen = choosing.several(section, [gene])
        if chosen:
            map_kinds.show_signature(
                section, run, chosen, settings, on_select=regions.take_selection
            )
            st.caption(map_text.SIGNATURE_EXPLAINED)
    elif kind == "swipe" and run is not None and cache.is_finished(run):
        has_picture = settings.shows_picture and pictures.has_picture(section)
        sides = choosing.sides(run, is_tested=tested, has_picture=has_picture)
        map_kinds.show_swipe(section, run, gene, sides, settings)
    else:
        maps.show_maps(
            section,
            run,
            gene,
            settings,
            notes=widgets.waiting_notes(run),
            kind="difference" if kind == "difference" else "maps",
            on_select=regions.take_selection,
        )


def show_below(run: Run | None, kind: Kind, settings: ViewSettings) -> None:
    """Say what the maps show, and what to beware of."""
    if run is None:
        st.info(text.NO_RUN_YET)
        st.page_link(
            "pages/enhance.py", label="**Enhance this section**", icon=":material/blur_on:"
        )
        return
    st.caption(map_text.maps_caption(kind, settings, run.method, run.factor))
    widgets.show_failure(run)


with widgets.show_errors():
    run = state.run()
    gene, kind = choosing.gene_and_kind(section, run)
    settings = toolbar(section, is_tested=maps.is_tested(run))
    show_chosen(run, kind, gene, settings)
    show_below(run, kind, settings)
    flipbook.show(section, run, gene)
    regions.show_region(section, run, gene, settings.reading)
    if run is not None and cache.is_finished(run):
        real.show_card(run, gene)
    links.write_region()
