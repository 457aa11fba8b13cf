"""Array positions and pixels of a section: checked, described and fitted to a lattice."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray

from stentrans.errors import ParameterError, SectionFormatError, ShapeError
from stentrans.keys import ARRAY_COL, ARRAY_ROW, SPATIAL, STENTRANS
from stentrans.lattice import Lattice, fit_lattice
from stentrans.section.notes import Note
from stentrans.section.results import measured_spots

TECHNOLOGY: Final = "technology"
"""Below ``uns["stentrans"]``: short text for people."""
PITCH_UM: Final = "pitch_um"
"""Below ``uns["stentrans"]``: µm between neighbouring positions; absent where unknown."""
TOUCHING: Final = "touching"
"""Below ``uns["stentrans"]``: spots are bins that leave no space between them."""
NO_ARRAY: Final = "no_array"
"""Below ``uns["stentrans"]``: why the spots make no array; absent where they make one."""
NO_ARRAY_SENTENCE: Final = (
    "The positions form no regular array, as those of cells; shown on a fine raster, enhancement "
    "off, exploration on."
)
CELLS: Final = "no array"
VISIUM: Final = "Visium"
VISIUM_HD: Final = "Visium HD"
LEGACY_ST: Final = "legacy ST"
ST_2K: Final = "ST 2K"
UNKNOWN: Final = "unknown"
PITCHES_UM: Final = {VISIUM: 100.0, LEGACY_ST: 200.0}
LEGACY_LINES: Final = 40
"""A legacy ST array has 33 x 35 positions, numbered from 1 or 2; a larger square one is not it."""
MAX_RESIDUAL: Final = 0.10
"""Pitches by which spots may miss their lattice, root mean square (a project default)."""
UNUSABLE_RESIDUAL: Final = 0.25
"""Beyond this the array of a file is none; real legacy ST, drawn by hand, misses it by 0.08."""


def array_positions(obs: pd.DataFrame) -> NDArray[np.int64]:
    """Return array_row and array_col of each spot, shape ``(n_spots, 2)``, int64, new.

    Raises
    ------
    SectionFormatError
        If a column is absent, is not made of whole numbers, or two spots share a position.
    """
    missing = [key for key in (ARRAY_ROW, ARRAY_COL) if key not in obs]
    if missing:
        raise SectionFormatError(
            f"A section needs obs columns {ARRAY_ROW} and {ARRAY_COL}; {' and '.join(missing)} "
            "not found. Add the array positions of the spots.",
            code="R8",
        )
    columns = [obs[key].astype(object) for key in (ARRAY_ROW, ARRAY_COL)]
    numbers = [pd.to_numeric(column, errors="coerce") for column in columns]
    places = np.column_stack([number.to_numpy(dtype=np.float64) for number in numbers])
    odd = ~np.isfinite(places).all(axis=1) | (places != np.rint(places)).any(axis=1)
    if odd.any():
        first = int(np.flatnonzero(odd)[0])
        raise SectionFormatError(
            f"Array positions must be whole numbers; {int(odd.sum())} spots have others, first "
            f"{obs.index[first]} at ({obs[ARRAY_ROW].iloc[first]}, {obs[ARRAY_COL].iloc[first]}). "
            "Leave these spots out or repair their positions.",
            code="R8",
        )
    array = places.astype(np.int64)
    refuse_shared_positions(array)
    return array


def refuse_shared_positions(array: NDArray[np.int64]) -> None:
    """Raise SectionFormatError (R10) where two spots lie on one array position."""
    if not len(array):
        return
    positions, times = np.unique(array, axis=0, return_counts=True)
    if (times > 1).any():
        worst = int(np.argmax(times))
        row, col = positions[worst]
        raise SectionFormatError(
            f"Every spot must have an array position of its own; row {row}, column {col} occurs "
            f"{times[worst]} times, so counts cannot be placed. Give one section at a time.",
            code="R10",
        )


def lattice_of(adata: AnnData) -> Lattice:
    """Fit the lattice of a validated section, with its pixels and pitch where known.

    Parameters
    ----------
    adata
        A section from `read` or `check_section`; left as it was. Of a result that was read
        again, the lattice is that of its measured spots.

    Raises
    ------
    SectionFormatError
        If array positions are absent or shared, or span far more than an array.
    """
    spots = measured_spots(adata.obs)
    pixels = np.asarray(adata.obsm[SPATIAL])[spots] if SPATIAL in adata.obsm else None
    return fit_or_refuse(array_positions(adata.obs[spots]), pixels, pitch_um=pitch_um_of(adata))


def fit_or_refuse(
    array: NDArray[np.int64],
    pixels: NDArray[np.float64] | None,
    *,
    pitch_um: float | None = None,
) -> Lattice:
    """Fit a lattice; raise SectionFormatError (T15) where the positions make none."""
    try:
        return fit_lattice(array, pixels, pitch_um=pitch_um)
    except (ParameterError, ShapeError) as error:
        raise SectionFormatError(str(error), code="T15") from error


def technology_of(adata: AnnData) -> str:
    """Return the technology noted with the section, ``"unknown"`` where there is none."""
    ours = adata.uns.get(STENTRANS)
    text = ours.get(TECHNOLOGY) if hasattr(ours, "get") else None
    return str(text) if text else UNKNOWN


def pitch_um_of(adata: AnnData) -> float | None:
    """Return the distance of neighbouring array positions in µm; None where unknown."""
    ours = adata.uns.get(STENTRANS)
    pitch = ours.get(PITCH_UM) if hasattr(ours, "get") else None
    return float(pitch) if pitch else PITCHES_UM.get(technology_of(adata))


def default_factor(adata: AnnData) -> int:
    """Return the factor that makes sense for a section: 1 for bins that touch, else 2."""
    ours = adata.uns.get(STENTRANS)
    return 1 if hasattr(ours, "get") and bool(ours.get(TOUCHING)) else 2


def guess_technology(lattice: Lattice) -> str:
    """Guess the technology from the shape of the array alone."""
    if lattice.kind == "hexagonal":
        return VISIUM
    if lattice.kind == "staggered":
        return ST_2K
    is_small = int(np.ptp(lattice.array, axis=0).max(initial=0)) < LEGACY_LINES
    return LEGACY_ST if is_small and lattice.array.max(initial=0) <= LEGACY_LINES else UNKNOWN


def lattice_notes(lattice: Lattice) -> list[Note]:
    """Return T3 for a mirrored picture and T15 for spots that miss their array positions."""
    notes = []
    if lattice.is_mirrored:
        notes.append(Note("T3", "This slide is mirrored against its picture; handled."))
    residual = lattice.residual or 0.0
    if MAX_RESIDUAL < residual <= UNUSABLE_RESIDUAL:
        sentence = (
            f"Spots miss their array positions by {residual:.0%} of the pitch; enhancement may be "
            "unreliable."
        )
        notes.append(Note("T15", sentence))
    return notes


def array_fault(lattice: Lattice) -> str:
    """Return why the spots of a lattice make no usable array; empty where they make one."""
    if lattice.residual is None or lattice.residual <= UNUSABLE_RESIDUAL:
        return ""
    return (
        f"Not a usable array: spots miss their array positions by {lattice.residual:.0%} of the "
        "pitch; enhancement off, exploration on."
    )


def no_array_reason(adata: AnnData) -> str:
    """Return why a section that was read makes no array; empty where it makes one."""
    ours = adata.uns.get(STENTRANS)
    return str(ours.get(NO_ARRAY) or "") if hasattr(ours, "get") else ""
