"""What the commands say of sections and methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stentrans import keys
from stentrans.errors import SectionFormatError
from stentrans.section import (
    Note,
    lattice_of,
    library_size,
    notes_of,
    refusal_of,
    technology_of,
)

if TYPE_CHECKING:
    from anndata import AnnData

LABEL_WIDTH = 17
MOST_CHOICES = 5


def describe_section(section: AnnData) -> str:
    """Describe a section in a few lines: size, lattice, depth, whether it can be enhanced, notes.

    Parameters
    ----------
    section
        A section from `stentrans.read`; left as it was.
    """
    on_tissue = section.obs[keys.IN_TISSUE].to_numpy() > 0
    shown = section.X[on_tissue if on_tissue.any() else slice(None)]
    genes = np.asarray((shown > 0).sum(axis=1)).ravel()
    rows = [
        ("technology", technology_of(section)),
        ("lattice", _lattice(section)),
        ("spots", f"{section.n_obs} ({int(on_tissue.sum())} on tissue)"),
        ("genes", f"{section.n_vars}"),
        ("counts per spot", f"{np.median(library_size(shown)):.0f} (median)"),
        ("genes per spot", f"{np.median(genes):.0f} (median)"),
        ("enhancement", refusal_of(section) or "possible"),
    ]
    rows += [("note", describe_note(note)) for note in notes_of(section)]
    return "\n".join(f"{label + ':':<{LABEL_WIDTH}}{text}" for label, text in rows)


def describe_note(note: Note) -> str:
    """Return the sentence of a note, with the option that decides otherwise."""
    others = [choice for choice in note.choices if choice != note.chosen]
    if not others:
        return note.sentence
    shown = ", ".join(others[:MOST_CHOICES]) + (", …" if len(others) > MOST_CHOICES else "")
    return f"{note.sentence} Otherwise: --{note.option.replace('_', '-')} {shown}"


def _lattice(section: AnnData) -> str:
    """Kind of the lattice and its pitch where known."""
    try:
        lattice = lattice_of(section)
    except SectionFormatError:
        return "none"
    pitch = "" if lattice.pitch_um is None else f", {lattice.pitch_um:g} µm"
    return f"{lattice.kind}{pitch}"


def describe_methods(methods: dict[str, tuple[str, str]]) -> str:
    """List methods with a line on what each does and a line on its limits."""
    width = max(map(len, methods)) + 2
    lines = []
    for name, (summary, limits) in methods.items():
        lines += [f"{name:<{width}}{summary}", f"{'':<{width}}Limits: {limits}"]
    return "\n".join(lines)
