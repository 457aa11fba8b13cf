"""What is known of a section, for work that needs more than its counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stentrans.errors import StoreError
from stentrans.jobs.kinds import load
from stentrans.section import is_simulated
from stentrans.store import Run, Store

if TYPE_CHECKING:
    from anndata import AnnData

    from stentrans.enhancement import Enhancement
    from stentrans.evaluation.holdout import HeldOut
    from stentrans.patterns.tables import Tables


@dataclass(frozen=True)
class Evidence:
    """What is known of a section.

    Parameters
    ----------
    section
        Its counts.
    enhancement, held_out
        Of one method.
    gene_sets
        Symbols of each set in the names of the section: those that were named, else those that
        a simulated section brings along, else none.
    """

    section: AnnData
    enhancement: Enhancement
    held_out: HeldOut
    gene_sets: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Lists:
    """What was found in a section, and where it is looked for.

    Parameters
    ----------
    section
        Its counts.
    found
        Tables of its patterns; None where a region of spots is asked.
    gene_sets
        As in `Evidence`.
    other
        Another section to look in, None without one.
    """

    section: AnnData
    found: Tables | None
    gene_sets: Mapping[str, tuple[str, ...]]
    other: AnnData | None


def evidence_of(run: Run, store: Store) -> Evidence:
    """Read what the settings of a run name: ``source``, a run, and ``gene_sets``, a kept file.

    Raises
    ------
    StoreError
        If the run or its test on hidden spots is not in the store.
    """
    told = dict(run.settings)
    source = store.run(str(told.get("source", "")))
    if source is None or not store.has("runs", source.holdout().id):
        raise StoreError(
            "This work goes on from an enhancement and its test on hidden spots; they are not both "
            "in the store. Enhance the section and test it again."
        )
    section = store.section(run.section)
    return Evidence(
        section,
        load(source, store.open("runs", source.id)),
        load(source.holdout(), store.open("runs", source.holdout().id)),
        _gene_sets(section, str(told.get("gene_sets", "")), store),
    )


def lists_of(run: Run, store: Store) -> Lists:
    """Read what the settings of a run name: ``source``, ``gene_sets`` and ``other``, a section.

    Raises
    ------
    StoreError
        If one of them is named and not in the store.
    """
    told = dict(run.settings)
    section, name = store.section(run.section), str(told.get("source", ""))
    source = store.run(name) if name else None
    if name and source is None:
        raise StoreError(
            "This work goes on from the patterns of the section; they are not in the store any "
            "more. Look for patterns again."
        )
    return Lists(
        section,
        None if source is None else load(source, store.open("runs", source.id)),
        _gene_sets(section, str(told.get("gene_sets", "")), store),
        store.section(str(told["other"])) if "other" in told else None,
    )


def _gene_sets(section: AnnData, name: str, store: Store) -> Mapping[str, tuple[str, ...]]:
    from stentrans.patterns.gene_sets import match, sets_of
    from stentrans.patterns.kept_sets import kept_sets

    if name:
        return match(kept_sets(name, store.folder), section).sets
    return match(sets_of(section), section).sets if is_simulated(section) else {}
