"""Scores of gene sets: the mean residual of their genes, measured, enhanced or predicted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csc_array

from stentrans.methods.base import OnProgress, Progress, Scale, report
from stentrans.patterns.residuals import GENES_AT_ONCE, CountResiduals


class Maps(Protocol):
    """What knows expression at sites: an `Enhancement` or a `HeldOut`."""

    genes: pd.Index

    def expression(self, genes: Sequence[str], scale: Scale) -> NDArray[np.float32]:
        """Shape ``(n_sites, n_genes_asked)``."""
        ...


def membership(
    gene_sets: Mapping[str, Sequence[str]], genes: pd.Index, allowed: NDArray[np.bool_]
) -> csc_array:
    """Weights of genes in sets, shape ``(n_genes, n_sets)``: each set's sum to 1.

    Parameters
    ----------
    gene_sets
        Symbols of each set; those not in ``genes`` or not ``allowed`` play no part. A set without
        any other is all 0.
    genes
        Of the section.
    allowed
        Genes that may count, shape ``(n_genes,)``.
    """
    rows, columns, weights = [], [], []
    for column, names in enumerate(gene_sets.values()):
        found = genes.get_indexer(pd.Index(list(dict.fromkeys(names)), dtype=object))
        found = found[found >= 0]
        found = found[allowed[found]]
        rows.append(found)
        columns.append(np.full(len(found), column))
        weights.append(np.full(len(found), 1 / max(len(found), 1)))
    if not rows:
        return csc_array((len(genes), 0), dtype=np.float32)
    parts = (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns)))
    return csc_array(parts, shape=(len(genes), len(gene_sets)), dtype=np.float32)


def measured_scores(
    residuals: CountResiduals, weights: csc_array, *, on_progress: OnProgress | None = None
) -> NDArray[np.float32]:
    """Weighted sums of the residuals of each set's genes, shape ``(n_spots, n_sets)``."""
    chosen = np.unique(weights.indices).astype(np.int64)
    scores = np.zeros((len(residuals.library), weights.shape[1]), np.float32)
    by_gene = weights.tocsr()
    for part, values in residuals.chunks(chosen):
        report(on_progress, Progress("scoring gene sets", part.start / len(chosen)))
        scores += values @ by_gene[chosen[part]]
    return scores


def map_scores(
    maps: Maps,
    residuals: CountResiduals,
    weights: csc_array,
    *,
    on_progress: OnProgress | None = None,
) -> NDArray[np.float32]:
    """The same of predictions, in the same units, shape ``(n_sites, n_sets)``."""
    chosen = np.unique(weights.indices).astype(np.int64)
    by_gene = weights.tocsr()
    scores: NDArray[np.float32] | None = None
    for start in range(0, max(len(chosen), 1), GENES_AT_ONCE):
        report(on_progress, Progress("scoring gene sets", start / max(len(chosen), 1)))
        genes = chosen[start : start + GENES_AT_ONCE]
        values = maps.expression(list(maps.genes[genes]), "composition")
        part = residuals.of_predicted(values, genes) @ by_gene[genes]
        scores = part if scores is None else scores + part
    assert scores is not None, "there is at least one part, perhaps of no genes"
    return np.asarray(scores, np.float32)
