"""Everything that is found in a section: measured, shown by the enhanced map, and borne out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stentrans.enhancement import Enhancement, prepare
from stentrans.errors import ParameterError
from stentrans.evaluation.holdout import HeldOut
from stentrans.evaluation.parts import part_of
from stentrans.keys import MEASURED, ORIGIN
from stentrans.methods.base import OnProgress
from stentrans.patterns.activity import active_sets
from stentrans.patterns.domains import cluster_map, find_domains
from stentrans.patterns.labels import matched, overlap
from stentrans.patterns.modules import FEWEST_GENES, Modules, find_modules
from stentrans.patterns.pathways import enriched
from stentrans.patterns.permutation import q_values
from stentrans.patterns.residuals import CountResiduals
from stentrans.patterns.shown import shown_genes
from stentrans.patterns.support import Support, agreement, check_belongs, supported_genes
from stentrans.patterns.variable_genes import FEWEST_SPOTS, variable_genes

if TYPE_CHECKING:
    from anndata import AnnData

LEVEL: Final = 0.05
"""False discovery rate below which something counts as found."""
LISTED: Final = 500
"""Genes of a list that is asked for pathways."""
SIGNATURE: Final = 50
"""Genes that stand for a domain."""


@dataclass(frozen=True, eq=False)
class Findings:
    """What is found in one section.

    Parameters
    ----------
    genes
        One row per tested gene, with what was measured (`variable_genes`), whether hidden spots
        bear it out (support, support_p_value, support_q_value) and what the enhanced map shows
        (`shown_genes`).
    domains
        One row per domain: kind (``measured``, or ``enhanced``: clusters of the enhanced map,
        called as the measured domains that they share most spots with), domain, spots, support,
        support_q_value, and is_new, fewer than half of its spots shared with any measured domain.
    clusters
        One row per site of the enhancement: site, and domain, its cluster of the enhanced map.
        Empty where the map is flat.
    modules
        One row per module: kind, module, genes, support, support_q_value, and is_new, most of its
        genes do not vary measurably.
    pathways
        One row per list and enriched set: list (``measured``, ``shown``, ``supported``), term,
        and the columns of `enriched`; of the set's score, support and support_q_value.
    """

    genes: pd.DataFrame
    domains: pd.DataFrame
    clusters: pd.DataFrame
    modules: pd.DataFrame
    pathways: pd.DataFrame


def find_patterns(
    section: AnnData,
    enhancement: Enhancement,
    held_out: HeldOut,
    *,
    gene_sets: Mapping[str, Sequence[str]] | None = None,
    n_domains: int | None = None,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> Findings:
    """Find variable genes, domains, modules and pathways, measured and enhanced.

    Parameters
    ----------
    section
        As for `stentrans.enhance`; left as it was.
    enhancement, held_out
        Of this section, by the same method.
    gene_sets
        Symbols of each set, in the names of the section; None: no pathways.
    n_domains
        As for `find_domains`.
    seed
        Same input, seed and version give the same findings.
    on_progress
        Gets a `Progress` now and then; returning False cancels.

    Raises
    ------
    ParameterError, ShapeError
        If enhancement or hold-out belong to another section.
    SectionFormatError, Cancelled
        As for `stentrans.enhance`.
    """

    def told(title: str, start: float, share: float) -> OnProgress:
        return part_of(on_progress, title, start=start, share=share)

    genes = _genes(section, enhancement, held_out, seed, told("genes", 0.0, 0.3))
    domains, clusters = _domains(
        section, enhancement, held_out, n_domains, seed, told("domains", 0.3, 0.3)
    )
    modules = _modules(section, enhancement, held_out, genes, seed, told("modules", 0.6, 0.2))
    pathways = _pathways(section, held_out, genes, gene_sets or {}, told("pathways", 0.8, 0.2))
    return Findings(genes, domains, clusters, modules, pathways)


def _genes(
    section: AnnData,
    enhancement: Enhancement,
    held_out: HeldOut,
    seed: int,
    on_progress: OnProgress,
) -> pd.DataFrame:
    """Join the three looks at each gene."""
    measured = variable_genes(section, seed=seed, on_progress=on_progress)
    measured = measured.dropna(subset=["p_value"])
    return measured.merge(_support_of(section, held_out), on="gene").merge(
        shown_genes(enhancement), on="gene"
    )


def _support_of(section: AnnData, held_out: HeldOut) -> pd.DataFrame:
    found = supported_genes(section, held_out)
    names = {"statistic": "support", "p_value": "support_p_value", "q_value": "support_q_value"}
    return found.rename(columns=names)


def listed(genes: pd.DataFrame, which: str) -> list[str]:
    """Return the genes that were found in one way, the surest first.

    Parameters
    ----------
    genes
        As in `Findings`.
    which
        ``"measured"``, ``"supported"`` or ``"shown"`` (strongest first).
    """
    order = {
        "measured": ("q_value", "p_value", "statistic"),
        "supported": ("support_q_value", "support_p_value", "support"),
        "shown": ("map_q_value", "map_p_value", "strength"),
    }
    q_value, p_value, size = order[which]
    found = genes[genes[q_value] < LEVEL]
    by, rising = ([size], [False]) if which == "shown" else ([p_value, size], [True, False])
    return list(found.sort_values(by, ascending=rising, kind="stable")["gene"])


def _domains(
    section: AnnData,
    enhancement: Enhancement,
    held_out: HeldOut,
    n_domains: int | None,
    seed: int,
    on_progress: OnProgress,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Domains of the counts and clusters of the enhanced map, with their support."""
    found = find_domains(section, n_domains=n_domains, seed=seed, on_progress=on_progress)
    measured = found.spots["domain"].to_numpy() - 1
    labels = {"measured": measured}
    fine = cluster_map(enhancement, found.genes, found.n_domains, seed=seed)
    clusters = pd.DataFrame({"site": [], "domain": []})
    if fine is not None:
        spots = np.flatnonzero(enhancement.sites[ORIGIN] == MEASURED)
        fine = matched(fine, measured, spots)
        labels["enhanced"] = fine[spots]
        clusters = pd.DataFrame({"site": enhancement.sites.index, "domain": fine + 1})
    tables = [
        _supported_domains(section, held_out, kind, label, measured)
        for kind, label in labels.items()
    ]
    return pd.concat(tables, ignore_index=True), clusters


