"""The command that writes tables of patterns: measured, and with an enhancement."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

import stentrans
from stentrans.evaluation.holdout import hidden_folds
from stentrans.evaluation.parts import part_of
from stentrans.methods.base import Progress, report
from stentrans.patterns import variable_genes
from stentrans.patterns.findings import listed
from stentrans.patterns.gene_sets import match, read_gmt, sets_of
from stentrans.patterns.lists import beside, gene_list, list_names, pathways_of
from stentrans.patterns.measured import enhanced_patterns, measured_patterns
from stentrans.patterns.pathways import ENRICHED_COLUMNS, enriched
from stentrans.patterns.replicate import replicated
from stentrans.patterns.verdicts import with_verdict
from stentrans.section import is_simulated

if TYPE_CHECKING:
    from anndata import AnnData

    from stentrans.methods.base import OnProgress
    from stentrans.patterns.tables import Tables


def write_patterns(
    section: AnnData, arguments: Namespace, other: AnnData | None, on_progress: OnProgress
) -> list[str]:
    """Find patterns, write their tables, and return what was found in lines.

    Parameters
    ----------
    section
        Where to look.
    arguments
        ``gene_sets`` (a GMT file or None), ``ranked``, ``domains``, ``enhance``, ``method``,
        ``seed`` and ``out_dir`` of the command.
    other
        An adjacent section, None without one.
    on_progress
        Gets a `Progress` now and then; returning False cancels.
    """
    sets, lines = _gene_sets(section, arguments.gene_sets)
    share = 0.1 if arguments.enhance else 1.0
    found = measured_patterns(
        section,
        n_domains=arguments.domains,
        seed=arguments.seed,
        on_progress=part_of(on_progress, "measured", start=0.0, share=share / 2),
    )
    genes = found["genes"]
    sure = list(genes.loc[genes["q_value"] < 0.05, "gene"])
    if sets:
        found.frames["pathways"] = _pathways(
            section,
            found,
            sets,
            arguments,
            part_of(on_progress, "pathways", start=share / 2, share=share / 2),
        )
    _write(found, arguments.out_dir)
    lines.append(f"{len(sure)} of {genes['p_value'].notna().sum()} tested genes vary in space.")
    lines.append(
        f"{found['spots']['domain'].max()} domains, {int(found['modules']['module'].max() or 0)} "
        "modules of genes."
        if len(found["modules"])
        else f"{found['spots']['domain'].max()} domains; too few genes vary for modules."
    )
    if arguments.enhance:
        genes, told = _enhanced(section, sets, arguments, on_progress)
        lines += told
    if other is not None:
        table = replicated(genes, variable_genes(other, seed=arguments.seed))
        table.to_csv(arguments.out_dir / "replicated.csv", index=False)
        lines.append(table.to_string(index=False))
    return lines


def _pathways(
    section: AnnData,
    found: Tables,
    sets: Mapping[str, tuple[str, ...]],
    arguments: Namespace,
    on_progress: OnProgress,
) -> pd.DataFrame:
    """Sets that each list is rich in, and with ``ranked`` where they stand in its ranking."""
    names, parts = list_names(found), []
    for i, which in enumerate(names):
        asked = gene_list(section, found, which)
        told = part_of(on_progress, which, start=i / len(names), share=1 / len(names))
        report(told, Progress("comparing with the gene sets", 0.0))
        if arguments.ranked:
            table = beside(pathways_of(asked, sets, seed=arguments.seed, on_progress=told))
        elif asked.genes:
            table = enriched(asked.genes, sets, asked.background)
        else:
            continue
        table.insert(0, "list", which)
        parts.append(table)
    if not parts:
        return pd.DataFrame(columns=["list", *ENRICHED_COLUMNS])
    return pd.concat(parts, ignore_index=True)


def _enhanced(
    section: AnnData,
    sets: Mapping[str, tuple[str, ...]],
    arguments: Namespace,
    on_progress: OnProgress,
) -> tuple[pd.DataFrame, list[str]]:
    """Enhance, test on hidden spots, compare before and after."""
    options = {"method": arguments.method, "seed": arguments.seed}

    def told(title: str, start: float, share: float) -> OnProgress:
        return part_of(on_progress, title, start=start, share=share)

    enhancement = stentrans.enhance(section, **options, on_progress=told("enhancing", 0.1, 0.1))
    held_out = hidden_folds(section, **options, on_progress=told("hidden spots", 0.2, 0.3))
    found = enhanced_patterns(
        section,
        enhancement,
        held_out,
        gene_sets=dict(sets),
        n_domains=arguments.domains,
        seed=arguments.seed,
        on_progress=told("before and after", 0.5, 0.5),
    )
    for kind in ("genes", "domains", "modules", "pathways"):
        found.frames[kind] = with_verdict(found[kind], kind)
    _write(found, arguments.out_dir / "enhanced")
    genes = found["genes"]
    new = [gene for gene in listed(genes, "supported") if gene not in listed(genes, "measured")]
    return genes, [
        found["counted"].to_string(index=False),
        f"New, borne out by hidden spots: {', '.join(new[:20])}{' …' if len(new) > 20 else ''}",
    ]


def _gene_sets(
    section: AnnData, path: Path | None
) -> tuple[Mapping[str, tuple[str, ...]], list[str]]:
    """Sets in the names of the section, and how they were matched."""
    if path is None and not is_simulated(section):
        return {}, []
    found = match(sets_of(section) if path is None else read_gmt(path), section)
    return found.sets, [f"{found.source}: {found.sentence}"]


def _write(tables: Tables, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in tables.frames.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
