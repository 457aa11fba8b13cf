"""What a reader found and assumed, kept with the section as short sentences."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

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
    option
        The option of `stentrans.read` that decides otherwise; empty where nothing was decided.
    chosen
        What this option stands at.
    choices
        What it may be set to for this file.
    """

    code: str
    sentence: str
    option: str = ""
    chosen: str = ""
    choices: tuple[str, ...] = ()

    def without_choice(self) -> Note:
        """Return only what was found: in a file written later there is nothing to decide."""
        return replace(self, option="", chosen="", choices=())


def notes_of(adata: AnnData) -> list[Note]:
    """Return the notes kept with a section, oldest first; an empty list where there are none."""
    ours = adata.uns.get(STENTRANS)
    text = ours.get(NOTES) if hasattr(ours, "get") else None
    if not text:
        return []
    try:
        return [_note(one) for one in json.loads(str(text))]
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError):
        # Written by someone else under our key: not worth refusing a section for.
        return []


def add_notes(adata: AnnData, notes: Iterable[Note]) -> None:
    """Append notes to ``adata.uns`` in place, leaving out those that are already there."""
    kept = list(dict.fromkeys([*notes_of(adata), *notes]))
    held = adata.uns.get(STENTRANS)
    ours = dict(held) if isinstance(held, Mapping) else {}
    ours[NOTES] = notes_as_text(kept)
    adata.uns[STENTRANS] = ours


def notes_as_text(notes: Iterable[Note]) -> str:
    """Return notes as the JSON in which a section keeps them."""
    return json.dumps([{k: v for k, v in asdict(note).items() if v} for note in notes])


def _note(told: Mapping[str, Any]) -> Note:
    """One note from JSON; what is empty was left out."""
    return Note(
        str(told.get("code", "")),
        str(told["sentence"]),
        str(told.get("option", "")),
        str(told.get("chosen", "")),
        tuple(str(choice) for choice in told.get("choices", ())),
    )
