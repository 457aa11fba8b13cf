"""A section on a slide with two pictures, and results of three kinds."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pytest

import stentrans

SCALE = {
    "tissue_hires_scalef": 0.5,
    "tissue_lowres_scalef": 0.1,
    "spot_diameter_fullres": 30.0,
}


@pytest.fixture
def slide_section(hexagonal_section) -> ad.AnnData:
    """A hexagonal section with ids, pictures and a name that would split a key."""
    rng = np.random.default_rng(0)
    images = {
        "hires": rng.integers(0, 255, (160, 220, 3)).astype(np.uint8),
        "lowres": rng.integers(0, 255, (32, 44, 3)).astype(np.uint8),
    }
    entry = {"images": images, "scalefactors": dict(SCALE), "metadata": {}}
    hexagonal_section.uns["spatial"] = {"patient 1/left": entry}
    hexagonal_section.var["gene_ids"] = [f"ENSG{n:011d}" for n in range(hexagonal_section.n_vars)]
    return hexagonal_section


@pytest.fixture(params=["prior", "linear", "nedi"])
def enhancement(request, hexagonal_section) -> stentrans.Enhancement:
    """A result with dense factors, one with sparse ones, and one of images."""
    return stentrans.enhance(hexagonal_section, method=request.param)
