"""Results of enhancement that are read again: to look at, with their origins, not to enhance."""

from __future__ import annotations

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray

from stentrans.errors import SectionFormatError
from stentrans.keys import ARRAY_COL, ARRAY_ROW, MEASURED, ORIGIN, ORIGINS
from stentrans.section.notes import Note


def is_result(obs: pd.DataFrame) -> bool:
    """Say whether ``obs["origin"]`` tells measured spots from predicted sites, as our exports do.

    A column of that name that holds anything else, such as the origin of a patient, is none.
    """
    if ORIGIN not in obs:
        return False
    told = set(obs[ORIGIN].astype(str))
    return MEASURED in told and told <= set(ORIGINS)


def measured_spots(obs: pd.DataFrame) -> NDArray[np.bool_]:
    """Mark the measured spots of a result, all of any other section; shape ``(n_spots,)``."""
    if not is_result(obs):
        return np.ones(len(obs), dtype=bool)
    return np.asarray(obs[ORIGIN].astype(str) == MEASURED)


def result_note(obs: pd.DataFrame) -> Note:
    """Return what a user is told of a result that was opened."""
    return Note("", f"A result of stentrans, to look at, not to enhance again: {_counted(obs)}.")


def refuse_result(adata: AnnData) -> None:
    """Raise SectionFormatError where predicted sites would be taken for measured spots."""
    if is_result(adata.obs) and not measured_spots(adata.obs).all():
        raise SectionFormatError(
            f"Enhancement starts from measured spots; this is a result of it "
            f"({_counted(adata.obs)}). Open the section it was made from.",
            code="T10",
        )


def keep_places(section: AnnData) -> None:
    """Leave array positions as they are in a result: sites lie between whole numbers."""
    for key in (ARRAY_ROW, ARRAY_COL):
        section.obs[key] = section.obs[key].astype(np.float64)
    words = section.obs[ORIGIN].astype(str)
    section.obs[ORIGIN] = pd.Categorical(words, categories=list(ORIGINS))


def _counted(obs: pd.DataFrame) -> str:
    times = obs[ORIGIN].astype(str).value_counts()
    return ", ".join(f"{times.get(origin, 0):,} {origin}" for origin in ORIGINS)
