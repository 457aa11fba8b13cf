"""From stored results to what figures and reports are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

import streamlit as st

from stentrans.app import cache, maps, patterns, regions, repeat, screens, spatial, state, view
from stentrans.report.recipe import Recipe
from stentrans.report.results import Results
from stentrans.report.story import Story, story_of
from stentrans.section import is_simulated
from stentrans.store import Run

N_DOMAINS: Final = "n_domains"
"""What the page of patterns is asked for."""
FIRST_GENES: Final = 5
"""Genes of a report where none is starred: those that hidden spots are predicted best for."""


def results_of(run: Run) -> Results:
    """Return what is known of the section of a finished run, turned as the user sees it."""
    found = _results(run, is_tested=maps.is_tested(run))
    return replace(found, screen=screens.screen(run.section, view.turns()))


@st.cache_resource(show_spinner=False, max_entries=4)
def _results(run: Run, *, is_tested: bool) -> Results:
    held_out = cache.held_out(run.holdout().id) if is_tested else None
    return Results.of(cache.enhancement(run.id), held_out=held_out)


def recipe_of(run: Run) -> Recipe:
    """Return how to make the result of a run again."""
    made = cache.enhancement(run.id).provenance
    return replace(repeat.recipe(run, state.label()), section=str(made["section"]))


def labels_there(run: Run) -> dict[str, Callable[[], Sequence[object]]]:
    """Return the labels that a figure can show, by title, each made when it is asked for.

    Drawn regions, domains that were found, coarse and carried to the sites of the run, and the
    columns of the file that hold labels; as `stentrans.gene_figure` takes them.
    """
    found: dict[str, Callable[[], Sequence[object]]] = {}
    kept = view.regions()
    if kept:
        n_spots = cache.tissue(run.section).n_obs
        found["Regions"] = lambda: region_labels(kept.values(), n_spots)
    work = next(filter(cache.is_finished, _domain_works(run.section)), None)
    if work is not None:
        found["Domains"] = lambda: list(cache.result(work)["spots"]["domain"])
        found["Domains, finer"] = lambda: list(patterns.fine_domains(run, work)["domain"])
    obs = cache.tissue(run.section).obs
    for name in regions.labels_of(run.section):
        found.setdefault(name, partial(list, obs[name]))
    return found


def _domain_works(section: str) -> list[Run]:
    """Work that may have found domains: as many as the page of patterns asks for, or usual."""
    asked = int(st.session_state.get(N_DOMAINS, 0))
    return [spatial.patterns_run(section, number) for number in dict.fromkeys((asked, 0))]


def region_labels(kept: Iterable[view.Region], n_spots: int) -> list[str]:
    """Name the region of each spot, empty for none; where two overlap, both."""
    names = [""] * n_spots
    for region in kept:
        for spot in region.spots:
            names[spot] = f"{names[spot]} + {region.name}" if names[spot] else region.name
    return names


def story(
    run: Run, genes: list[str], reading: state.Reading, link: str, notes: Mapping[str, str]
) -> Story:
    """Return everything that a report of some genes tells."""
    return story_of(
        state.label(),
        results_of(run),
        genes,
        reading=reading,
        notes=notes,
        recipe=recipe_of(run),
        link=link,
        is_simulated=is_simulated(cache.section(run.section)),
    )


def first_genes(run: Run) -> list[str]:
    """Return the genes to begin with: the starred ones, else those predicted best."""
    starred = [gene for gene in view.stars() if gene in cache.genes(run.section)]
    if starred:
        return starred
    if maps.is_tested(run):
        scores = cache.held_out(run.holdout().id).scores["pearson"].dropna()
        return [str(gene) for gene in scores.nlargest(FIRST_GENES).index]
    return [maps.striking_gene(run.section, run, is_tested=False)]


def choose_genes(run: Run, *, key: str, most: int, first: int = FIRST_GENES) -> list[str]:
    """Draw the choice of genes and return them in the order they were chosen.

    ``first`` of the genes to begin with are chosen already.
    """
    chosen: list[str] = st.multiselect(
        "Genes",
        cache.genes(run.section),
        default=first_genes(run)[:first],
        max_selections=most,
        key=key,
        persist_state="session",
        help="In this order. To begin with: the genes you starred, else those that hidden spots "
        "are predicted best for.",
    )
    return chosen
