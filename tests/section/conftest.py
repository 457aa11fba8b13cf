"""A section as Space Ranger would measure it, and its folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anndata as ad
import pytest

from stentrans.section import simulate
from tests.section.writers import positions_text, write_pictures, write_tenx_h5


@pytest.fixture
def visium_section() -> ad.AnnData:
    """A simulated hexagonal section with barcodes and ids, about 85 spots."""
    section = simulate(n_rows=10, n_cols=20)
    section.obs_names = [f"SPOT{number:04d}-1" for number in range(section.n_obs)]
    section.var["gene_ids"] = [f"ENSG0000000{number:04d}" for number in range(section.n_vars)]
    return section


@pytest.fixture
def write_outs(visium_section: ad.AnnData) -> Callable[..., Path]:
    """Write a complete ``outs`` folder of Space Ranger 1 or 2 and return it."""

    def write(folder: Path, *, version: int = 1, prefix: str = "") -> Path:
        spatial = folder / "spatial"
        spatial.mkdir(parents=True)
        write_tenx_h5(folder / f"{prefix}filtered_feature_bc_matrix.h5", visium_section)
        name = "tissue_positions_list.csv" if version == 1 else "tissue_positions.csv"
        text = positions_text(visium_section, header=version > 1)
        (spatial / f"{prefix}{name}").write_text(text)
        write_pictures(spatial, visium_section)
        for path in list(spatial.iterdir()) if prefix else []:
            if not path.name.startswith(prefix):
                path.rename(path.with_name(prefix + path.name))
        return folder

    return write
