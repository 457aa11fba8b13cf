"""Lists and rankings of genes that can be asked for pathways, each under a name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from scipy.stats import norm

from stentrans.errors import ParameterError
from stentrans.evaluation.parts import part_of
from stentrans.methods.base import OnProgress
from stentrans.patterns.findings import LISTED, listed
from stentrans.patterns.markers import marker_genes
from stentrans.patterns.pathways import (
    ENRICHED_COLUMNS,
    RANKED_COLUMNS,
    enriched,
    enriched_in_ranking,
)
from stentrans.patterns.regions import markers as region_markers
from stentrans.patterns.residuals import CountResiduals
from stentrans.patterns.tables import Tables
from stentrans.patterns.variable_genes import FEWEST_SPOTS
from stentrans.section import on_tissue

if TYPE_CHECKING:
    from anndata import AnnData

VARIABLE: Final = "variable"
SUPPORTED: Final = "supported"
DOMAIN: Final = "domain "
MODULE: Final = "module "
MARKERS: Final = 200
"""Genes of a domain or region that are asked for pathways."""


@dataclass(frozen=True, eq=False)
class GeneList:
    """Genes to ask for pathways.

    Parameters
    ----------
    genes
        The list, for over-representation.
    ranking
        A number for every tested gene, the gene as index: higher stands for more.
    background
        Every tested gene with the number of spots that it was seen in.
    """

    genes: list[str]
    ranking: pd.Series
    background: Mapping[str, float]


def list_names(tables: Tables) -> dict[str, int]:
    """Return the lists that tables of `measured_patterns` or `enhanced_patterns` hold.

    Parameters
    ----------
    tables
        Of a section.

    Returns
    -------
    sizes
        Number of genes by the name of the list: ``variable``, ``domain 1`` and so on, ``module
        1`` and so on; with enhancement ``supported``, genes that hidden spots bear out.
    """
    if "support_q_value" in tables["genes"]:
        return {SUPPORTED: len(listed(tables["genes"], "supported")[:LISTED])}
    names = {VARIABLE: len(listed(tables["genes"], "measured")[:LISTED])}
    for domain in sorted(tables["spots"]["domain"].unique()):
        names[f"{DOMAIN}{domain}"] = len(marker_genes(tables["markers"], domain, MARKERS))
    modules = tables["modules"]["module"]
    for module in sorted(modules[modules > 0].unique()):
        names[f"{MODULE}{module}"] = int((modules == module).sum())
    return names


def gene_list(section: AnnData, tables: Tables, which: str) -> GeneList:
    """Return a list of genes with a ranking of all tested ones.

    Parameters
    ----------
    section
        Whose counts the tables tell of; left as it was.
    tables
        From `measured_patterns` or `enhanced_patterns`.
    which
        A name from `list_names`.

    Raises
    ------
    ParameterError
        If the tables hold no list of this name.

    Notes
    -----
    Genes are ranked by how surely they vary (or are borne out), in normal scores, so that a few
    overwhelming genes do not decide alone; by Wilcoxon's score against all other spots for a
    domain; and by correlation with the mean of the module's other genes for a module.
    """
    if which not in list_names(tables):
        raise ParameterError(
            f"A list of genes must be one of {', '.join(list_names(tables))}; got {which!r}."
        )
    tested = tables["genes"].dropna(subset=["p_value"])
    background = dict(zip(tested["gene"], tested["spots"].astype(float), strict=True))
    if which in (VARIABLE, SUPPORTED):
        prefix = "" if which == VARIABLE else "support_"
        size = "statistic" if which == VARIABLE else "support"
        by = tested.sort_values([f"{prefix}p_value", size], ascending=[True, False], kind="stable")
        genes = listed(tested, "measured" if which == VARIABLE else which)[:LISTED]
        return GeneList(genes, _normal_scores(by["gene"]), background)
    kind, _, number = which.rpartition(" ")
    if f"{kind} " == DOMAIN:
        mine = tables["markers"][tables["markers"]["domain"] == int(number)]
        ranking = mine.set_index("gene")["score"]
        genes = marker_genes(tables["markers"], int(number), MARKERS)
    else:
        modules = tables["modules"]
        genes = list(modules.loc[modules["module"] == int(number), "gene"])
        ranking = _likeness(on_tissue(section), genes)
    return GeneList(genes, ranking[ranking.index.isin(background)], background)


def region_list(section: AnnData, region: Sequence[int]) -> GeneList:
    """Return the genes of a region, ranked against all other spots.

    Parameters
    ----------
    section
        Left as it was.
    region
        Positions among the spots on tissue.

    Raises
    ------
    ParameterError
        As for `regions.markers`.
    """
    tissue = on_tissue(section)
    table = region_markers(section, region).table.dropna(subset=["score"])
    seen = pd.Series(CountResiduals(tissue.X).seen, index=tissue.var_names, dtype=np.float64)
    table = table[table["gene"].isin(seen.index[seen >= FEWEST_SPOTS])].assign(domain=1)
    by_score = table.sort_values("score", ascending=False, kind="stable")
    return GeneList(
        marker_genes(by_score, 1, MARKERS),
        table.set_index("gene")["score"],
        dict(seen[table["gene"]]),
    )


def pathways_of(
    found: GeneList,
    gene_sets: Mapping[str, Sequence[str]],
    *,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> Tables:
    """Ask a list and its ranking for pathways.

    Parameters
    ----------
    found
        From `gene_list` or `region_list`.
    gene_sets
        Symbols of each set, in the names of the section.
    seed
        As for `enriched_in_ranking`.
    on_progress
        Gets a `Progress` now and then; returning False cancels.

    Returns
    -------
    tables
        ``listed`` (`enriched`; empty where the list is) and ``ranked`` (`enriched_in_ranking`).
        Facts: ``genes``, the length of the list, and ``tested``, that of the ranking.

    Raises
    ------
    ParameterError
        If no set has a size that can be tested.
    Cancelled
        If ``on_progress`` returned False.
    """
    in_ranking = enriched_in_ranking(
        found.ranking,
        gene_sets,
        seed=seed,
        on_progress=part_of(on_progress, "ranking", start=0.0, share=0.9),
    )
    in_list = pd.DataFrame(columns=list(ENRICHED_COLUMNS))
    if set(found.genes) & set(found.background):
        in_list = enriched(found.genes, gene_sets, found.background)
    facts = {"genes": len(found.genes), "tested": len(found.ranking)}
    return Tables({"listed": in_list, "ranked": in_ranking}, facts)


def beside(tables: Tables) -> pd.DataFrame:
    """Put both ways to ask beside each other.

    Parameters
    ----------
    tables
        From `pathways_of`.

    Returns
    -------
    table
        One row per set: the columns of `enriched`, then ``score``, ``ranked_p_value``,
        ``ranked_q_value`` and ``leading_genes`` of the ranking; those first that both ways find.
    """
    ranked = tables["ranked"].rename(
        columns={"p_value": "ranked_p_value", "q_value": "ranked_q_value", "size": "ranked_size"}
    )
    # A table without rows does not know that its columns are numbers.
    numbers = [name for name in ENRICHED_COLUMNS if name not in ("term", "genes")]
    in_list = tables["listed"].astype(dict.fromkeys(numbers, np.float64))
    both = in_list.merge(ranked, on="term", how="outer")
    both["size"] = both["size"].fillna(both["ranked_size"]).astype(np.int64)
    both["hits"] = both["hits"].fillna(0).astype(np.int64)
    listed_p = both[["p_value", "p_as_often_seen"]].max(axis=1).fillna(1.0)
    # A set at the low end of the ranking is no finding of the list.
    high_p = both["ranked_p_value"].where(both["score"] > 0, 1.0).fillna(1.0)
    doubt = pd.DataFrame({"worse": np.maximum(listed_p, high_p), "sum": listed_p * high_p})
    order = doubt.sort_values(["sum", "worse"], kind="stable").index
    added = [f"ranked_{name}" if name.endswith("value") else name for name in RANKED_COLUMNS[2:]]
    return both.loc[order, [*ENRICHED_COLUMNS, *added]].reset_index(drop=True)


def _normal_scores(genes: pd.Series) -> pd.Series:
    """Quantiles of the normal distribution, the first gene highest."""
    places = (np.arange(len(genes), 0, -1) - 0.5) / len(genes)
    return pd.Series(norm.ppf(places), index=pd.Index(genes, name="gene"))


def _likeness(tissue: AnnData, genes: Sequence[str]) -> pd.Series:
    """Correlation of every gene seen often enough with the mean residual of some others."""
    residuals = CountResiduals(tissue.X)
    members = tissue.var_names.get_indexer(pd.Index(genes)).astype(np.int64)
    mean = residuals.of(members).mean(1)
    chosen = np.flatnonzero(residuals.seen >= FEWEST_SPOTS)
    found = []
    for part, values in residuals.chunks(chosen):
        own = np.isin(chosen[part], members)
        # Without itself: a gene agrees with a mean that it is part of.
        others = mean[:, None] - np.where(own, values / len(members), 0)
        spread = np.maximum(others.std(0) * values.std(0), 1e-12)
        product = (others * values).mean(0) - others.mean(0) * values.mean(0)
        found.append(product / spread)
    return pd.Series(np.concatenate(found), index=tissue.var_names[chosen], dtype=np.float64)
