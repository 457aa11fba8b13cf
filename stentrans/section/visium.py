"""Space Ranger folders: counts, positions and pictures of one Visium section."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray

from stentrans.errors import SectionFormatError
from stentrans.keys import IN_TISSUE
from stentrans.section.assemble import Parts, assemble
from stentrans.section.files import kind_of, refuse_kind
from stentrans.section.folder import Found, bin_um, find_sections, list_files
from stentrans.section.notes import Note
from stentrans.section.pictures import Pictures, match_pictures, read_pictures
from stentrans.section.positions import PITCH_UM, TOUCHING, VISIUM, VISIUM_HD
from stentrans.section.tenx import TenxMatrix, read_tenx_h5, read_tenx_mtx
from stentrans.section.tissue_positions import PXL_COL, PXL_ROW, read_positions

BINS_TOUCH: Final = (
    "Bins touch each other, so nothing lies between them: enhancing them means filling gaps and "
    "less noise in every bin (factor 1)."
)


def read_visium(found: Found, *, notes: tuple[Note, ...] = ()) -> AnnData:
    """Read one section from the parts that `find_sections` found.

    Parameters
    ----------
    found
        Paths of the parts.
    notes
        What is already known about the way to these files.

    Returns
    -------
    section
        Spots of the matrix that have a position, in the order of the matrix; ``obsm["spatial"]``
        is (pxl_col, pxl_row), so x and y.

    Raises
    ------
    SectionFormatError
        R7 without matrix, R8 without positions, R9 if no barcode matches, others as the parts
        say.
    """
    if found.matrix is None:
        raise SectionFormatError(
            "A section needs counts; there are positions but no count matrix. Add "
            "filtered_feature_bc_matrix.h5.",
            code="R7",
        )
    if found.positions is None:
        raise SectionFormatError(
            "A section needs positions; there are counts but no spot positions. Add the spatial "
            "folder.",
            code="R8",
        )
    matrix = _read_matrix(found)
    positions = read_positions(found.positions)
    order, match_notes = _match(matrix.barcodes, positions.frame.index)
    kept = np.flatnonzero(order >= 0)
    obs = positions.frame.iloc[order[kept]].set_axis(matrix.barcodes[kept])
    pixels = obs[[PXL_COL, PXL_ROW]].to_numpy(np.float64)
    pictures = read_pictures(found.pictures, found.scalefactors)
    marked = obs[IN_TISSUE].eq(1).to_numpy()
    seen = np.isfinite(pixels).all(axis=1) & (marked if marked.any() else True)
    pictures, axes, picture_notes = match_pictures(pictures, pixels[seen])
    side_um = bin_um(found.sample) or pictures.scalefactors.get("bin_size_um")
    library = (matrix.library or found.sample or "section").replace("/", "_")
    return assemble(
        Parts(
            counts=matrix.counts[kept] if len(kept) < len(order) else matrix.counts,
            obs=obs.drop(columns=[PXL_ROW, PXL_COL]),
            var=matrix.var,
            pixels=pixels[:, axes],
            spatial={library: _spatial(pictures)},
            technology=f"{VISIUM_HD}, {side_um:g} µm bins" if side_um else VISIUM,
            library=library,
            notes=(
                *notes,
                *positions.notes,
                *matrix.notes,
                *match_notes,
                *(pictures.notes),
                *picture_notes,
                *([Note("T15", BINS_TOUCH)] if side_um else []),
            ),
            extra={"library": library, **_scale(side_um)},
        )
    )


def _scale(side_um: float | None) -> dict[str, Any]:
    """What is known beforehand of bins: their distance, and that nothing lies between them."""
    return {PITCH_UM: float(side_um), TOUCHING: True} if side_um else {}


def _read_matrix(found: Found) -> TenxMatrix:
    """Counts from HDF5 or from a triplet."""
    assert found.matrix is not None, "checked by read_visium"
    if found.features is not None and found.barcodes is not None:
        return read_tenx_mtx(found.matrix, found.features, found.barcodes)
    kind = kind_of(found.matrix)
    if kind != "HDF5":
        raise refuse_kind(found.matrix.name, kind)
    return read_tenx_h5(found.matrix)


def _match(barcodes: pd.Index, placed: pd.Index) -> tuple[NDArray[np.int64], list[Note]]:
    """Place of each barcode among the positions, -1 where it has none (T17, R9)."""
    order = np.asarray(placed.get_indexer(barcodes), dtype=np.int64)
    if not (order >= 0).any():
        bare = _bare(placed)
        if bare.is_unique:
            order = np.asarray(bare.get_indexer(_bare(barcodes)), dtype=np.int64)
    n_matched = int((order >= 0).sum())
    if not n_matched:
        first = [names[0] if len(names) else "none" for names in (barcodes, placed)]
        raise SectionFormatError(
            f"Counts and positions must share barcodes; no barcode matches ({first[0]} against "
            f"{first[1]}); the files seem to come from different samples. Choose files of one "
            "sample.",
            code="R9",
        )
    is_exact = bool((order >= 0).all()) and bool((placed[order] == barcodes).all())
    if is_exact:
        return order, []
    return order, [Note("T17", f"{n_matched} of {len(barcodes)} barcodes matched.")]


def _bare(names: pd.Index) -> pd.Index:
    """Barcodes without the suffix ``-1``."""
    return pd.Index([str(name).removesuffix("-1") for name in names], dtype=object)


def _spatial(pictures: Pictures) -> dict[str, Any]:
    """One entry of ``uns["spatial"]``, in the form scanpy and squidpy expect."""
    return {
        "images": dict(pictures.images),
        "scalefactors": dict(pictures.scalefactors),
        "metadata": {},
    }


def read_beside(path: Path) -> Found:
    """Return the parts that belong to a 10x matrix which was opened directly."""
    files, _ = list_files(path.parent)
    near = [one for one in find_sections(path.parent.name, files) if one.positions is not None]
    known = [one for one in near if one.matrix == path] or near
    sample = known[0] if len(known) == 1 else Found("", None, None)
    return replace(sample, matrix=path, features=None, barcodes=None)
