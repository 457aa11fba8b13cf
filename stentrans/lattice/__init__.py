"""Array indices, axial lattice, micrometres and pixels; numpy and scipy only."""

from __future__ import annotations

from stentrans.lattice.affine import Affine
from stentrans.lattice.core import Lattice, LatticeKind
from stentrans.lattice.fit import fit_lattice
from stentrans.lattice.outline import edge_distance, find_empty, find_gaps, find_holes, hole_depth
from stentrans.lattice.sites import Sites, enhanced_sites, sites_at

__all__ = [
    "Affine",
    "Lattice",
    "LatticeKind",
    "Sites",
    "edge_distance",
    "enhanced_sites",
    "find_empty",
    "find_gaps",
    "find_holes",
    "fit_lattice",
    "hole_depth",
    "sites_at",
]
