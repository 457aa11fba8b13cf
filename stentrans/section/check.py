"""The one check at the edge: any AnnData in, a validated section or one sentence out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from stentrans.errors import SectionFormatError
from stentrans.keys import (
    ARRAY_COL,
    ARRAY_ROW,
    COUNTS,
    IN_TISSUE,
    NOTES,
    SPATIAL,
    STENTRANS,
    X_IS,
)
from stentrans.section.counts import (
    are_counts,
    as_csr,
    refuse_bad_values,
    refuse_empty,
    round_counts,
)
from stentrans.section.names import unique_spots, unique_symbols
from stentrans.section.notes import Note, add_notes
from stentrans.section.positions import (
    PITCH_UM,
    PITCHES_UM,
    TECHNOLOGY,
    UNKNOWN,
    array_fault,
    array_positions,
    fit_or_refuse,
    guess_technology,
    no_array_reason,
    pitch_um_of,
    technology_of,
)
from stentrans.section.results import refuse_result

MIN_SPOTS: Final = 30
"""Fewer spots than this say too little about the space between them (a project default)."""


def check_section(adata: AnnData) -> AnnData:
    """Return a validated copy of a user's AnnData, or say what is wrong with it.

    Parameters
    ----------
    adata
        Counts in ``layers["counts"]`` or ``X`` (dense or sparse, any numeric dtype),
        ``obs["array_row"]`` and ``obs["array_col"]``; optionally ``obs["in_tissue"]`` and pixels
        in ``obsm["spatial"]``. Never changed.

    Returns
    -------
    section
        New AnnData: ``X`` CSR float32 counts, int64 array positions, ``in_tissue`` 0 or 1,
        unique names. Spots off tissue are kept; see `on_tissue`. Gene names stay as they are
        unless one occurs twice. Genes and spots keep their order.

    Raises
    ------
    SectionFormatError
        If counts are missing, empty, negative, not whole or not finite; if positions are missing
        or shared; if fewer than 30 spots are on tissue; if it is a result of enhancement.
    """
    if not isinstance(adata, AnnData):
        raise SectionFormatError(
            f"A section must be an AnnData; got {type(adata).__name__}. Load files with "
            "stentrans.read."
        )
    refuse_empty(adata.shape)
    refuse_result(adata)
    counts = _counts(adata)
    array = array_positions(adata.obs)
    flags, tissue_notes = tissue_flags(adata.obs)
    obs = adata.obs.copy()
    obs[ARRAY_ROW], obs[ARRAY_COL], obs[IN_TISSUE] = array[:, 0], array[:, 1], flags
    obs.index, spot_notes = unique_spots(adata.obs_names)
    var = adata.var.copy()
    symbols, n_renamed = unique_symbols([str(name) for name in adata.var_names], None)
    var.index = pd.Index(symbols, dtype=object)
    section = AnnData(counts, obs=obs, var=var, uns=_uns(adata))
    section.obs.index.name = section.var.index.name = None
    notes = [*tissue_notes, *spot_notes, *_add_pixels(section, adata)]
    if n_renamed:
        notes.append(Note("T8", f"{n_renamed} duplicate symbols kept as SYMBOL (number)."))
    add_notes(section, notes)
    _refuse_no_array(section, array)
    _describe(section, array)
    _refuse_few_spots(section)
    return section


def refusal_of(adata: AnnData) -> str | None:
    """Return why a section cannot be enhanced, as one sentence; None where it can be."""
    try:
        check_section(adata)
    except SectionFormatError as error:
        return str(error)
    return None


def on_tissue(adata: AnnData) -> AnnData:
    """Return a new AnnData of the spots on tissue, all of them where none is marked.

    ``adata`` is left as it was.
    """
    if IN_TISSUE not in adata.obs:
        return adata.copy()
    marked = adata.obs[IN_TISSUE].to_numpy().astype(bool)
    return adata[marked].copy() if marked.any() else adata.copy()


def tissue_flags(obs: pd.DataFrame) -> tuple[NDArray[np.int64], list[Note]]:
    """Return in_tissue as 0 or 1, shape ``(n_spots,)``; all 1 where the column is absent.

    Raises
    ------
    SectionFormatError
        If the column holds anything but 0, 1, true and false.
    """
    if IN_TISSUE not in obs:
        return np.ones(len(obs), dtype=np.int64), []
    words = obs[IN_TISSUE].astype(str).str.strip().str.lower()
    flags = words.map({"1": 1, "1.0": 1, "true": 1, "0": 0, "0.0": 0, "false": 0})
    if flags.isna().any():
        first = words[flags.isna()].iloc[0]
        raise SectionFormatError(
            f"obs column {IN_TISSUE} must hold 0 or 1; got {first!r}. Repair the column or leave "
            "it out to use all spots.",
            code="R17",
        )
    marked = np.asarray(flags, dtype=np.int64)
    if marked.size and not marked.any():
        return marked, [Note("T21", "No spot is marked in tissue; all used.")]
    return marked, []


def finite_pixels(adata: AnnData) -> NDArray[np.float64] | None:
    """Return (x, y) of each spot, shape ``(n_spots, 2)``, new; None where they are unusable."""
    if SPATIAL not in adata.obsm:
        return None
    held = adata.obsm[SPATIAL]
    if isinstance(held, pd.DataFrame):
        held = held.to_numpy()
    try:
        pixels = np.array(held, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    if pixels.ndim != 2 or pixels.shape[1] < 2 or not np.isfinite(pixels[:, :2]).all():
        return None
    return pixels[:, :2].copy()


def _counts(adata: AnnData) -> csr_matrix:
    """Counts of a user's AnnData: from the layer of that name, else from X."""
    layered = COUNTS in adata.layers
    place = f'layers["{COUNTS}"]' if layered else "X"
    matrix = adata.layers[COUNTS] if layered else adata.X
    if matrix is None:
        raise SectionFormatError(
            'A section needs counts in X or layers["counts"]; this one has neither. Add the raw '
            "counts.",
            code="R7",
        )
    counts = as_csr(matrix, place=place)
    refuse_bad_values(counts, adata.obs_names, adata.var_names)
    if not are_counts(counts):
        raise SectionFormatError(
            f"Enhancement needs raw counts, whole numbers of 0 or more; {place} holds values like "
            f'{_odd_value(counts):g}. Put the raw counts into layers["counts"].',
            code="T10",
        )
    if counts.nnz == 0:
        raise SectionFormatError(
            f"A section needs counts; all values in {place} are 0. Give the unfiltered raw matrix.",
            code="R6",
        )
    return round_counts(counts)


