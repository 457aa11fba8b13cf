"""An enhanced section on a picture whose every spot is told by its colour."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pytest
from numpy.typing import NDArray

import stentrans

HIRES, LOWRES, DIAMETER = 0.5, 0.125, 60.0
LIBRARY = "slide A/left"


def painted(pixels: NDArray[np.float64], scale: float) -> NDArray[np.uint8]:
    """A grey picture with a disc under every spot; red is its number, modulo 200."""
    width, height = np.ceil((pixels.max(axis=0) + 100) * scale).astype(int)
    y, x = np.mgrid[:height, :width]
    picture = np.full((height, width, 3), 230, np.uint8)
    for number, centre in enumerate(pixels * scale):
        is_near = np.hypot(x - centre[0], y - centre[1]) <= DIAMETER * scale / 2
        picture[is_near] = (number % 200, 40, 120)
    return picture


@pytest.fixture(scope="session")
def section() -> ad.AnnData:
    """A simulated section on a slide that is mirrored against its picture."""
    made = stentrans.simulate(n_rows=10, n_cols=20)
    pixels = np.asarray(made.obsm["spatial"])
    made.obsm["spatial"] = pixels = np.column_stack(
        [pixels[:, 0].max() - pixels[:, 0] + 90.0, pixels[:, 1] - pixels[:, 1].min() + 150.0]
    )
    made.var["gene_ids"] = [f"ENSG{number:011d}" for number in range(made.n_vars)]
    images = {"hires": painted(pixels, HIRES), "lowres": painted(pixels, LOWRES)}
    scale = {
        "tissue_hires_scalef": HIRES,
        "tissue_lowres_scalef": LOWRES,
        "spot_diameter_fullres": DIAMETER,
        "fiducial_diameter_fullres": 90.0,
    }
    entry = {"images": images, "scalefactors": scale, "metadata": {}}
    made.uns["spatial"] = {LIBRARY: entry}
    return made


@pytest.fixture(scope="session")
def enhancement(section: ad.AnnData) -> stentrans.Enhancement:
    """Twice the resolution, by a method that needs no torch."""
    return stentrans.enhance(section, method="linear")


@pytest.fixture(scope="session")
def h5ad(enhancement: stentrans.Enhancement, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exported file."""
    path = tmp_path_factory.mktemp("exported") / "enhanced.h5ad"
    enhancement.write(path)
    return path
