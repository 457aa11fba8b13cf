"""One row per method and metric: mean, median, and how far the mean could move."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stentrans.evaluation.bootstrap import N_DRAWS, draw_weights, reach_of
from stentrans.evaluation.report import ALL_GENES, NULL, Comparison, Run
from stentrans.validate import check_integer, check_option, check_seed

_GROUPS = ("method", "protocol", "null", "metric")
_Key: TypeAlias = tuple[str, bool, str]  # method, null, metric
_Draws: TypeAlias = Mapping[_Key, NDArray[np.float64]]


def summarise(
    comparison: Comparison,
    *,
    reference: str | None = None,
    n_draws: int = N_DRAWS,
    seed: int = 0,
) -> pd.DataFrame:
    """Summarise scores per method and metric, with 95 % intervals over blocks of the section.

    Parameters
    ----------
    comparison
        From `stentrans.evaluation.compare`; left as it was.
    reference
        A method that the others are compared with on the same draws of blocks; None: none.
    n_draws
        Bootstrap draws of blocks.
    seed
        Draws them.

    Returns
    -------
    summary
        Columns method, protocol, metric, ``mean`` and ``median`` over genes, averaged over
        repeats, and the bounds ``low`` and ``high`` of the mean. With a null, a column ``null``
        before metric; with a reference, ``difference`` of the means to it and its bounds
        ``difference_low`` and ``difference_high``.

    Raises
    ------
    ParameterError
        If ``reference`` was not scored.

    Notes
    -----
    Neighbouring spots share their errors, and genes share their spots: neither are independent
    draws. Compact blocks of the section nearly are, so they are drawn with replacement, the same
    draws for every gene, repeat and method, and scores are computed again from sums kept per block
    (rank correlations without ranking again). Half-width is the standard deviation of the draws
    times Student's t. ``rmse``, ``gene_deviance_explained``, ``composition_variance``, ``ceiling``
    and Moran's I have no bounds (NaN), nor has the null, where chance lies in the permutation and
    not in the blocks. The interval speaks of this section; to compare methods
    in general, compare their means over several sections.
    """
    check_integer("n_draws", n_draws, low=2)
    names = list(dict.fromkeys(run.method for run in comparison.runs))
    if reference is not None:
        check_option("reference", reference, names)
    n_blocks = len(comparison.runs[0].scores.sums.n)
    weights = draw_weights(n_blocks, n_draws, check_seed(seed))
    draws = _draws(comparison.runs, weights)
    table = _means(comparison.scores)
    keys = list(zip(table["method"], table["null"], table["metric"], strict=True))
    reach = np.array([_reach(draws.get(key), n_blocks) for key in keys])
    table["low"], table["high"] = table["mean"] - reach, table["mean"] + reach
    if reference is not None:
        _add_differences(table, keys, draws, reference, n_blocks)
    return table if NULL in comparison.scores else table.drop(columns=NULL)


def _means(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean and median over genes, then the mean over repeats."""
    if NULL not in scores:
        scores = scores.assign(null=False)
    # Of a metric that exists per gene, the row of the section is the mean of the others.
    per_gene = scores.loc[scores["gene"] != ALL_GENES, "metric"].unique()
    single = scores[(scores["gene"] != ALL_GENES) | ~scores["metric"].isin(per_gene)]
    grouped = single.groupby([*_GROUPS, "repeat"], sort=False)["value"]
    by_repeat = grouped.agg(["mean", "median"])
    return by_repeat.groupby(list(_GROUPS), sort=False).mean().reset_index()


def _draws(runs: tuple[Run, ...], weights: NDArray[np.float64]) -> _Draws:
    """Drawn means of every method, by method, null and metric; mean over repeats."""
    found: dict[_Key, list[NDArray[np.float64]]] = {}
    for run in [run for run in runs if not run.null]:
        for metric, drawn in run.scores.sums.draws(weights).items():
            found.setdefault((run.method, run.null, metric), []).append(drawn)
    with warnings.catch_warnings():
        # A draw may leave out every spot of a hole, and even of all holes.
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
        return {key: np.nanmean(drawn, axis=0) for key, drawn in found.items()}


def _reach(drawn: NDArray[np.float64] | None, n_blocks: int) -> float:
    return float("nan") if drawn is None else reach_of(drawn, n_blocks)


def _add_differences(
    table: pd.DataFrame,
    keys: list[_Key],
    draws: _Draws,
    reference: str,
    n_blocks: int,
) -> None:
    """Add the difference to the reference, of the means and draw by draw."""
    mean = dict(zip(keys, table["mean"], strict=True))
    others = [(reference, null, metric) for _, null, metric in keys]
    gained = [mean[key] - mean.get(other, np.nan) for key, other in zip(keys, others, strict=True)]
    reach = [
        _reach(draws[key] - draws[other], n_blocks) if key in draws and other in draws else np.nan
        for key, other in zip(keys, others, strict=True)
    ]
    table["difference"] = gained
    table["difference_low"] = np.array(gained) - reach
    table["difference_high"] = np.array(gained) + reach
