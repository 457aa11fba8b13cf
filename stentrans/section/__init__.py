"""Files and AnnData in, one validated section out."""

from __future__ import annotations

from stentrans.preprocess import (
    detected_share,
    keep_genes,
    library_size,
    log_normalise,
    median_library,
)
from stentrans.section.check import check_section, on_tissue, refusal_of
from stentrans.section.genes import (
    find_gene,
    find_genes,
    measured_frame,
    measured_values,
    search_genes,
)
from stentrans.section.notes import Note, add_notes, notes_of
from stentrans.section.options import ReadOptions, options_of
from stentrans.section.positions import default_factor, lattice_of, pitch_um_of, technology_of
from stentrans.section.quality import filter_spots, mitochondrial_genes, spot_quality
from stentrans.section.read import read
from stentrans.section.results import is_result
from stentrans.section.simulate import is_simulated, simulate, simulated_truth
from stentrans.section.underlay import Picture, picture_of, warp_picture

__all__ = [
    "Note",
    "Picture",
    "ReadOptions",
    "add_notes",
    "check_section",
    "default_factor",
    "detected_share",
    "filter_spots",
    "find_gene",
    "find_genes",
    "is_result",
    "is_simulated",
    "keep_genes",
    "lattice_of",
    "library_size",
    "log_normalise",
    "measured_frame",
    "measured_values",
    "median_library",
    "mitochondrial_genes",
    "notes_of",
    "on_tissue",
    "options_of",
    "picture_of",
    "pitch_um_of",
    "read",
    "refusal_of",
    "search_genes",
    "simulate",
    "simulated_truth",
    "spot_quality",
    "technology_of",
    "warp_picture",
]
