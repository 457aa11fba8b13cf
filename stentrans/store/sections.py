"""The name of a section, from its content, and its file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from stentrans.keys import ARRAY_COL, ARRAY_ROW, IN_TISSUE, SPATIAL, STENTRANS

if TYPE_CHECKING:
    from anndata import AnnData

# The notes below uns["stentrans"] that say how far apart the spots are; set by stentrans.section.
SCALE_NOTES = ("pitch_um", "technology")


def section_id(section: AnnData) -> str:
    """Name a section after its content.

    Parameters
    ----------
    section
        Validated section: CSR counts in ``X``.

    Returns
    -------
    id
        Sixteen bytes in hex of the sha256 of counts, positions (array, pixels, in tissue),
        spot names and genes, pitch and technology. The order of stored zeros or columns within a
        row plays no part.
    """
    counts = csr_matrix(section.X, dtype=np.float32, copy=True)
    counts.sum_duplicates()
    counts.eliminate_zeros()
    digest = hashlib.sha256(np.array(counts.shape, np.int64).tobytes())
    digest.update(counts.data.tobytes())
    for integers in (counts.indices, counts.indptr):
        digest.update(integers.astype(np.int64).tobytes())
    for column in (ARRAY_ROW, ARRAY_COL, IN_TISSUE):
        if column in section.obs:
            digest.update(column.encode() + section.obs[column].to_numpy(np.int64).tobytes())
    if SPATIAL in section.obsm:
        digest.update(np.asarray(section.obsm[SPATIAL], np.float64).tobytes())
    for names in (section.obs_names, section.var_names):
        digest.update(json.dumps(list(names)).encode())
    digest.update(json.dumps(_scale_notes(section)).encode())
    return digest.hexdigest()[:32]


def write_section(section: AnnData, path: Path) -> None:
    """Write a section as .h5ad; raises OSError if the disk is full.

    Made in memory first: HDF5 that cannot write what it holds can close its file no more either,
    and takes the whole process along when the file is forgotten. Columns of text with holes, or
    of pandas' own text type, become categories, in ``section`` too, as with ``write_h5ad``.
    """
    import h5py
    from anndata.io import write_elem

    for frame in (section.obs, section.var):
        for name in frame:
            column = frame[name]
            is_holey = column.dtype == object and column.isna().any()
            if is_holey or isinstance(column.dtype, pd.StringDtype):
                frame[name] = pd.Categorical(column.map(str, na_action="ignore").astype(object))
    whole = BytesIO()
    with h5py.File(whole, "w") as file:
        write_elem(file, "/", section)
    path.write_bytes(whole.getbuffer())


def _scale_notes(section: AnnData) -> list[str]:
    """Pitch and technology as text, the same before and after a way through a file."""
    ours = section.uns.get(STENTRANS)
    told = ours if isinstance(ours, Mapping) else {}
    pitch, technology = (told.get(key) for key in SCALE_NOTES)
    return [repr(float(pitch)) if pitch else "", str(technology) if technology else ""]
