"""Scores of methods as the command line prints them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from stentrans.evaluation.metric_words import METRICS
from stentrans.evaluation.protocols import PROTOCOLS
from stentrans.evaluation.published import ABOUT, PUBLISHED, trained_on

_NULL = "null"
_SPREAD = "composition_variance"
_OF_TRUTH = ("ceiling", "morans_i_true")  # the same in the null
_WIDTH = 100
_GAP = "  "


def describe_scores(
    summary: pd.DataFrame, *, repeats: int, n_left_out: int = 0, reference: str | None = None
) -> str:
    """Say what was scored and how well: a row per method, a column per metric.

    Parameters
    ----------
    summary
        From `stentrans.evaluation.summarise`; left as it was.
    repeats
        Hold-outs that were scored.
    n_left_out
        Spots that were too poor to be scored.
    reference
        The method that the summary compares the others with, if any.
    """
    return "\n\n".join(_parts(summary, repeats, n_left_out, reference))


def _parts(
    summary: pd.DataFrame, repeats: int, n_left_out: int, reference: str | None
) -> Iterator[str]:
    """One paragraph or table after the other."""
    yield _heading(summary, repeats, n_left_out)
    is_null = summary[_NULL] if _NULL in summary else np.zeros(len(summary), bool)
    real = summary[~is_null]
    yield _table(real, "mean", "low")
    yield _glosses(real["metric"].unique())
    if reference is not None:
        others = real[real["method"] != reference]
        bounded = others["difference_low"].notna()
        if len(others):
            yield f"Minus {reference}, on the same spots:"
            # Under the published protocol nothing has bounds.
            shown = others[bounded] if bounded.any() else others
            yield _table(shown, "difference", "difference_low")
    if _NULL in summary:
        yield "Null: the kept spots at each other's positions, where nothing can be found."
        told = summary[is_null & ~summary["metric"].isin(_OF_TRUTH)]
        yield _table(told, "mean", "low")
        yield _left_in_null(summary)


def _heading(summary: pd.DataFrame, repeats: int, n_left_out: int) -> str:
    """Say what was hidden, what was left out, and what the numbers are."""
    protocol = str(summary["protocol"].iloc[0])
    lines = []
    if protocol == PUBLISHED:
        lines += [f"{protocol}: {ABOUT}.", _trained_on(summary["method"].unique())]
        numbers = "Means over genes, without bounds: no measure of unseen spots."
    else:
        times = "1 hold-out" if repeats == 1 else f"{repeats} hold-outs"
        lines.append(f"{protocol}: {PROTOCOLS[protocol]}. {times}; only what was hidden is scored.")
        over = "blocks and holes, the wider" if protocol == "holes" else "blocks of the section"
        numbers = f"Means over genes, or one number of the section; ±: 95 % interval over {over}."
    if n_left_out:
        some = "1 spot that shows" if n_left_out == 1 else f"{n_left_out} spots that show"
        lines.append(
            f"Left out: {some} fewer than 20 genes (of a small panel, fewer than a tenth)."
        )
    return "\n".join([*lines, numbers])


def _trained_on(methods: Iterable[str]) -> str:
    """Say what each method learned from under the published protocol."""
    by_source: dict[str, list[str]] = {}
    for method in methods:
        by_source.setdefault(trained_on(method), []).append(method)
    told = (f"{source}: {', '.join(names)}" for source, names in by_source.items())
    return f"Trained on {'; '.join(told)}."


def _table(rows: pd.DataFrame, value: str, low: str) -> str:
    """Lay values out, methods down and metrics across, in as many tables as the width asks for."""
    bounds = ["" if np.isnan(reach) else f" ±{reach:.3f}" for reach in rows[value] - rows[low]]
    cells = rows[value].map("{:.3f}".format) + pd.Series(bounds, index=rows.index)
    named = rows.assign(cell=cells).pivot_table(
        index="method", columns="metric", values="cell", aggfunc="first", sort=False
    )
    first = _padded(["method", *named.index])
    tables, lines = [], first
    for metric in named:
        column = _padded([str(metric), *named[metric].fillna("")])
        wider = [_GAP.join(pair) for pair in zip(lines, column, strict=True)]
        if len(wider[0]) > _WIDTH and lines is not first:
            tables.append(lines)
            wider = [_GAP.join(pair) for pair in zip(first, column, strict=True)]
        lines = wider
    return "\n\n".join("\n".join(line.rstrip() for line in part) for part in [*tables, lines])


def _padded(cells: list[str]) -> list[str]:
    """Give cells of one column one width."""
    width = max(map(len, cells))
    return [f"{cell:<{width}}" for cell in cells]


def _glosses(metrics: Iterable[str]) -> str:
    """Say of each metric what it is and which way is better, a line each."""
    names = _padded(list(metrics))
    return "\n".join(f"{name}{_GAP}{METRICS[name.strip()].meaning}" for name in names)


def _left_in_null(summary: pd.DataFrame) -> str:
    """Share of the predicted variance that a method shows where there is nothing to find."""
    spread = summary[summary["metric"] == _SPREAD]
    wide = spread.pivot_table(index="method", columns=_NULL, values="mean", sort=False)
    shares = [
        f"{method} {null / real:.1%}" if real > 0 else f"{method} none at all"
        for method, real, null in zip(wide.index, wide[False], wide[True], strict=True)
    ]
    return f"Predicted variance of composition that is left in the null: {', '.join(shares)}."