def _supported_domains(
    section: AnnData,
    held_out: HeldOut,
    kind: str,
    label: NDArray[np.int64],
    measured: NDArray[np.int64],
) -> pd.DataFrame:
    tissue, _ = prepare(section)
    names, label = np.unique(label, return_inverse=True)  # numbers may be left out between them
    found = domain_support(tissue, label, held_out)
    shared = overlap(label, measured)
    union = shared.sum(1, keepdims=True) + shared.sum(0) - shared
    return pd.DataFrame(
        {
            "kind": kind,
            "domain": names + 1,
            "spots": shared.sum(1),
            "support": found.statistic,
            "support_q_value": q_values(found.p_value),
            "is_new": (shared / union).max(1) < 0.5,
        }
    )


def domain_support(tissue: AnnData, label: NDArray[np.int64], held_out: HeldOut) -> Support:
    """Ask hidden spots whether the genes of each domain are where the domain is.

    Parameters
    ----------
    tissue
        Spots on tissue; left as it was.
    label
        Domain of each spot, from 0.
    held_out
        Predictions of its spots, each made without that spot.

    Returns
    -------
    support
        One value per domain, of the mean residual of its genes.

    Notes
    -----
    The genes of a domain, those whose mean residual is highest in it, are chosen anew for each
    fold from the spots that were visible. Chosen from all spots they would agree with the hidden
    ones in nothing, too: of thousands of genes some are higher in any region by chance.
    """
    check_belongs(tissue, held_out)
    residuals = CountResiduals(tissue.X)
    chosen = np.flatnonzero(residuals.seen >= FEWEST_SPOTS)
    n_domains = int(label.max()) + 1
    inside = np.zeros((tissue.n_obs, len(held_out.folds), n_domains), np.float32)
    inside[np.arange(tissue.n_obs), :, label] = 1
    for i, fold in enumerate(held_out.folds):
        inside[fold.hidden, i] = 0
    inside /= np.maximum(inside.sum(0), 1)
    flat = inside.reshape(tissue.n_obs, -1)
    mean = np.concatenate([flat.T @ part for _, part in residuals.chunks(chosen)], axis=1)
    best = np.argsort(-mean, axis=1, kind="stable")[:, :SIGNATURE]
    measured, predicted = np.zeros((2, tissue.n_obs, n_domains), np.float32)
    for fold, of_domains in zip(held_out.folds, np.split(best, len(held_out.folds)), strict=True):
        genes, place = np.unique(of_domains, return_inverse=True)
        weights = np.zeros((len(genes), n_domains), np.float32)
        weights[place.ravel(), np.arange(of_domains.size) // of_domains.shape[1]] = 1
        weights /= of_domains.shape[1]
        measured[fold.hidden] = residuals.of(chosen[genes])[fold.hidden] @ weights
        values = fold.decoder.decode(fold.prediction, chosen[genes], "composition")
        predicted[fold.hidden] = residuals.of_predicted(values, chosen[genes]) @ weights
    return agreement(measured, predicted, [fold.hidden for fold in held_out.folds])


def _modules(
    section: AnnData,
    enhancement: Enhancement,
    held_out: HeldOut,
    genes: pd.DataFrame,
    seed: int,
    on_progress: OnProgress,
) -> pd.DataFrame:
    """Modules of what varies measurably, and of what the enhanced map shows most strongly."""
    measured = listed(genes, "measured")
    ways = {"measured": (measured, None), "enhanced": (listed(genes, "shown"), enhancement)}
    tables = []
    for kind, (names, maps) in ways.items():
        if len(names) < FEWEST_GENES:
            continue
        # As many genes both ways, so that the numbers of modules can be compared.
        names = names[: max(len(measured), FEWEST_GENES)]
        found = find_modules(section, names, maps, seed=seed, on_progress=on_progress)
        tables.append(_supported_modules(section, held_out, kind, found, set(measured)))
    columns = ["kind", "module", "genes", "support", "support_q_value", "is_new"]
    if not tables:
        return pd.DataFrame(columns=columns)
    return pd.concat(tables, ignore_index=True)


def _supported_modules(
    section: AnnData, held_out: HeldOut, kind: str, found: Modules, measured: set[str]
) -> pd.DataFrame:
    sets = found.as_sets()
    table = active_sets(section, sets, held_out)
    return pd.DataFrame(
        {
            "kind": kind,
            "module": np.arange(len(sets)) + 1,
            "genes": [len(names) for names in sets.values()],
            "support": table["support"],
            "support_q_value": table["support_q_value"],
            "is_new": [
                len(measured.intersection(names)) < len(names) / 2 for names in sets.values()
            ],
        }
    )


def _pathways(
    section: AnnData,
    held_out: HeldOut,
    genes: pd.DataFrame,
    gene_sets: Mapping[str, Sequence[str]],
    on_progress: OnProgress,
) -> pd.DataFrame:
    """Sets that each list of genes is rich in, and whether hidden spots bear their scores out."""
    background = dict(zip(genes["gene"], genes["spots"], strict=True))
    parts = []
    for which in ("measured", "shown", "supported"):
        names = listed(genes, which)[:LISTED]
        try:
            parts.append(enriched(names, gene_sets, background).assign(list=which))
        except ParameterError:  # nothing was found, or no set can be tested
            continue
    if not parts:
        return pd.DataFrame(columns=["list", "term", "q_value", "support", "support_q_value"])
    table = pd.concat(parts, ignore_index=True)
    sure = table.loc[table["q_value"] < LEVEL, "term"].unique()
    scores = active_sets(
        section, {term: gene_sets[term] for term in sure}, held_out, on_progress=on_progress
    )
    return table.merge(scores[["term", "support", "support_q_value"]], on="term", how="left")
