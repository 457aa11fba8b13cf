"""Scores of methods as the command line prints them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from stentrans.evaluation.protocols import PROTOCOLS
from stentrans.evaluation.published import ABOUT, PUBLISHED

_NULL = "null"
_SPREAD = "composition_variance"
_OF_TRUTH = ("ceiling", "morans_i_true")  # the same in the null


def describe_scores(summary: pd.DataFrame, *, repeats: int, reference: str | None = None) -> str:
    """Say what was scored and how well: a row per metric, a column per method.

    Parameters
    ----------
    summary
        From `stentrans.evaluation.summarise`; left as it was.
    repeats
        Hold-outs that were scored.
    reference
        The method that the summary compares the others with, if any.
    """
    return "\n\n".join(_parts(summary, repeats, reference))


def _parts(summary: pd.DataFrame, repeats: int, reference: str | None) -> Iterator[str]:
    """One paragraph or table after the other."""
    protocol = str(summary["protocol"].iloc[0])
    if protocol == PUBLISHED:
        yield f"{protocol}: {ABOUT}."
    else:
        times = "1 hold-out" if repeats == 1 else f"{repeats} hold-outs"
        yield f"{protocol}: {PROTOCOLS[protocol]}. {times}; only what was hidden is scored."
    yield "Means over genes, or one number of the section [95 % interval over its blocks]."
    is_null = summary[_NULL] if _NULL in summary else np.zeros(len(summary), bool)
    real = summary[~is_null]
    yield _table(real, "mean", "low", "high")
    if reference is not None:
        others = real[(real["method"] != reference) & real["difference_low"].notna()]
        if len(others):
            yield f"Minus {reference}, on the same draws of blocks:"
            yield _table(others, "difference", "difference_low", "difference_high")
    if _NULL in summary:
        yield "Null: the kept spots at each other's positions, where nothing can be found."
        told = summary[is_null & ~summary["metric"].isin(_OF_TRUTH)]
        yield _table(told, "mean", "low", "high")
        yield _left_in_null(summary)


def _table(rows: pd.DataFrame, value: str, low: str, high: str) -> str:
    """Lay values out, metrics down and methods across, with bounds where they are known."""
    bounds = [
        "" if np.isnan(low) else f" [{low:.3f}, {high:.3f}]"
        for low, high in zip(rows[low], rows[high], strict=True)
    ]
    cells = rows[value].map("{:.3f}".format) + pd.Series(bounds, index=rows.index)
    named = rows.assign(cell=cells).pivot_table(
        index="metric", columns="method", values="cell", aggfunc="first", sort=False
    )
    header = ["metric", *named.columns]
    lines = [
        header,
        *([metric, *row] for metric, row in zip(named.index, named.values, strict=True)),
    ]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    padded = (
        "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True))
        for line in lines
    )
    return "\n".join(line.rstrip() for line in padded)


def _left_in_null(summary: pd.DataFrame) -> str:
    """Share of the predicted variance that a method shows where there is nothing to find."""
    spread = summary[summary["metric"] == _SPREAD]
    wide = spread.pivot_table(index="method", columns=_NULL, values="mean", sort=False)
    shares = [
        f"{method} {null / real:.1%}" if real > 0 else f"{method} none at all"
        for method, real, null in zip(wide.index, wide[False], wide[True], strict=True)
    ]
    return f"Predicted variance of composition that is left in the null: {', '.join(shares)}."
