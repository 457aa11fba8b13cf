"""Tables that belong together, kept as CSV and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from stentrans.errors import StoreError

_FACTS: Final = "facts.json"
_NAMES: Final = frozenset(("gene", "term", "genes", "leading_genes", "kind", "list", "site"))
"""Columns of words: a gene named "NA" is a gene, not a missing value."""


class Tables:
    """Named tables with the facts that go with them.

    Parameters
    ----------
    frames
        Tables by name; columns are numbers, or words where `_NAMES` says so.
    facts
        Whatever else is told, ready for JSON.
    """

    def __init__(
        self, frames: Mapping[str, pd.DataFrame], facts: Mapping[str, Any] | None = None
    ) -> None:
        self.frames, self.facts = dict(frames), dict(facts or {})

    def __getitem__(self, name: str) -> pd.DataFrame:
        """Return the table of this name."""
        return self.frames[name]

    def save(self, folder: str | Path) -> None:
        """Save into a new or empty folder; `load` is the inverse."""
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        for name, frame in self.frames.items():
            frame.to_csv(target / f"{name}.csv", index=False)
        told = {"frames": list(self.frames), "facts": self.facts}
        (target / _FACTS).write_text(json.dumps(told), encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path) -> Tables:
        """Load what `save` wrote; raises StoreError if something is missing or damaged."""
        source = Path(folder)
        try:
            told = json.loads((source / _FACTS).read_text(encoding="utf-8"))
            frames = {name: _read(source / f"{name}.csv") for name in told["frames"]}
            return cls(frames, told["facts"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"{folder} must hold saved tables; they could not be read ({error}). Make them "
                "again."
            ) from error


def _read(path: Path) -> pd.DataFrame:
    """Read a table, words as words."""
    columns = pd.read_csv(path, nrows=0).columns
    words = [name for name in columns if name in _NAMES]
    missing = {name: ["", "NaN", "nan"] for name in columns if name not in _NAMES}
    return pd.read_csv(
        path, dtype=dict.fromkeys(words, str), keep_default_na=False, na_values=missing
    )
