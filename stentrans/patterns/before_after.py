"""Measured against enhanced, beside the same with the spots permuted: one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from stentrans.enhancement import Enhancement, enhance
from stentrans.evaluation.holdout import HeldOut, hidden_folds
from stentrans.evaluation.parts import part_of
from stentrans.methods.base import OnProgress, Progress, report
from stentrans.patterns.findings import LEVEL, Findings, find_patterns
from stentrans.section import check_section, on_tissue

if TYPE_CHECKING:
    from anndata import AnnData

COLUMNS: Final = ("kind", "measured", "shown", "supported", "new", "unsupported")
NULL_COLUMNS: Final = tuple(f"{name}_null" for name in COLUMNS[1:])


def permuted_copy(section: AnnData, *, seed: int = 0) -> AnnData:
    """Return the spots on tissue with their counts at each other's places.

    Depth and composition of a spot stay together, so that nothing but their places changes.
    ``section`` is left as it was.
    """
    tissue = on_tissue(check_section(section))
    tissue.X = tissue.X[np.random.default_rng(seed).permutation(tissue.n_obs)]
    return tissue


def before_after(
    section: AnnData,
    enhancement: Enhancement,
    held_out: HeldOut,
    *,
    gene_sets: Mapping[str, Sequence[str]] | None = None,
    n_domains: int | None = None,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> tuple[pd.DataFrame, Findings, Findings]:
    """Count what enhancement lets one find, and what it would let one find in nothing.

    Parameters
    ----------
    section, enhancement, held_out, gene_sets, n_domains
        As for `find_patterns`.
    seed
        Permutes the spots, and seeds all that follows.
    on_progress
        Gets a `Progress` now and then; returning False cancels.

    Returns
    -------
    table
        See `counted`, with the same counts of a section whose spots were permuted, enhanced and
        tested as this one was (``_null``).
    found, null
        What was counted.

    Raises
    ------
    ParameterError, ShapeError, SectionFormatError, Cancelled
        As for `find_patterns` and `stentrans.enhance`.
    """
    told = enhancement.provenance
    options: dict[str, Any] = {"method": told["method"], "seed": told["seed"], **told["settings"]}
    found = find_patterns(
        section,
        enhancement,
        held_out,
        gene_sets=gene_sets,
        n_domains=n_domains,
        seed=seed,
        on_progress=part_of(on_progress, "this section", start=0.0, share=0.25),
    )
    empty = permuted_copy(section, seed=seed)
    enhanced = enhance(
        empty,
        factor=told["factor"],
        fill_gaps=told["fill_gaps"],
        **options,
        on_progress=part_of(on_progress, "spots permuted", start=0.25, share=0.15),
    )
    tested = hidden_folds(
        empty, **options, on_progress=part_of(on_progress, "spots permuted", start=0.4, share=0.4)
    )
    null = find_patterns(
        empty,
        enhanced,
        tested,
        gene_sets=gene_sets,
        n_domains=n_domains,
        seed=seed,
        on_progress=part_of(on_progress, "spots permuted", start=0.8, share=0.2),
    )
    report(on_progress, Progress("done", 1.0))
    table = counted(found)
    of_null = counted(null)
    for name in NULL_COLUMNS:
        table[name] = of_null[name.removesuffix("_null")]
    return table, found, null


def counted(found: Findings) -> pd.DataFrame:
    """Count findings.

    Parameters
    ----------
    found
        From `find_patterns`.

    Returns
    -------
    table
        A row each for variable genes, domains, gene modules and pathways: kind; measured, found
        in the counts; shown, what the enhanced map shows at face value; supported, found through
        predictions of hidden spots; new, supported but not found in the counts; unsupported,
        shown but neither supported nor found in the counts.

    Notes
    -----
    Domains and modules that are shown are clusters of the enhanced map; they are supported where
    the score of their genes is predicted at hidden spots. Pathways are sets that the 500 surest
    genes are rich in.
    """
    rows = [_genes(found), _groups("domains", found.domains)]
    rows += [_groups("gene modules", found.modules), _pathways(found)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _genes(found: Findings) -> tuple[str, int, int, int, int, int]:
    genes = found.genes
    measured = genes["q_value"] < LEVEL
    shown = genes["map_q_value"] < LEVEL
    supported = genes["support_q_value"] < LEVEL
    return (
        "variable genes",
        int(measured.sum()),
        int(shown.sum()),
        int(supported.sum()),
        int((supported & ~measured).sum()),
        int((shown & ~supported & ~measured).sum()),
    )


def _groups(kind: str, table: pd.DataFrame) -> tuple[str, int, int, int, int, int]:
    """Domains or modules."""
    measured, shown = table[table["kind"] == "measured"], table[table["kind"] == "enhanced"]
    supported = shown["support_q_value"] < LEVEL
    is_new = shown["is_new"].astype(bool)
    return (
        kind,
        len(measured),
        len(shown),
        int(supported.sum()),
        int((supported & is_new).sum()),
        int((~supported & is_new).sum()),
    )


def _pathways(found: Findings) -> tuple[str, int, int, int, int, int]:
    table = found.pathways
    sure = table[table["q_value"] < LEVEL]
    measured, shown = (set(sure.loc[sure["list"] == w, "term"]) for w in ("measured", "shown"))
    supported = sure[sure["list"] == "supported"]
    borne_out = set(supported.loc[supported["support_q_value"] < LEVEL, "term"])
    return (
        "pathways",
        len(measured),
        len(shown),
        len(borne_out),
        len(borne_out - measured),
        len(shown - borne_out - measured),
    )
