"""What the counts of a section show by themselves: genes, domains, modules, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from stentrans.errors import ParameterError
from stentrans.evaluation.parts import part_of
from stentrans.methods.base import OnProgress
from stentrans.patterns.before_after import before_after
from stentrans.patterns.domains import find_domains
from stentrans.patterns.findings import Findings, listed
from stentrans.patterns.markers import domain_markers
from stentrans.patterns.modules import find_modules
from stentrans.patterns.tables import Tables
from stentrans.patterns.variable_genes import variable_genes
from stentrans.section import on_tissue

if TYPE_CHECKING:
    from anndata import AnnData

    from stentrans.enhancement import Enhancement
    from stentrans.evaluation.holdout import HeldOut


def measured_patterns(
    section: AnnData,
    *,
    n_domains: int | None = None,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> Tables:
    """Find variable genes, domains with markers, and modules in measured counts.

    Parameters
    ----------
    section
        As for `stentrans.enhance`; left as it was.
    n_domains
        How many; None: as many as the Leiden method finds.
    seed
        Same input, seed and version give the same tables.
    on_progress
        Gets a `Progress` now and then; returning False cancels.

    Returns
    -------
    tables
        ``genes`` (`variable_genes`), ``spots`` (site, domain), ``markers`` (`domain_markers`),
        ``modules`` (gene, module, membership; empty where too few genes vary). Facts: stability,
        sharpness and telling_genes of the domains.

    Raises
    ------
    SectionFormatError, ParameterError, Cancelled
        As for `find_domains`.
    """

    def told(title: str, start: float, share: float) -> OnProgress:
        return part_of(on_progress, title, start=start, share=share)

    genes = variable_genes(section, seed=seed, on_progress=told("genes", 0.0, 0.2))
    domains = find_domains(
        section, n_domains=n_domains, seed=seed, on_progress=told("domains", 0.2, 0.4)
    )
    tissue = on_tissue(section)
    markers = domain_markers(tissue, domains.spots["domain"].to_numpy())
    names = list(genes.loc[genes["q_value"] < 0.05, "gene"])
    try:
        modules = find_modules(
            section, names, seed=seed, on_progress=told("modules", 0.7, 0.3)
        ).genes
    except ParameterError:  # too few genes vary
        modules = pd.DataFrame({"gene": [], "module": [], "membership": []})
    frames = {
        "genes": genes,
        "spots": domains.spots.rename_axis("site").reset_index(),
        "markers": markers,
        "modules": modules,
    }
    facts: dict[str, Any] = {"stability": domains.stability, "sharpness": domains.sharpness}
    return Tables(frames, facts | {"telling_genes": list(domains.genes)})


def enhanced_patterns(
    section: AnnData,
    enhancement: Enhancement,
    held_out: HeldOut,
    *,
    gene_sets: dict[str, tuple[str, ...]] | None = None,
    n_domains: int | None = None,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> Tables:
    """Find the same with the enhancement, and count it before and after, beside the null.

    Parameters
    ----------
    section, enhancement, held_out, gene_sets
        As for `before_after`.
    n_domains, seed, on_progress
        As for `measured_patterns`.

    Returns
    -------
    tables
        ``counted`` (`before_after`); ``genes``, ``domains``, ``clusters``, ``modules`` and
        ``pathways`` of the findings; ``sites`` (site, domain, certainty). Facts as for
        `measured_patterns`.

    Raises
    ------
    ParameterError, ShapeError, SectionFormatError, Cancelled
        As for `before_after`.
    """
    domains = find_domains(
        section,
        enhancement,
        n_domains=n_domains,
        seed=seed,
        on_progress=part_of(on_progress, "domains", start=0.0, share=0.1),
    )
    counted, found, _ = before_after(
        section,
        enhancement,
        held_out,
        gene_sets=gene_sets,
        n_domains=n_domains,
        seed=seed,
        on_progress=part_of(on_progress, "before and after", start=0.1, share=0.9),
    )
    assert domains.sites is not None, "an enhancement was given"
    sites = domains.sites.rename_axis("site").reset_index()
    facts: dict[str, Any] = {"stability": domains.stability, "sharpness": domains.sharpness}
    return Tables({"counted": counted, "sites": sites, **_frames(found)}, facts)


def _frames(found: Findings) -> dict[str, pd.DataFrame]:
    order = listed(found.genes, "supported")
    genes = found.genes.set_index("gene")
    rest = [gene for gene in genes.index if gene not in set(order)]
    return {
        "genes": genes.loc[[*order, *rest]].reset_index(),
        "domains": found.domains,
        "clusters": found.clusters,
        "modules": found.modules,
        "pathways": found.pathways,
    }
