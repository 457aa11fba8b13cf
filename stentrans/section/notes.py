"""What a reader found and assumed, kept with the section as short sentences."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from anndata import AnnData

from stentrans.keys import NOTES, STENTRANS


@dataclass(frozen=True)
class Note:
    """One thing that the user should know about how a section was read.

    Parameters
    ----------
    code
        Trap code (``"T3"``), or an empty string where no code exists.
    sentence
        The sentence shown to the user.
    """

    code: str
    sentence: str


def notes_of(adata: AnnData) -> list[Note]:
    """Return the notes kept with a section, oldest first; an empty list where there are none."""
    ours = adata.uns.get(STENTRANS)
    text = ours.get(NOTES) if hasattr(ours, "get") else None
    if not text:
        return []
    try:
        return [Note(str(one["code"]), str(one["sentence"])) for one in json.loads(str(text))]
    except (json.JSONDecodeError, KeyError, TypeError):
        # Written by someone else under our key: not worth refusing a section for.
        return []


def add_notes(adata: AnnData, notes: Iterable[Note]) -> None:
    """Append notes to ``adata.uns`` in place, leaving out those that are already there."""
    kept = list(dict.fromkeys([*notes_of(adata), *notes]))
    held = adata.uns.get(STENTRANS)
    ours = dict(held) if isinstance(held, Mapping) else {}
    ours[NOTES] = json.dumps([asdict(note) for note in kept])
    adata.uns[STENTRANS] = ours
