"""Methods judged on one section: strict and published side by side, saved and loaded again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stentrans.errors import ParameterError, StoreError
from stentrans.evaluation.parts import part_of
from stentrans.evaluation.preparation import without_poor_spots
from stentrans.evaluation.protocols import DEFAULT_REPEATS, PROTOCOLS, hidden_masks
from stentrans.evaluation.published import PUBLISHED
from stentrans.evaluation.report import DEFAULT_METHODS, NULL, Comparison, compare
from stentrans.evaluation.summary import summarise
from stentrans.export import DAMAGED, read_arrays
from stentrans.methods.base import OnProgress, Progress, report
from stentrans.section.check import MIN_SPOTS
from stentrans.validate import check_names, check_option

if TYPE_CHECKING:
    from anndata import AnnData

_ABOUT, _VALUES = "judgement.json", "per_gene.npz"
_MEANS, _DIFFERENCES = "means.csv", "differences.csv"
HIDING: Final = tuple(name for name in PROTOCOLS if name != "counts")
"""Protocols that hide spots, and so have a null."""


@dataclass(frozen=True, eq=False)
class Judgement:
    """How well methods know what was hidden from them, and how they score as published.

    Parameters
    ----------
    methods, metrics, genes
        Names along the axes of ``per_gene``; ``genes`` as in the section, those that were scored.
    per_gene
        Score of every method, metric and gene, mean over hold-outs, float32, shape
        ``(n_methods, n_metrics, n_genes)``; NaN where it was not scored.
    means
        As from `stentrans.evaluation.summarise`, the published protocol's rows included.
    differences
        One row per method, other method and metric: ``method``, ``reference``, ``metric``,
        ``difference`` of the means and its bounds ``difference_low`` and ``difference_high``.
    about
        What was asked: protocol, repeats, null, seed; and ``n_left_out`` spots.
    """

    methods: tuple[str, ...]
    metrics: tuple[str, ...]
    genes: pd.Index
    per_gene: NDArray[np.float32]
    means: pd.DataFrame
    differences: pd.DataFrame
    about: dict[str, Any]

    @property
    def summary(self) -> dict[str, float]:
        """Mean depth-adjusted correlation of every method, by name."""
        kept = self.means[(self.means["metric"] == "depth_adjusted") & ~self.means[NULL]]
        return dict(zip(kept["method"], kept["mean"].astype(float), strict=True))

    def of_metric(self, metric: str) -> pd.DataFrame:
        """Scores of one metric: a row per gene, a column per method.

        Raises MissingKeyError for a metric that has no scores per gene.
        """
        check_names("metric", [metric], self.metrics)
        values = self.per_gene[:, self.metrics.index(metric)]
        return pd.DataFrame(values.T, index=self.genes, columns=list(self.methods))

    def of_gene(self, gene: str) -> pd.DataFrame:
        """Scores of one gene: a row per metric, a column per method.

        Raises MissingKeyError for a gene that was not scored.
        """
        check_names("gene", [gene], self.genes)
        values = self.per_gene[:, :, self.genes.get_loc(gene)]
        return pd.DataFrame(values.T, index=list(self.metrics), columns=list(self.methods))

    def table(self) -> pd.DataFrame:
        """All scores per gene, wide: a row per gene, columns ``method: metric``."""
        parts = [
            pd.DataFrame(self.per_gene[i].T, self.genes, [f"{name}: {m}" for m in self.metrics])
            for i, name in enumerate(self.methods)
        ]
        return pd.concat(parts, axis=1).dropna(axis=1, how="all")

    def save(self, folder: str | Path) -> None:
        """Save into a new or empty folder; `load` is the inverse."""
        target = Path(folder)
        about = {
            "methods": self.methods,
            "metrics": self.metrics,
            "genes": list(self.genes),
            "about": self.about,
        }
        try:
            target.mkdir(parents=True, exist_ok=True)
            np.savez(target / _VALUES, per_gene=self.per_gene)
            self.means.to_csv(target / _MEANS, index=False)
            self.differences.to_csv(target / _DIFFERENCES, index=False)
            (target / _ABOUT).write_text(json.dumps(about), encoding="utf-8")
        except OSError as error:
            raise StoreError(
                f"The scores could not be saved in {target} ({error.strerror or error}). Choose "
                "another folder or free some space."
            ) from error

    @classmethod
    def load(cls, folder: str | Path) -> Judgement:
        """Load what `save` wrote; raises StoreError if something is missing or damaged."""
        source = Path(folder)
        try:
            told = json.loads((source / _ABOUT).read_text(encoding="utf-8"))
            return cls(
                methods=tuple(told["methods"]),
                metrics=tuple(told["metrics"]),
                genes=pd.Index(told["genes"]),
                per_gene=read_arrays(source / _VALUES)["per_gene"],
                means=pd.read_csv(source / _MEANS),
                differences=pd.read_csv(source / _DIFFERENCES),
                about=dict(told["about"]),
            )
        except DAMAGED as error:
            raise StoreError(
                f"{source} must hold complete saved scores; they could not be read ({error}). "
                "Run the evaluation again."
            ) from error


def judge(
    section: AnnData,
    *,
    methods: Sequence[str] = DEFAULT_METHODS,
    protocol: str = "thinning",
    repeats: int | None = None,
    null: bool = True,
    published: bool = True,
    seed: int = 0,
    device: str = "auto",
    on_progress: OnProgress | None = None,
) -> Judgement:
    """Score methods strictly, and beside that as published.

    Parameters
    ----------
    section, methods
        As for `stentrans.evaluation.compare`.
    protocol
        A strict protocol that hides spots: ``"thinning"``, ``"scattered"`` or ``"holes"``.
    repeats
        As for `stentrans.evaluation.compare`.
    null
        Also with the kept spots at each other's positions, where there is nothing to find.
    published
        Also by the published protocol, which trains and scores on the same pair.
    seed, device, on_progress
        As for `stentrans.evaluation.compare`.

    Raises
    ------
    ParameterError, SectionFormatError, Cancelled
        As for `stentrans.evaluation.compare`.
    """
    check_option("protocol", protocol, HIDING)
    if not methods:
        raise ParameterError("At least one method must be named; none is.")
    if published:
        _check_quarter(section)
    times = DEFAULT_REPEATS[protocol] if repeats is None else repeats
    fits = len(methods) * times * (2 if null else 1)
    strict_share = fits / (fits + (len(methods) if published else 0))
    common: dict[str, Any] = {"methods": methods, "seed": seed, "device": device}
    strict = compare(
        section,
        **common,
        protocol=protocol,  # type: ignore[arg-type]  # checked just above
        repeats=repeats,
        null=null,
        on_progress=part_of(on_progress, "strict", start=0.0, share=strict_share),
    )
    parts = [strict]
    if published:
        listen = part_of(on_progress, PUBLISHED, start=strict_share, share=1 - strict_share)
        parts.append(compare(section, **common, protocol="published", on_progress=listen))
    metrics = list(dict.fromkeys(m for part in parts for m in part.runs[0].scores.per_gene))
    genes, per_gene = score_cube(parts, list(methods), metrics, section.var_names)
    about = {
        "protocol": protocol,
        "repeats": times,
        "null": null,
        "published": published,
        "seed": seed,
        "n_left_out": strict.n_left_out,
    }
    report(on_progress, Progress("done", 1.0))
    return Judgement(
        methods=tuple(methods),
        metrics=tuple(metrics),
        genes=genes,
        per_gene=per_gene,
        means=pd.concat([means_of(part, seed) for part in parts], ignore_index=True),
        differences=differences_of(strict, methods, seed),
        about=about,
    )


def _check_quarter(section: AnnData) -> None:
    """Refuse a section whose thinned quarter is too small, before anything is computed."""
    _, lattice, _ = without_poor_spots(section)
    (is_hidden,) = hidden_masks(lattice, "thinning", 1, 0)
    left = int((~is_hidden).sum())
    if left < MIN_SPOTS:
        raise ParameterError(
            f"The published protocol needs at least {MIN_SPOTS} spots on every second lattice "
            f"line; this section has {left}. Leave it out."
        )


def score_cube(
    parts: Iterable[Comparison], methods: list[str], metrics: list[str], names: pd.Index
) -> tuple[pd.Index, NDArray[np.float32]]:
    """Mean over hold-outs of every real score; genes that were scored at least once."""
    total = np.zeros((len(methods), len(metrics), len(names)))
    times = np.zeros_like(total)
    for run in (run for part in parts for run in part.runs if not run.null):
        row = methods.index(run.method)
        for metric, values in run.scores.per_gene.items():
            column = metrics.index(metric)
            total[row, column, run.genes] += values
            times[row, column, run.genes] += 1
    scored = np.flatnonzero((times > 0).any(axis=(0, 1)))
    mean = np.divide(total, times, out=np.full_like(total, np.nan), where=times > 0)
    return names[scored], mean[:, :, scored].astype(np.float32)


def means_of(part: Comparison, seed: int) -> pd.DataFrame:
    """Summary with a column null, also where nothing was permuted."""
    table = summarise(part, seed=seed)
    return table if NULL in table else table.assign(**{NULL: False})


def differences_of(strict: Comparison, methods: Sequence[str], seed: int) -> pd.DataFrame:
    """Every method minus every other one, with bounds from the same draws of blocks."""
    columns = ["method", "reference", "metric", "difference", "difference_low", "difference_high"]
    tables = []
    for reference in methods:
        table = summarise(strict, reference=reference, seed=seed).assign(reference=reference)
        kept = table["method"] != reference
        if NULL in table:
            kept &= ~table[NULL].astype(bool)
        tables.append(table[kept][columns])
    return pd.concat(tables, ignore_index=True)
