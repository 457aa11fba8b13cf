"""Choosing genes: the box that takes symbols and ids, leafing, stars, and lists."""

from __future__ import annotations

import re
from collections.abc import Sequence

import streamlit as st

from stentrans.app import cache, flipbook, map_kinds, map_text, maps, state, text, view
from stentrans.app.map_kinds import Layer
from stentrans.app.view import GENES, KIND, Kind
from stentrans.errors import MissingKeyError
from stentrans.section import find_gene, find_genes
from stentrans.store import Run

SECOND, LAYER, LEFT, RIGHT = "second_gene", "map_layer", "swipe_left", "swipe_right"
ONE_SCALE = "one_scale"
FIRST_BESIDE = 3  # one row on a usual screen


def gene_and_kind(section_id: str, run: Run | None) -> tuple[str, Kind]:
    """Draw the first row: which gene, the way to the next one, a star, and what to show."""
    genes = state.shown_genes() or cache.genes(section_id)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        gene = _gene_box(section_id, run, genes)
        _leaf(section_id, run, gene)
        _star(gene)
        kind: Kind = st.segmented_control(
            "Show",
            list(map_text.KINDS),
            default="maps",
            required=True,
            key=KIND,
            bind="query-params",
            format_func=lambda name: map_text.KINDS[name],
        )
    if gene in view.stars():
        note = st.text_input(
            "Note",
            view.stars()[gene],
            key=f"note-{gene}",
            placeholder=f"What is worth remembering about {gene}? Goes into your report.",
            label_visibility="collapsed",
        )
        view.star(gene, note or "")
    return gene, kind


def _gene_box(section_id: str, run: Run | None, genes: Sequence[str]) -> str:
    """The box of genes; an id, or a name in other letters, is looked up."""
    first = maps.striking_gene(section_id, run, is_tested=maps.is_tested(run))
    typed = st.selectbox(
        "Gene",
        genes,
        index=genes.index(first) if first in genes else 0,
        key=state.GENE,
        bind="query-params",
        accept_new_options=True,
        help=f"Type any part of a name, or an Ensembl id; {len(genes):,} genes were seen in this "
        "section. ← and → leaf through them.",
        width=240,
    )
    if typed in genes:
        return str(typed)
    try:
        return find_gene(cache.section(section_id), str(typed))
    except MissingKeyError as error:
        st.warning(text.plain(str(error)), icon=":material/search_off:")
        return first if first in genes else genes[0]


def _leaf(section_id: str, run: Run | None, gene: str) -> None:
    """Buttons to the gene before and the gene after, also on the arrow keys."""
    ranked = flipbook.ranked(section_id, run)
    for by, key in ((-1, "Left"), (1, "Right")):
        other = flipbook.step(ranked, gene, by)
        st.button(
            "",
            key=f"leaf-{key}",
            shortcut=key,
            help=f"{'Next' if by > 0 else 'Previous'} gene: {text.plain(other)}",
            disabled=other == gene,
            on_click=flipbook.go,
            args=(other,),
        )


def _star(gene: str) -> None:
    is_starred = gene in view.stars()
    st.button(
        "",
        key="star",
        icon=":material/star:",
        type="primary" if is_starred else "secondary",
        help="Take the star away" if is_starred else "Star this gene: it goes into your report",
        on_click=view.unstar if is_starred else view.star,
        args=(gene,),
    )


def beside(section_id: str, run: Run | None, gene: str) -> list[str]:
    """Return genes to show beside each other at first: starred ones, or those that follow."""
    starred = [name for name in view.stars() if name != gene]
    ranked = flipbook.ranked(section_id, run)
    start = ranked.index(gene) + 1 if gene in ranked else 0
    following = [name for name in ranked[start : start + FIRST_BESIDE] if name != gene]
    return [gene, *(starred or following)][:FIRST_BESIDE]


def several(section_id: str, at_first: Sequence[str]) -> list[str]:
    """Draw the list of genes for small maps or a signature; unknown names are told."""
    genes = state.shown_genes() or cache.genes(section_id)
    typed = st.multiselect(
        "Genes",
        genes,
        default=[name for name in at_first if name in genes],
        key=GENES,
        bind="query-params",
        accept_new_options=True,
        placeholder="Names or Ensembl ids; a pasted list is taken apart",
    )
    names = [part for one in typed for part in re.split(r"[\s,;]+", one) if part]
    found, unknown = [], []
    for name in names:
        try:
            found += find_genes(cache.section(section_id), [name])
        except MissingKeyError:
            unknown.append(name)
    if unknown:
        st.warning(
            f"Not in this section: {text.plain(', '.join(unknown))}.", icon=":material/search_off:"
        )
    return list(dict.fromkeys(found))


def layer(run: Run | None, *, is_tested: bool) -> tuple[Layer, bool]:
    """Draw which layer small maps show, and whether all genes share one scale."""
    names = map_kinds.layer_names(run, is_tested=is_tested)
    with st.container(horizontal=True, vertical_alignment="center"):
        chosen: Layer = st.segmented_control(
            "Layer",
            names,
            default=names[min(1, len(names) - 1)],
            required=True,
            key=LAYER,
            persist_state="session",
            format_func=lambda name: map_kinds.LAYERS[name],
            label_visibility="collapsed",
        )
        is_shared = st.toggle(
            "One scale for all genes",
            key=ONE_SCALE,
            bind="query-params",
            help="Without it, every gene has the colours of its own measured range.",
        )
    return chosen, is_shared


def second(section_id: str, run: Run | None, gene: str) -> str:
    """Draw the second gene of a pair; at first the next one in the order of leafing."""
    genes = [name for name in state.shown_genes() or cache.genes(section_id) if name != gene]
    following = flipbook.step(flipbook.ranked(section_id, run), gene, 1)
    chosen = st.selectbox(
        "Second gene",
        genes,
        index=genes.index(following) if following in genes else 0,
        key=SECOND,
        width=240,
        bind="query-params",
        help="Where both genes are high, their colours mix.",
    )
    return str(chosen)


def sides(run: Run, *, is_tested: bool, has_picture: bool) -> tuple[Layer, Layer]:
    """Draw what lies left and right of the line."""
    names = map_kinds.layer_names(run, is_tested=is_tested, has_picture=has_picture)
    with st.container(horizontal=True):
        chosen = [
            st.selectbox(
                label,
                names,
                index=index,
                key=key,
                persist_state="session",
                format_func=map_kinds.LAYERS.__getitem__,
                width=200,
            )
            for label, index, key in (("Left", 0, LEFT), ("Right", 1, RIGHT))
        ]
    return chosen[0], chosen[1]