def _odd_value(counts: csr_matrix) -> float:
    """Return the first value that no counting can produce."""
    odd = (counts.data < 0) | (counts.data != np.rint(counts.data))
    return float(counts.data[int(np.argmax(odd))])


def _uns(adata: AnnData) -> dict[str, Any]:
    """Pictures and our own records; arrays are shared, the dictionaries are new."""
    kept: dict[str, Any] = {}
    for key in (SPATIAL, STENTRANS):
        if isinstance(adata.uns.get(key), Mapping):
            kept[key] = _shallow(adata.uns[key])
    ours = kept.setdefault(STENTRANS, {})
    ours[X_IS] = COUNTS
    ours.setdefault(NOTES, "[]")
    return kept


def _shallow(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Copy nested dictionaries without copying what they hold."""
    return {
        key: _shallow(value) if isinstance(value, Mapping) else value for key, value in tree.items()
    }


def _add_pixels(section: AnnData, adata: AnnData) -> list[Note]:
    """Copy usable pixels; note where some were left out."""
    pixels = finite_pixels(adata)
    if pixels is not None:
        section.obsm[SPATIAL] = pixels
        return []
    if SPATIAL in adata.obsm:
        return [Note("T14", "Pixel positions are incomplete and were left out; lattice used.")]
    return []


def _refuse_no_array(section: AnnData, array: NDArray[np.int64]) -> None:
    """Raise SectionFormatError (T15) where the spots make no usable array."""
    reason = no_array_reason(section) or array_fault(
        fit_or_refuse(array, section.obsm.get(SPATIAL))
    )
    if reason:
        raise SectionFormatError(
            f"Enhancement needs spots on a regular array. {reason}",
            code="T15",
        )


def _describe(section: AnnData, array: NDArray[np.int64]) -> None:
    """Put technology and pitch into ``uns``, guessed from the array where not known."""
    ours = section.uns[STENTRANS]
    if technology_of(section) == UNKNOWN:
        ours[TECHNOLOGY] = guess_technology(fit_or_refuse(array, section.obsm.get(SPATIAL)))
    pitch = pitch_um_of(section) or PITCHES_UM.get(ours[TECHNOLOGY])
    if pitch is not None:
        ours[PITCH_UM] = pitch


def _refuse_few_spots(section: AnnData) -> None:
    """Raise SectionFormatError (T15) below the smallest number of spots."""
    marked = int(section.obs[IN_TISSUE].sum()) or section.n_obs
    if marked < MIN_SPOTS:
        raise SectionFormatError(
            f"Enhancement needs at least {MIN_SPOTS} spots on tissue; this section has {marked}. "
            "Use a larger section.",
            code="T15",
        )
