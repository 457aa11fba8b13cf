"""What was found in a section, as short words for its card."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import streamlit as st
from anndata import AnnData

from stentrans.app import cache
from stentrans.errors import SectionFormatError
from stentrans.lattice import Lattice, enhanced_sites
from stentrans.section import (
    Note,
    is_result,
    is_simulated,
    library_size,
    notes_of,
    refusal_of,
    technology_of,
)


@dataclass(frozen=True)
class Facts:
    """The card "What we found".

    Parameters
    ----------
    assay, spots, genes, depth, orientation, scale
        Short values for people.
    notes
        What was found and assumed while reading, with what may be decided otherwise.
    refusal
        Why the section cannot be enhanced; None if it can.
    """

    assay: str
    spots: str
    genes: str
    depth: str
    orientation: str
    scale: str
    notes: tuple[Note, ...]
    refusal: str | None


@st.cache_data(show_spinner=False, max_entries=32)
def facts_of(section_id: str) -> Facts:
    """Describe a section."""
    section, tissue = cache.section(section_id), cache.tissue(section_id)
    off = section.n_obs - tissue.n_obs
    try:
        lattice = cache.lattice(section_id)
    except SectionFormatError:
        lattice = None
    return Facts(
        assay=_assay(section, lattice),
        spots=f"{tissue.n_obs:,}" + (f" (+ {off:,} off tissue)" if off else ""),
        genes=f"{section.n_vars:,}",
        depth=_depth(section, tissue),
        orientation=_orientation(lattice),
        scale=_scale(lattice),
        notes=tuple(notes_of(section)),
        refusal=refusal_of(section),
    )


def _depth(section: AnnData, tissue: AnnData) -> str:
    if is_result(section.obs):
        return "values, not counts"
    return f"{np.median(library_size(tissue.X)):,.0f} UMI per spot"


def _assay(section: AnnData, lattice: Lattice | None) -> str:
    if is_result(section.obs):
        return f"enhanced, {technology_of(section)}"
    if is_simulated(section):
        return "simulated" if lattice is None else f"simulated, {lattice.kind}"
    return technology_of(section)


class Sizes(NamedTuple):
    """How many sites of each origin an enhanced section has."""

    measured: int
    inserted: int
    gap: int


@st.cache_data(show_spinner=False, max_entries=32)
def sizes_of(section_id: str, factor: int, *, fill_gaps: bool) -> Sizes:
    """Count the sites that an enhancement will have, without computing it."""
    sites = enhanced_sites(cache.lattice(section_id), factor, fill_gaps=fill_gaps)
    return Sizes(*np.bincount(sites.origin, minlength=3).tolist())


def um_per_pixel(lattice: Lattice | None) -> float | None:
    """Return micrometres per full-resolution pixel from the two fitted maps; None if unknown."""
    if lattice is None or lattice.to_pixels is None or lattice.pitch_um is None:
        return None
    return float(np.sqrt(abs(lattice.to_um.determinant / lattice.to_pixels.determinant)))


def _orientation(lattice: Lattice | None) -> str:
    if lattice is None or lattice.to_pixels is None:
        return "as the array (no pixels)"
    return "mirrored; handled" if lattice.is_mirrored else "as the picture"


def _scale(lattice: Lattice | None) -> str:
    per_pixel = um_per_pixel(lattice)
    if per_pixel is not None:
        return f"{per_pixel:.3g} µm per pixel"
    if lattice is not None and lattice.pitch_um is not None:
        return f"{lattice.pitch_um:g} µm between spots"
    return "unknown; bars count spots"
