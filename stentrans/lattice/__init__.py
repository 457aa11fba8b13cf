"""Array indices, axial lattice, micrometres and pixels; numpy and scipy only."""

from __future__ import annotations

from stentrans.lattice.affine import Affine
from stentrans.lattice.core import Lattice, LatticeKind
from stentrans.lattice.fit import fit_lattice
from stentrans.lattice.sites import Sites, enhanced_sites, find_gaps, sites_at

__all__ = [
    "Affine",
    "Lattice",
    "LatticeKind",
    "Sites",
    "enhanced_sites",
    "find_gaps",
    "fit_lattice",
    "sites_at",
]
