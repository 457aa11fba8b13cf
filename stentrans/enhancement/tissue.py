"""A section as methods take it, and what they answer as an enhancement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from stentrans import export
from stentrans.enhancement.result import Enhancement
from stentrans.keys import ARRAY_COL, ARRAY_ROW, GENE_IDS, ORIGIN, ORIGINS, SPATIAL
from stentrans.lattice import Lattice, Sites, fit_lattice
from stentrans.methods.base import Fitted
from stentrans.section import check_section, on_tissue, pitch_um_of

if TYPE_CHECKING:
    from anndata import AnnData


def prepare(section: AnnData) -> tuple[AnnData, Lattice]:
    """Validate a section and return its spots on tissue, as a new AnnData, with their lattice."""
    tissue = on_tissue(check_section(section))
    array = tissue.obs[[ARRAY_ROW, ARRAY_COL]].to_numpy(np.int64)
    pixels = tissue.obsm.get(SPATIAL)
    return tissue, fit_lattice(array, pixels, pitch_um=pitch_um_of(tissue))


def at_sites(
    tissue: AnnData,
    lattice: Lattice,
    sites: Sites,
    fitted: Fitted,
    provenance: dict[str, Any],
) -> Enhancement:
    """Ask a fitted method for sites, the spots of ``tissue`` among them."""
    return Enhancement(
        sites=site_frame(tissue, lattice, sites),
        genes=tissue.var_names.copy(),
        prediction=fitted.predict(sites.array),
        decoder=fitted.decoder,
        measured=tissue.X,
        provenance=provenance,
        gene_ids=_gene_ids(tissue),
        slide=export.Slide.of(tissue),
    )


def site_frame(tissue: AnnData, lattice: Lattice, sites: Sites) -> pd.DataFrame:
    """Describe sites as a table, see `Enhancement.sites`."""
    x_um, y_um = lattice.to_um(sites.array).T
    frame = pd.DataFrame(
        {ARRAY_ROW: sites.array[:, 0], ARRAY_COL: sites.array[:, 1], "x_um": x_um, "y_um": y_um}
    )
    if lattice.to_pixels is not None:
        frame["x_px"], frame["y_px"] = lattice.to_pixels(sites.array).T
    names = np.array(ORIGINS, dtype=object)[sites.origin]
    frame[ORIGIN] = pd.Categorical(names, categories=list(ORIGINS))
    labels = np.array([f"{name}-{i:05d}" for i, name in enumerate(names)], dtype=object)
    is_spot = sites.spot >= 0
    labels[is_spot] = tissue.obs_names.to_numpy()[sites.spot[is_spot]]
    frame.index = pd.Index(labels)
    return frame


def _gene_ids(tissue: AnnData) -> list[str] | None:
    """Ids of the genes, where the section has them."""
    return list(tissue.var[GENE_IDS].astype(str)) if GENE_IDS in tissue.var else None
