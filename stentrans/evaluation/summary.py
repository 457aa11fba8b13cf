"""One row per method and metric: mean, median, and how far the mean could move."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stentrans.evaluation.bootstrap import N_DRAWS, draw_weights, reach_of, reach_of_mean
from stentrans.evaluation.protocols import LIKE_HOLES
from stentrans.evaluation.report import ALL_GENES, NULL, Comparison, Run
from stentrans.validate import check_integer, check_option, check_seed

NO_REFERENCE = ""
_GROUPS = ("method", "protocol", "null", "metric")
_Key: TypeAlias = tuple[str, str]  # method, metric
_ByKey: TypeAlias = Mapping[_Key, NDArray[np.float64]]


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
    times Student's t. Holes differ by more than blocks that are cut across all of them: for the
    protocol ``holes`` with several repeats, half-width is the standard error of the mean over
    holes times Student's t where that is wider. ``rmse``, ``gene_deviance_explained``,
    ``composition_variance``, ``ceiling`` and Moran's I have no bounds (NaN), nor has the published
    protocol, nor the null, where chance lies in the permutation and not in the blocks. The
    interval speaks of this section; to compare methods in general, compare their means over
    several sections.
    """
    names = list(dict.fromkeys(run.method for run in comparison.runs))
    if reference is not None:
        check_option("reference", reference, names)
    asked = () if reference is None else (reference,)
    return _summaries(comparison, asked, n_draws, seed)[reference or NO_REFERENCE]


def summaries(comparison: Comparison, *, seed: int = 0) -> dict[str, pd.DataFrame]:
    """Summarise as `summarise` does, without a reference ("") and against every method.

    The draws of blocks are made once.
    """
    names = tuple(dict.fromkeys(run.method for run in comparison.runs))
    return _summaries(comparison, names, N_DRAWS, seed)


def _summaries(
    comparison: Comparison, references: Sequence[str], n_draws: int, seed: int
) -> dict[str, pd.DataFrame]:
    """One table without a reference and one for each."""
    check_integer("n_draws", n_draws, low=2)
    real = [run for run in comparison.runs if not run.null]
    n_blocks = len(real[0].scores.sums.n)
    weights = draw_weights(n_blocks, n_draws, check_seed(seed))
    by_repeat = _by_repeat(comparison.scores)
    spread = _Spread(_draws(real, weights), _over_holes(by_repeat), n_blocks)
    plain = by_repeat.groupby(level=list(_GROUPS), sort=False).mean().reset_index()
    reach = _reaches(plain, spread)
    plain["low"], plain["high"] = plain["mean"] - reach, plain["mean"] + reach
    tables = {NO_REFERENCE: plain}
    for reference in references:
        tables[reference] = plain.copy()
        _add_differences(tables[reference], spread, reference)
    if NULL in comparison.scores:
        return tables
    return {name: table.drop(columns=NULL) for name, table in tables.items()}


@dataclass(frozen=True)
class _Spread:
    """How far the real scores could move: by draws of blocks, and from hole to hole."""

    draws: _ByKey
    over_holes: _ByKey
    n_blocks: int

    def reach(self, key: _Key, other: _Key | None = None) -> float:
        """Half-width of the mean, or of its difference to another; NaN where not known."""
        if key not in self.draws or (other is not None and other not in self.draws):
            return float("nan")
        of_blocks = reach_of(_minus(self.draws, key, other), self.n_blocks)
        if key not in self.over_holes:
            return of_blocks
        # Not NaN where only one of them is.
        return float(np.fmax(of_blocks, reach_of_mean(_minus(self.over_holes, key, other))))


def _minus(values: _ByKey, key: _Key, other: _Key | None) -> NDArray[np.float64]:
    """Values of one key, those of the other taken away if there is one."""
    return values[key] if other is None else values[key] - values[other]


def _by_repeat(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean and median over genes of every repeat, by `_GROUPS` and repeat."""
    if NULL not in scores:
        scores = scores.assign(null=False)
    # Of a metric that exists per gene, the row of the section is the mean of the others.
    per_gene = scores.loc[scores["gene"] != ALL_GENES, "metric"].unique()
    single = scores[(scores["gene"] != ALL_GENES) | ~scores["metric"].isin(per_gene)]
    return single.groupby([*_GROUPS, "repeat"], sort=False)["value"].agg(["mean", "median"])


def _draws(runs: list[Run], weights: NDArray[np.float64]) -> _ByKey:
    """Drawn means of every method and metric, mean over repeats."""
    found: dict[_Key, list[NDArray[np.float64]]] = {}
    for run in runs:
        for metric, drawn in run.scores.sums.draws(weights).items():
            found.setdefault((run.method, metric), []).append(drawn)
    with warnings.catch_warnings():
        # A draw may leave out every spot of a hole, and even of all holes.
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
        return {key: np.nanmean(drawn, axis=0) for key, drawn in found.items()}


def _over_holes(by_repeat: pd.DataFrame) -> _ByKey:
    """Real score of every hole by method and metric; nothing for other protocols or one hole."""
    flat = by_repeat["mean"].reset_index()
    flat = flat[flat["protocol"].isin(("holes", LIKE_HOLES)) & ~flat["null"]].sort_values("repeat")
    if flat["repeat"].nunique() < 2:
        return {}
    return {
        (str(method), str(metric)): rows["mean"].to_numpy()
        for (method, metric), rows in flat.groupby(["method", "metric"])
    }


def _reaches(
    table: pd.DataFrame, spread: _Spread, reference: str | None = None
) -> NDArray[np.float64]:
    """Half-width for every row, of the mean or of its difference to the reference."""
    found = []
    for method, metric, is_null in table[["method", "metric", "null"]].itertuples(index=False):
        other = None if reference is None else (reference, metric)
        found.append(np.nan if is_null else spread.reach((method, metric), other))
    return np.array(found)


def _add_differences(table: pd.DataFrame, spread: _Spread, reference: str) -> None:
    """Add the difference to the reference, of the means and draw by draw."""
    of_reference = table[table["method"] == reference].set_index(["metric", "null"])["mean"]
    others = of_reference.reindex(pd.MultiIndex.from_frame(table[["metric", "null"]]))
    gained = table["mean"].to_numpy() - others.to_numpy()
    reach = _reaches(table, spread, reference)
    table["difference"] = gained
    table["difference_low"], table["difference_high"] = gained - reach, gained + reach
