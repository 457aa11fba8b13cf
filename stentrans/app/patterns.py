"""From stored patterns to what the page of patterns shows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray
from plotly import graph_objects as go

from stentrans.app import cache, layers
from stentrans.figures.colours import Scale, symmetric_limits
from stentrans.figures.panel import SitePanel
from stentrans.figures.patterns import counted_bars
from stentrans.figures.theme import theme
from stentrans.keys import MEASURED, ORIGIN
from stentrans.patterns.gene_sets import Matched, match, sets_of
from stentrans.patterns.kept_sets import kept_sets
from stentrans.patterns.markers import marker_genes
from stentrans.store import Run
from stentrans.words import method_name

LISTED = 500
MARKERS = 200


def measured_run(section: str, n_domains: int) -> Run:
    """Return the work that finds what the counts show by themselves."""
    return Run.of("patterns", section, n_domains=n_domains)


def compared_run(run: Run, n_domains: int, gene_sets: str) -> Run:
    """Return the work that counts before and after enhancement by a run."""
    return Run.of(
        "before_after", run.section, source=run.id, n_domains=n_domains, gene_sets=gene_sets
    )


def found(run: Run) -> dict[str, pd.DataFrame] | None:
    """Return the tables of a finished work; None before."""
    return dict(cache.result(run).frames) if cache.is_finished(run) else None


@st.cache_data(show_spinner=False, max_entries=8)
def matched(section: str, name: str) -> Matched:
    """Match kept gene sets, or the families of a simulated section, to the genes of a section."""
    adata = cache.section(section)
    return match(kept_sets(name, cache.store().folder) if name else sets_of(adata), adata)


@st.cache_data(show_spinner="Comparing with the gene sets …", max_entries=32)
def enriched(section: str, sets: str, genes: tuple[str, ...], ranked: Run) -> pd.DataFrame:
    """Return the sets that a list is rich in; background: all genes that were tested."""
    from stentrans.patterns.pathways import enriched as enriched_sets

    tested = cache.result(ranked)["genes"].dropna(subset=["p_value"])
    background = dict(zip(tested["gene"], tested["spots"].astype(float), strict=True))
    return enriched_sets(genes, matched(section, sets).sets, background)


def gene_lists(frames: dict[str, pd.DataFrame]) -> dict[str, list[str]]:
    """Return the lists that can be asked for pathways, by what they are called on screen."""
    genes = frames["genes"]
    sure = genes.loc[genes["q_value"] < 0.05, "gene"]
    lists = {f"Variable genes (the surest {LISTED})": list(sure.head(LISTED))}
    for domain in sorted(frames["spots"]["domain"].unique()):
        lists[f"Markers of domain {domain}"] = marker_genes(frames["markers"], domain, MARKERS)
    modules = frames["modules"]
    for module, part in modules[modules["module"] > 0].groupby("module"):
        lists[f"Module {module}"] = list(part["gene"])
    return lists


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
    section: str, spots: pd.DataFrame, run: Run | None, sites: pd.DataFrame | None
) -> tuple[list[SitePanel], list[Scale]]:
    """Return maps of domains, one colour per domain on both."""
    tissue = cache.tissue(section)
    label = spots["domain"].to_numpy(np.float32)
    panels = [_spots(section, "Domains on spots", f"{tissue.n_obs:,} spots, by counts", label)]
    if sites is not None and run is not None:
        result = cache.enhancement(run.id)
        panels.append(
            SitePanel(
                "Carried to the finer map",
                f"{len(sites):,} sites, pale where uncertain",
                layers.array_of(result.sites),
                sites["domain"].to_numpy(np.float32),
                result.sites[ORIGIN].to_numpy(dtype=np.str_),
                is_faint=(sites["certainty"] < 0.6).to_numpy(),
                gene="domain",
            )
        )
    n_domains = int(label.max())
    return panels, [Scale((0.5, n_domains + 0.5), "domain", "domains", n_classes=n_domains)]


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
