"""Sections as the commands read them."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

import stentrans
from stentrans.cli.describe import describe_note
from stentrans.section import notes_of

if TYPE_CHECKING:
    from anndata import AnnData


def read_section(path: Path, arguments: Namespace) -> AnnData:
    """Read a section with the options that the command was given."""
    return stentrans.read(
        path,
        library=arguments.library,
        counts=arguments.counts,
        first_number=arguments.first_number,
        rotate=arguments.rotate,
        flip=arguments.flip,
    )


def read_quietly(path: Path, arguments: Namespace) -> AnnData:
    """Read a section; what was decided on the way goes to standard error."""
    section = read_section(path, arguments)
    for note in notes_of(section):
        if note.option:
            sys.stderr.write(f"{path.name}: {describe_note(note)}\n")
    return section
