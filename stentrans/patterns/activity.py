"""Where gene sets are active: does their score vary in space, and do hidden spots agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stentrans.enhancement import prepare
from stentrans.evaluation.holdout import HeldOut
from stentrans.methods.base import OnProgress, Progress, report
from stentrans.patterns.permutation import assess, combine, q_values
from stentrans.patterns.residuals import CountResiduals
from stentrans.patterns.scores import map_scores, measured_scores, membership
from stentrans.patterns.support import agreement, check_belongs
from stentrans.patterns.variable_genes import FEWEST_SPOTS, spots_with_counts
from stentrans.validate import check_seed

if TYPE_CHECKING:
    from anndata import AnnData

COLUMNS = (
    "term",
    "size",
    "p_value",
    "q_value",
    "support",
    "support_p_value",
    "support_q_value",
)


def active_sets(
    section: AnnData,
    gene_sets: Mapping[str, Sequence[str]],
    held_out: HeldOut | None = None,
    *,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> pd.DataFrame:
    """Test whether the scores of gene sets vary in space.

    Parameters
    ----------
    section
        As for `stentrans.enhance`; left as it was.
    gene_sets
        Symbols of each set.
    held_out
        Predictions of hidden spots of this section: do the predicted scores agree? None: columns
        of support are NaN.
    seed
        As for `variable_genes`.
    on_progress
        Gets a `Progress` now and then; returning False cancels.

    Returns
    -------
    table
        One row per set, in their order: term; size, genes seen in at least 10 spots; p_value and
        q_value, of the measured score against permuted spots; support, standard deviations by
        which predictions of hidden spots agree with what was measured there, with
        support_p_value and support_q_value. Sets without a gene get NaN.

    Raises
    ------
    SectionFormatError, Cancelled
        As for `stentrans.enhance`.
    ShapeError
        If ``held_out`` belongs to another section.

    Notes
    -----
    A score is the mean residual of the set's genes (`measured_scores`).
    """
    tissue, lattice = prepare(section)
    report(on_progress, Progress("scoring gene sets", 0.05))
    residuals = CountResiduals(tissue.X)
    weights = membership(gene_sets, tissue.var_names, residuals.seen >= FEWEST_SPOTS)
    measured = measured_scores(residuals, weights)
    size = np.diff(weights.indptr)
    report(on_progress, Progress("testing gene sets", 0.4))
    alive, kernels = spots_with_counts(tissue.X, lattice, np.random.default_rng(check_seed(seed)))
    tests = assess(_standard(measured[alive]), kernels)
    p_value = combine(np.stack([one.p_value for one in tests]))
    columns = {"term": list(gene_sets), "size": size, **_with_q("", p_value, size)}
    if held_out is not None:
        check_belongs(tissue, held_out)
        report(on_progress, Progress("asking hidden spots", 0.6))
        predicted = map_scores(held_out, residuals, weights)
        found = agreement(measured, predicted, [fold.hidden for fold in held_out.folds])
        columns["support"] = np.where(size > 0, found.statistic, np.nan)
        columns |= _with_q("support_", found.p_value, size)
    report(on_progress, Progress("done", 1.0))
    return pd.DataFrame(columns).reindex(columns=list(COLUMNS))


def _standard(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Columns of mean 0 and variance 1, or all 0."""
    centred = scores - scores.mean(0)
    sd = centred.std(0)
    return np.asarray(centred / np.where(sd > 1e-9, sd, np.inf), np.float32)


def _with_q(
    prefix: str, p_value: NDArray[np.float64], size: NDArray[np.integer]
) -> dict[str, NDArray[np.float64]]:
    """p- and q-values of the sets that have genes."""
    columns = {name: np.full(len(size), np.nan) for name in ("p_value", "q_value")}
    columns["p_value"][size > 0] = p_value[size > 0]
    columns["q_value"][size > 0] = q_values(p_value[size > 0])
    return {prefix + name: values for name, values in columns.items()}
