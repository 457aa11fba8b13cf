"""Whether predictions of hidden spots bear a pattern out: the test that smoothing cannot pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stentrans.enhancement import prepare
from stentrans.errors import ShapeError
from stentrans.evaluation.holdout import HeldOut
from stentrans.methods.base import OnProgress, Progress, report
from stentrans.patterns.permutation import pearson_3, q_values
from stentrans.patterns.residuals import CountResiduals
from stentrans.patterns.variable_genes import FEWEST_SPOTS

if TYPE_CHECKING:
    from anndata import AnnData

FLAT: Final = 1e-5
"""Standard deviation of predicted log values below which a map shows nothing."""
_TINY = 1e-30


@dataclass(frozen=True)
class Support:
    """How far predictions of hidden spots agree with what was measured there.

    Parameters
    ----------
    statistic
        Standard deviations above what permuted spots give, shape ``(n_columns,)``; 0 where the
        prediction is flat.
    p_value
        One-sided, same shape; 1 where the prediction is flat.
    """

    statistic: NDArray[np.float64]
    p_value: NDArray[np.float64]


def supported_genes(
    section: AnnData, held_out: HeldOut, *, on_progress: OnProgress | None = None
) -> pd.DataFrame:
    """Test, gene by gene, whether hidden spots were predicted better than chance.

    Parameters
    ----------
    section
        As for `stentrans.enhance`; left as it was.
    held_out
        Predictions of its spots, each made without that spot; from `hidden_folds`.
    on_progress
        Gets a `Progress` now and then; returning False cancels.

    Returns
    -------
    table
        One row per gene seen in at least 10 spots, in the order of the section: gene, statistic,
        p_value, q_value (false discovery rate, Benjamini-Hochberg).

    Raises
    ------
    ShapeError
        If ``held_out`` belongs to another section.
    Cancelled
        If ``on_progress`` returned False.

    Notes
    -----
    An enhanced map is smooth whether or not the gene varies, so no test on the map itself means
    anything. Here the prediction of a spot never saw that spot. See `agreement`.
    """
    tissue, _ = prepare(section)
    check_belongs(tissue, held_out)
    residuals = CountResiduals(tissue.X)
    chosen = np.flatnonzero(residuals.seen >= FEWEST_SPOTS)
    statistic, p_value = np.empty(len(chosen)), np.empty(len(chosen))
    folds = [fold.hidden for fold in held_out.folds]
    for part, values in residuals.chunks(chosen):
        report(on_progress, Progress("asking hidden spots", part.start / len(chosen)))
        predicted = held_out.expression(list(held_out.genes[chosen[part]]), "composition")
        found = agreement(values, predicted, folds)
        statistic[part], p_value[part] = found.statistic, found.p_value
    columns = {"gene": tissue.var_names.to_numpy()[chosen], "statistic": statistic}
    return pd.DataFrame({**columns, "p_value": p_value, "q_value": q_values(p_value)})


def check_belongs(tissue: AnnData, held_out: HeldOut) -> None:
    """Raise ShapeError unless a hold-out has the spots and genes of a section."""
    n_spots = sum(len(fold.hidden) for fold in held_out.folds)
    if n_spots != tissue.n_obs or list(held_out.genes) != list(tissue.var_names):
        raise ShapeError(
            "The test on hidden spots must be that of this section "
            f"({tissue.n_obs} spots x {tissue.n_vars} genes); it holds {n_spots} spots x "
            f"{len(held_out.genes)} genes. Run the test on this section."
        )


def agreement(
    measured: NDArray[np.float32],
    predicted: NDArray[np.float32],
    folds: Sequence[NDArray[np.int64]],
) -> Support:
    """Compare what was measured at hidden spots with what was predicted there.

    Parameters
    ----------
    measured
        Residuals, shape ``(n_spots, n_columns)``.
    predicted
        Same shape; each fold was predicted without its own spots.
    folds
        Spots of each fold, indices.

    Returns
    -------
    support
        Of the sum over folds of the products of both, centred within the fold.

    Notes
    -----
    Within a fold the null puts the measured values at each other's spots; mean, variance and
    third moment of the sum are then known. Folds are not independent, because a spot of one takes
    part in predicting the others: for any linear prediction the variance of the sum is at most
    twice the sum of the variances (2 w_ij w_ji <= w_ij² + w_ji²), which is what is used. That is
    cautious where a gene is predicted from other genes.
    """
    total, variance, third = (np.zeros(measured.shape[1]) for _ in range(3))
    for spots in folds:
        n = len(spots)
        if n < 3:
            continue
        seen, guess = (_centred(values[spots]) for values in (measured, predicted))
        guess[:, guess.std(0) < FLAT] = 0
        total += (seen * guess).sum(0)
        variance += (seen**2).sum(0) * (guess**2).sum(0) / (n - 1)
        third += (seen**3).sum(0) * (guess**3).sum(0) * n / ((n - 1) * (n - 2))
    statistic = total / np.sqrt(2 * variance + _TINY)
    skew = third / (variance + _TINY) ** 1.5
    p_value = np.where(variance > _TINY, pearson_3(statistic, skew), 1.0)
    return Support(statistic, p_value)


def _centred(values: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(values - values.mean(0, dtype=np.float64), np.float64)
