"""From stored scores to what the evaluate page shows."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
import streamlit as st
from plotly import graph_objects as go

from stentrans.app import cache, maps, text
from stentrans.evaluation.judgement import Judgement
from stentrans.evaluation.metric_words import METRICS
from stentrans.evaluation.paired import Paired
from stentrans.evaluation.published import PUBLISHED, trained_on
from stentrans.figures.ranking import method_ranking
from stentrans.figures.scores import score_bars
from stentrans.figures.theme import theme
from stentrans.store import Run

RANKED: Final = ("depth_adjusted", "log_normalised", "deviance_explained", "spearman", "profile")
"""Metrics by which methods may be ranked; the others describe, or have no scores to trust."""
_CORRELATIONS: Final = ("log_normalised",)  # of which the ceiling is one, too
WORST: Final = 15


def run_of(section_id: str, settings: dict[str, object]) -> Run:
    """Return the run that compares methods as asked."""
    return Run.of("evaluate", section_id, **settings)  # type: ignore[arg-type]


def last_run(section_id: str) -> Run | None:
    """Return the comparison of a section that was looked at last, None where there is none."""
    found = cache.finished_runs(section_id, "evaluate")
    return found[0] if found else None


def strict_means(judgement: Judgement, metric: str) -> pd.DataFrame:
    """Return one row per method for `figures.ranking.method_ranking`, the best first."""
    rows = judgement.means[judgement.means["metric"] == metric].set_index("method")
    real, null = rows[~rows["null"]], rows[rows["null"]]
    frame = pd.DataFrame(
        {
            "mean": real["mean"],
            "low": real["low"],
            "high": real["high"],
            "null": null["mean"].reindex(real.index) if len(null) else np.nan,
        }
    )
    is_low_best = METRICS[metric].better == "lower"
    return _named(frame.sort_values("mean", ascending=is_low_best))


def published_means(judgement: Judgement) -> pd.DataFrame:
    """Return the published scores in the same form; empty where they were not asked for."""
    rows = judgement.means[judgement.means["protocol"] == PUBLISHED].set_index("method")
    frame = rows[["mean", "low", "high"]].assign(null=np.nan)
    return _named(frame.sort_values("mean", ascending=False))


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    names = [text.method_name(str(name)) for name in frame.index]
    return frame.assign(name=names, is_chosen=[name == "stentrans" for name in frame.index])


def ranking_figure(judgement: Judgement, metric: str) -> go.Figure:
    """Draw methods ranked on hidden spots."""
    ceiling = None
    if metric in _CORRELATIONS:
        rows = judgement.means[(judgement.means["metric"] == "ceiling") & ~judgement.means["null"]]
        ceiling = float(rows["mean"].mean())
    return method_ranking(
        strict_means(judgement, metric),
        axis=METRICS[metric].title.lower() + ", hidden spots",
        ceiling=ceiling,
        colours=theme(dark=maps.is_dark()),
    )


def published_figure(judgement: Judgement) -> go.Figure:
    """Draw the published scores."""
    return method_ranking(
        published_means(judgement),
        axis="correlation of raw counts, seen spots too",
        ceiling=None,
        colours=theme(dark=maps.is_dark()),
    )


def trained_sentence(judgement: Judgement) -> str:
    """Say what each method learned from under the published protocol."""
    by_source: dict[str, list[str]] = {}
    for method in judgement.methods:
        by_source.setdefault(trained_on(method), []).append(text.method_name(method))
    told = (f"{source}: {', '.join(names)}" for source, names in by_source.items())
    return f"Learned from {'; '.join(told)}."


def best_gene(judgement: Judgement) -> str:
    """Return the gene that the first method knows best, beyond what depth explains."""
    return str(judgement.of_metric("depth_adjusted").iloc[:, 0].idxmax())


def metric_table(judgement: Judgement) -> pd.DataFrame:
    """Return all metrics: a row each with its meaning, a column per method, bounds behind ±."""
    rows = {}
    real = judgement.means[~judgement.means["null"]]
    for metric, words in METRICS.items():
        of_metric = real[real["metric"] == metric]
        if len(of_metric):
            told = of_metric[["method", "mean", "high"]].itertuples(index=False)
            cells = {text.method_name(name): _cell(mean, high) for name, mean, high in told}
            rows[words.title] = {"What this means": words.meaning, **cells}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("Metric")


def _cell(mean: float, high: float) -> str:
    return f"{mean:.3f}" + ("" if np.isnan(high) else f" ± {high - mean:.3f}")


def worst_genes(judgement: Judgement, method: str) -> pd.DataFrame:
    """Return the genes furthest below what counting noise allows, the worst first."""
    frame = pd.DataFrame(
        {
            "correlation": judgement.of_metric("log_normalised")[method],
            "noise ceiling": judgement.of_metric("ceiling")[method],
            "linear": judgement.of_metric("log_normalised").get("linear"),
        }
    ).dropna(axis=1, how="all")
    lost = (frame["noise ceiling"] - frame["correlation"]).sort_values(ascending=False)
    return frame.loc[lost.index[:WORST]].rename_axis("gene")


def gene_table(judgement: Judgement, gene: str) -> pd.DataFrame:
    """Return the scores of one gene, a row per metric in the order of importance."""
    scores = judgement.of_gene(gene)
    kept = [metric for metric in METRICS if metric in scores.index]
    frame = scores.loc[kept].rename(index={m: METRICS[m].title for m in kept})
    named = frame.rename(columns={name: text.method_name(name) for name in judgement.methods})
    return named.rename_axis("Metric")


def gene_figure(judgement: Judgement, gene: str) -> go.Figure:
    """Draw the correlation of one gene for every method, and the noise ceiling."""
    row = judgement.of_metric("log_normalised").loc[gene]
    frame = pd.DataFrame(
        {
            "name": [text.method_name(name) for name in judgement.methods],
            "value": row.to_numpy(),
            "is_chosen": [name == "stentrans" for name in judgement.methods],
        }
    )
    ceiling = float(np.nanmean(judgement.of_metric("ceiling").loc[gene].to_numpy()))
    return score_bars(
        frame.dropna(),
        ceiling=None if np.isnan(ceiling) else ceiling,
        colours=theme(dark=maps.is_dark()),
    )


def difference_sentence(judgement: Judgement, a: str, b: str, metric: str) -> str:
    """Say whether one method is better than another beyond chance."""
    rows = judgement.differences
    is_asked = (rows["method"] == a) & (rows["reference"] == b) & (rows["metric"] == metric)
    row = rows[is_asked].iloc[0]
    return compared(
        text.method_name(a),
        text.method_name(b),
        METRICS[metric].title.lower(),
        float(row["difference"]),
        float(row["difference_high"] - row["difference"]),
    )


def compared(a: str, b: str, what: str, difference: float, reach: float) -> str:
    """Say how two means compare, and whether the interval leaves out 0."""
    if np.isnan(reach):
        return f"**{a}** minus **{b}**, {what}: {difference:+.3f}, without a known interval."
    words = f"**{a}** minus **{b}**, {what}: {difference:+.3f} ± {reach:.3f}."
    if abs(difference) <= reach:
        return f"{words} That may be chance: no difference is shown on this section."
    better, worse = (a, b) if difference > 0 else (b, a)
    return f"{words} On this section, {better} is better than {worse} beyond chance."


def tested_runs(section_id: str) -> dict[str, Run]:
    """Return the enhancements of a section that were tested on hidden spots, by a name."""
    found: dict[str, Run] = {}
    for run in cache.finished_runs(section_id, "holdout"):
        found.setdefault(run_name(run), run)
    return found


def run_name(run: Run) -> str:
    """Name a run by what distinguishes it."""
    settings = ", ".join(f"{name} {value}" for name, value in run.settings)
    parts = [text.method_name(run.method), *([settings] if settings else []), f"seed {run.seed}"]
    return ", ".join(parts)


@st.cache_data(show_spinner="Comparing the two runs …", max_entries=8)
def paired_runs(section_id: str, a: Run, b: Run) -> Paired:
    """Compare two tests on hidden spots."""
    from stentrans.evaluation.paired import paired

    return paired(cache.section(section_id), cache.result(a), cache.result(b))
