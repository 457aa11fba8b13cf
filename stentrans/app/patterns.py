"""From stored patterns to what the page of patterns shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray
from plotly import graph_objects as go

from stentrans.app import cache, layers, text
from stentrans.app.view import Region
from stentrans.figures.colours import Scale, symmetric_limits
from stentrans.figures.panel import SitePanel
from stentrans.figures.patterns import counted_bars
from stentrans.figures.theme import theme
from stentrans.keys import MEASURED, ORIGIN
from stentrans.patterns.gene_sets import Matched, match, sets_of
from stentrans.patterns.kept_sets import kept_sets
from stentrans.patterns.lists import beside, list_names
from stentrans.patterns.regions import FEWEST_SPOTS
from stentrans.store import Run
from stentrans.words import method_name


def compared_run(run: Run, n_domains: int, gene_sets: str) -> Run:
    """Return the work that counts before and after enhancement by a run."""
    return Run.of(
        "before_after", run.section, source=run.id, n_domains=n_domains, gene_sets=gene_sets
    )


@st.cache_data(show_spinner=False, max_entries=8)
def matched(section: str, name: str) -> Matched:
    """Match kept gene sets, or the families of a simulated section, to the genes of a section."""
    adata = cache.section(section)
    return match(kept_sets(name, cache.store().folder) if name else sets_of(adata), adata)


def last_compared(run: Run | None) -> Run | None:
    """Return the comparison before and after enhancement by a run that was used last, if any."""
    if run is None:
        return None
    made = cache.finished_runs(run.section, "before_after")
    return next((one for one in made if dict(one.settings).get("source") == run.id), None)


def pathways_run(section: str, asked: Asked, gene_sets: str) -> Run:
    """Return the work that asks a list of genes for pathways."""
    told = dict(asked.told)
    return Run.of("pathways", section, gene_sets=gene_sets, **told)


def replicate_run(source: Run, other: str) -> Run:
    """Return the work that looks in another section for the genes found by a work."""
    return Run.of("replicate", source.section, source=source.id, other=other)


@dataclass(frozen=True)
class Asked:
    """A list of genes that can be asked for pathways.

    Parameters
    ----------
    words
        What it is called on screen.
    told
        Settings of the work, by name.
    is_empty
        Whether it has no gene: its ranking can still be asked.
    """

    words: str
    told: tuple[tuple[str, Any], ...]
    is_empty: bool = False


def gene_lists(works: Sequence[Run], regions: Mapping[str, Region]) -> list[Asked]:
    """Return all lists that can be asked for pathways.

    Parameters
    ----------
    works
        Finished works whose tables hold lists.
    regions
        Regions of spots of the section.
    """
    found = []
    for work in works:
        for which, size in list_names(cache.result(work)).items():
            told = (("source", work.id), ("which", which))
            found.append(Asked(f"{text.list_name(which)}: {size:,} genes", told, size == 0))
    for name, region in regions.items():
        if FEWEST_SPOTS <= len(region.spots):
            words = f"Region {name}: {len(region.spots):,} spots against all others"
            found.append(Asked(words, (("region", region.spots),)))
    return found


@st.cache_data(show_spinner=False, max_entries=8)
def pathways(work: Run) -> pd.DataFrame:
    """Return what a finished comparison with gene sets found, both ways beside each other."""
    return beside(cache.result(work))


@st.cache_data(show_spinner="Carrying domains to the finer map …", max_entries=8)
def fine_domains(run: Run, work: Run) -> pd.DataFrame:
    """Return the domains of the sites of a run, from what was found by the counts."""
    from stentrans.patterns.domains import carry_domains

    found = cache.result(work)
    genes = pd.Index(found.facts["telling_genes"])
    domain = found["spots"]["domain"].to_numpy(np.int64)
    carried = carry_domains(cache.enhancement(run.id), genes, domain)
    return carried.rename_axis("site").reset_index()


def domain_panels(
    section: str,
    spots: pd.DataFrame,
    run: Run | None,
    sites: pd.DataFrame | None,
    clusters: pd.DataFrame | None,
) -> tuple[list[SitePanel], list[Scale]]:
    """Return maps of domains, one colour per domain on all.

    Parameters
    ----------
    section
        Which.
    spots
        Domain of each measured spot.
    run
        The enhancement, None without one.
    sites, clusters
        Domain of each site of the run, carried over; and the cluster of the enhanced map itself.
    """
    tissue = cache.tissue(section)
    label = spots["domain"].to_numpy(np.float32)
    panels = [_spots(section, "Domains on spots", f"{tissue.n_obs:,} spots, by counts", label)]
    most = int(label.max())
    if sites is not None and run is not None:
        is_faint = (sites["certainty"] < 0.6).to_numpy()
        words = "Carried to the finer map", f"{len(sites):,} sites, pale where uncertain"
        panels.append(_sites(run, *words, sites["domain"], is_faint))
    if clusters is not None and len(clusters) and run is not None:
        words = "Clusters of the enhanced map", "coloured as the domains they share most spots with"
        panels.append(_sites(run, *words, clusters["domain"]))
        most = max(most, int(clusters["domain"].max()))
    return panels, [Scale((0.5, most + 0.5), "domain", "domains", n_classes=most)]


def _sites(
    run: Run, title: str, note: str, domain: pd.Series, is_faint: NDArray[np.bool_] | None = None
) -> SitePanel:
    result = cache.enhancement(run.id)
    return SitePanel(
        title,
        note,
        layers.array_of(result.sites),
        domain.to_numpy(np.float32),
        result.sites[ORIGIN].to_numpy(dtype=np.str_),
        is_faint=is_faint,
        gene="domain",
    )


@st.cache_data(show_spinner=False, max_entries=16)
def score_maps(
    section: str, genes: tuple[str, ...], run: Run | None
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """Return the mean residual of some genes, on spots and on the sites of a run."""
    from stentrans.patterns.residuals import CountResiduals
    from stentrans.patterns.scores import map_scores, measured_scores, membership

    tissue = cache.tissue(section)
    residuals = CountResiduals(tissue.X)
    weights = membership({"set": genes}, tissue.var_names, residuals.seen > 0)
    measured = measured_scores(residuals, weights)[:, 0]
    if run is None:
        return measured, None
    return measured, map_scores(cache.enhancement(run.id), residuals, weights)[:, 0]


def score_panels(
    section: str, genes: tuple[str, ...], run: Run | None, name: str
) -> tuple[list[SitePanel], list[Scale]]:
    """Return maps of the score of some genes, measured and enhanced, on one scale."""
    measured, enhanced = score_maps(section, genes, run)
    panels = [_spots(section, "Measured", f"mean of {len(genes):,} genes", measured, name)]
    if enhanced is not None and run is not None:
        result = cache.enhancement(run.id)
        panels.append(
            SitePanel(
                "Enhanced",
                f"{method_name(run.method)}, {len(enhanced):,} sites",
                layers.array_of(result.sites),
                enhanced,
                result.sites[ORIGIN].to_numpy(dtype=np.str_),
                gene=name,
            )
        )
    return panels, [Scale(symmetric_limits(measured), "score, equal depth", "difference")]


def _spots(
    section: str, title: str, note: str, values: NDArray[np.float32], gene: str = "domain"
) -> SitePanel:
    tissue = cache.tissue(section)
    origin = np.full(tissue.n_obs, MEASURED)
    return SitePanel(title, note, layers.array_of(tissue.obs), values, origin, gene=gene)


def counted_figure(table: pd.DataFrame, *, dark: bool) -> go.Figure:
    """Draw what was found before and after, beside the null."""
    return counted_bars(table, colours=theme(dark=dark))
