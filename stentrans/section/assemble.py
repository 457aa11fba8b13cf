"""The last step of every reader: parts in, one AnnData in the form of a section out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from stentrans.keys import (
    ARRAY_COL,
    ARRAY_ROW,
    COUNTS,
    IN_TISSUE,
    SPATIAL,
    STENTRANS,
    X_IS,
)
from stentrans.section.check import MIN_SPOTS, tissue_flags
from stentrans.section.counts import (
    all_missing_rows,
    are_counts,
    refuse_bad_values,
    refuse_empty,
    round_counts,
)
from stentrans.section.names import tidy_genes, unique_spots
from stentrans.section.notes import Note, add_notes
from stentrans.section.positions import (
    CELLS,
    NO_ARRAY,
    PITCH_UM,
    PITCHES_UM,
    TECHNOLOGY,
    array_fault,
    array_positions,
    fit_or_refuse,
    guess_technology,
    lattice_notes,
)
from stentrans.section.results import is_result, keep_places, measured_spots, result_note

VALUES: Final = "values"
"""``X_is`` where a file holds no counts: the section can be looked at, not enhanced."""


@dataclass(frozen=True, eq=False)
class Parts:
    """What a reader found, before it is checked.

    Parameters
    ----------
    counts
        Shape ``(n_spots, n_genes)``, canonical CSR float32; becomes part of the section.
    obs
        One row per spot, with array_row and array_col.
    var
        One row per gene, symbols or ids in the index.
    pixels
        (x, y) per spot, shape ``(n_spots, 2)``, float64; None where unknown.
    spatial
        ``uns["spatial"]``: pictures and scale factors by library; may be empty.
    technology
        Text for people; an empty string lets the array decide.
    library
        Name of the section among others.
    notes
        What the reader found so far.
    extra
        More entries of ``uns["stentrans"]``.
    """

    counts: csr_matrix
    obs: pd.DataFrame
    var: pd.DataFrame
    pixels: NDArray[np.float64] | None = None
    spatial: dict[str, Any] = field(default_factory=dict)
    technology: str = ""
    library: str = ""
    notes: Sequence[Note] = ()
    extra: dict[str, Any] = field(default_factory=dict)


def assemble(parts: Parts) -> AnnData:
    """Return a section made of parts, with everything noted that was found on the way.

    Raises
    ------
    SectionFormatError
        R6 if the matrix is empty, R8 and R10 for positions, R11 for NaN and infinite values.
    """
    refuse_empty(parts.counts.shape)
    kept, notes = _keep_placed(parts)
    counts = parts.counts[kept] if not kept.all() else parts.counts
    obs = parts.obs.loc[kept].copy()
    pixels = None if parts.pixels is None else parts.pixels[kept]
    refuse_empty(counts.shape)
    var, gene_notes = tidy_genes(parts.var)
    refuse_bad_values(counts, obs.index, var.index)
    is_counts = are_counts(counts) and not is_result(obs)
    if is_counts:
        counts = round_counts(counts)
    obs.index, spot_notes = unique_spots(obs.index, parts.library)
    flags, tissue_notes = tissue_flags(obs)
    obs[IN_TISSUE] = flags
    section = AnnData(counts, obs=obs, var=var)
    section.obs.index.name = section.var.index.name = None
    if pixels is not None:
        section.obsm[SPATIAL] = pixels
    if parts.spatial:
        section.uns[SPATIAL] = parts.spatial
    ours = {**parts.extra, X_IS: COUNTS if is_counts else VALUES}
    section.uns[STENTRANS] = ours
    place_notes = _place(section, parts.technology)
    add_notes(
        section,
        [
            *parts.notes,
            *notes,
            *gene_notes,
            *spot_notes,
            *tissue_notes,
            *_value_notes(parts, counts, is_counts=is_counts),
            *place_notes,
        ],
    )
    return section


def _keep_placed(parts: Parts) -> tuple[NDArray[np.bool_], list[Note]]:
    """Mark the spots that have a place and values; the rest is set aside or lost (T14)."""
    obs = parts.obs
    placed = np.ones(len(obs), dtype=bool)
    for key in (ARRAY_ROW, ARRAY_COL):
        if key in obs:
            placed &= pd.to_numeric(obs[key].astype(object), errors="coerce").notna().to_numpy()
    if parts.pixels is not None:
        placed &= np.isfinite(parts.pixels).all(axis=1)
    lost = all_missing_rows(parts.counts) & placed
    kept = placed & ~lost
    if kept.all():
        return kept, []
    n_aside, n_lost = int((~placed).sum()), int(lost.sum())
    return kept, [Note("T14", f"{n_aside} spots set aside, {n_lost} treated as lost.")]


def _value_notes(parts: Parts, counts: csr_matrix, *, is_counts: bool) -> list[Note]:
    """Return T10 where there are no counts, T21 for empty spots and genes."""
    if is_result(parts.obs):
        return [result_note(parts.obs)]
    if not is_counts and any(note.code == "T10" for note in parts.notes):
        return []
    if not is_counts:
        return [Note("T10", "No counts; values used as they are, enhancement off.")]
    n_spots = int((np.diff(counts.indptr) == 0).sum())
    if not n_spots:
        # Genes that no spot expresses are in every Space Ranger file: nothing to tell.
        return []
    is_seen = np.zeros(counts.shape[1], dtype=bool)
    is_seen[counts.indices] = True
    n_genes = int((~is_seen).sum())
    return [Note("T21", f"{n_spots} spots, {n_genes} genes without counts.")]


def _place(section: AnnData, technology: str) -> list[Note]:
    """Check array positions, describe the lattice in ``uns`` and return what is odd about it."""
    ours = section.uns[STENTRANS]
    spots = measured_spots(section.obs)
    array = array_positions(section.obs[spots])
    if is_result(section.obs):
        keep_places(section)
    else:
        section.obs[ARRAY_ROW], section.obs[ARRAY_COL] = array[:, 0], array[:, 1]
    pixels = section.obsm[SPATIAL][spots] if SPATIAL in section.obsm else None
    lattice = fit_or_refuse(array, pixels)
    if NO_ARRAY in ours:
        ours[TECHNOLOGY] = technology or CELLS
        return [Note("T15", ours[NO_ARRAY])]
    ours[TECHNOLOGY] = technology or guess_technology(lattice)
    if ours[TECHNOLOGY] in PITCHES_UM:
        ours[PITCH_UM] = PITCHES_UM[ours[TECHNOLOGY]]
    notes = lattice_notes(lattice)
    if fault := array_fault(lattice):
        ours[NO_ARRAY] = fault
        notes.append(Note("T15", fault))
    if section.n_obs < MIN_SPOTS:
        sentence = f"Only {section.n_obs} spots: enhancement off, exploration on."
        notes.append(Note("T15", sentence))
    elif np.ptp(array, axis=0).min() == 0:
        sentence = "All spots lie on one line; enhancement works only along it."
        notes.append(Note("T15", sentence))
    return notes
