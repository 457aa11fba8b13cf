"""Several sections in one AnnData: which there are, and the spots of one of them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stentrans.keys import ARRAY_COL, ARRAY_ROW, SPATIAL
from stentrans.section.elements import is_group
from stentrans.section.folder import several_libraries, unknown_library
from stentrans.section.notes import Note

LIBRARY_COLUMNS: Final = ("library_id", "library", "sample_id", "sample", "slide", "batch")


def choose_library(
    file: Any, obs: pd.DataFrame, library: str | None
) -> tuple[NDArray[np.bool_], str, list[Note]]:
    """Return the spots of one section, its name, and T11 where there are several.

    Parameters
    ----------
    file
        The open AnnData file.
    obs
        One row per spot; left as it was.
    library
        The section asked for; None for the first.

    Raises
    ------
    SectionFormatError
        If the section asked for is not there.
    """
    whole = np.ones(len(obs), dtype=bool)
    listed = _listed(file)
    column = _library_column(obs, listed)
    if column is None:
        if library is not None and listed and library not in listed:
            raise unknown_library(library, listed)
        return whole, library or (listed[0] if listed else ""), []
    words = obs[column].astype(str)
    names = list(dict.fromkeys(words))
    if library is not None and library not in names:
        raise unknown_library(library, names)
    shown = names[0] if library is None else library
    return words.eq(shown).to_numpy(), shown, [several_libraries(names, shown)]


def _listed(file: Any) -> list[str]:
    """Names below ``uns["spatial"]``; cellxgene's ``is_single`` is a flag, not a library."""
    stored = file.get(f"uns/{SPATIAL}")
    if not is_group(stored):
        return []
    return [str(name) for name in stored if is_group(stored.get(name))]


def _library_column(obs: pd.DataFrame, listed: list[str]) -> str | None:
    """The column that tells several sections apart; None where there is one section."""
    keys = [key for key in (ARRAY_ROW, ARRAY_COL) if key in obs]
    overlap = len(keys) == 2 and bool(obs.duplicated(keys).any())
    for column in LIBRARY_COLUMNS:
        if column not in obs or obs[column].nunique() < 2:
            continue
        values = set(obs[column].astype(str))
        is_named = column in LIBRARY_COLUMNS[:2] or (len(listed) > 1 and values <= set(listed))
        separates = overlap and not obs.duplicated([*keys, column]).any()
        if is_named or separates:
            return column
    return None
