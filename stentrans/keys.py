"""Every key under which a section keeps something, written once."""

from __future__ import annotations

from typing import Final

ARRAY_ROW: Final = "array_row"
ARRAY_COL: Final = "array_col"
IN_TISSUE: Final = "in_tissue"
ORIGIN: Final = "origin"
SPATIAL: Final = "spatial"
"""``obsm`` key: (x, y) = (pxl_col, pxl_row) in full-resolution pixels."""
COUNTS: Final = "counts"
SD: Final = "sd"
MEASURED_LAYER: Final = "measured"
GENE_IDS: Final = "gene_ids"
LIBRARY_ID: Final = "library_id"
STENTRANS: Final = "stentrans"
"""``uns`` key of everything of ours."""
X_IS: Final = "X_is"
NOTES: Final = "notes"
"""Below ``uns["stentrans"]``: JSON list of code and sentence, what was found and assumed."""

MEASURED: Final = "measured"
INSERTED: Final = "inserted"
GAP: Final = "gap"
ORIGINS: Final = (MEASURED, INSERTED, GAP)
