"""Unique spot names and gene symbols, with ids kept beside them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

import pandas as pd

from stentrans.keys import GENE_IDS
from stentrans.section.notes import Note

ENSEMBL: Final = re.compile(r"^ENS[A-Z]{0,6}G\d{6,}(\.\d+)?$", re.IGNORECASE)
DATE: Final = re.compile(
    r"^\d{1,2}-(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)$", re.IGNORECASE
)
SYMBOL_COLUMNS: Final = ("feature_name", "gene_symbols", "gene_symbol", "symbol", "gene_name")
"""``var`` columns that hold symbols where the index holds ids, in order of trust."""
ID_COLUMNS: Final = (GENE_IDS, "gene_id", "feature_id", "ensembl_id", "ensembl")


def without_version(name: str) -> str:
    """Return an Ensembl id without its version; other names as they are."""
    return name.partition(".")[0] if ENSEMBL.match(name) else name


def tidy_genes(var: pd.DataFrame) -> tuple[pd.DataFrame, list[Note]]:
    """Give every gene a unique symbol and keep its id in ``var["gene_ids"]``.

    Parameters
    ----------
    var
        One row per gene: symbols or Ensembl ids in the index; left as it was.

    Returns
    -------
    tidy
        New frame with a unique str index and, where known, the column ``gene_ids``.
    notes
        T7 and T8 where names were changed, T22 where a spreadsheet made dates of them.
    """
    tidy = var.copy()
    names = [str(name) for name in tidy.index]
    notes: list[Note] = []
    if names and sum(bool(ENSEMBL.match(name)) for name in names) > len(names) / 2:
        tidy[GENE_IDS] = [without_version(name) for name in names]
        column = next((one for one in SYMBOL_COLUMNS if one in tidy), None)
        if column is None:
            names = [without_version(name) for name in names]
            notes.append(Note("T7", "No symbols; search by id."))
        else:
            names = _filled(tidy[column], tidy[GENE_IDS])
            notes.append(Note("T7", f"Ensembl ids; symbols taken from {column}."))
    else:
        column = next((one for one in ID_COLUMNS if one in tidy), None)
        if column is not None:
            tidy[GENE_IDS] = [without_version(str(one)) for one in tidy[column]]
    ids = list(tidy[GENE_IDS]) if GENE_IDS in tidy else None
    unique, n_renamed = unique_symbols(names, ids)
    if n_renamed:
        notes.append(Note("T8", f"{n_renamed} duplicate symbols kept as SYMBOL (id)."))
    n_dates = sum(bool(DATE.match(name)) for name in unique)
    if n_dates:
        notes.append(
            Note("T22", f"{n_dates} names suspicious: a spreadsheet may have made dates of genes.")
        )
    tidy.index = pd.Index(unique, dtype=object)
    return tidy, notes


def unique_symbols(names: Sequence[str], ids: Sequence[str] | None) -> tuple[list[str], int]:
    """Rename repeated symbols to ``SYMBOL (id)``, without an id to ``SYMBOL (2)``.

    Returns the names in the same order and how many were changed. Genes are never merged.
    """
    times = Counter(names)
    taken = set(names)
    seen: Counter[str] = Counter()
    unique: list[str] = []
    n_renamed = 0
    for place, name in enumerate(names):
        seen[name] += 1
        if times[name] == 1 or (ids is None and seen[name] == 1):
            unique.append(name)
            continue
        new = _free(name, ids[place] if ids is not None else str(seen[name]), taken)
        taken.add(new)
        unique.append(new)
        n_renamed += 1
    return unique, n_renamed


def unique_spots(names: pd.Index, library: str = "") -> tuple[pd.Index, list[Note]]:
    """Return unique str spot names; repeated ones get the library or a number as suffix."""
    given = [str(name) for name in names]
    times = Counter(given)
    if len(times) == len(given):
        return pd.Index(given, dtype=object), []
    taken = set(given)
    seen: Counter[str] = Counter()
    unique: list[str] = []
    for name in given:
        seen[name] += 1
        if seen[name] == 1:
            unique.append(name)
            continue
        number = seen[name]
        new = f"{name}-{library}-{number}" if library else f"{name}-{number}"
        while new in taken:
            number += 1
            new = f"{name}-{number}"
        taken.add(new)
        unique.append(new)
    n_changed = len(given) - len(times)
    return pd.Index(unique, dtype=object), [Note("T22", f"{n_changed} spot names adjusted.")]


def _free(name: str, suffix: str, taken: set[str]) -> str:
    """``name (suffix)``, with a further number where that is taken too."""
    new, number = f"{name} ({suffix})", 2
    while new in taken:
        new, number = f"{name} ({suffix}, {number})", number + 1
    return new


def _filled(symbols: pd.Series, ids: pd.Series) -> list[str]:
    """Symbols as text, the id where a symbol is missing."""
    texts = symbols.astype(object).where(symbols.notna(), "")
    return [str(text) or str(one) for text, one in zip(texts, ids, strict=True)]
