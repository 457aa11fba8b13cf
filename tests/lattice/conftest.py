"""Lattices of all kinds, small and large, and the real sections where they are."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pytest
from numpy.typing import NDArray


def _parity(n_rows: int, n_cols: int) -> NDArray[np.int64]:
    return np.array([(r, c) for r in range(n_rows) for c in range(r % 2, n_cols, 2)])


@pytest.fixture
def full_hexagonal_array() -> NDArray[np.int64]:
    """All positions of a hexagonal lattice of 8 rows with 8 spots each."""
    return _parity(8, 16)


@pytest.fixture
def full_arrays(square_array, full_hexagonal_array) -> dict[str, NDArray[np.int64]]:
    """Lattices without holes, by kind."""
    return {"square": square_array, "hexagonal": full_hexagonal_array}


@pytest.fixture
def visium_array() -> NDArray[np.int64]:
    """All 4,992 positions of a Visium slide."""
    return _parity(78, 128)


@pytest.fixture
def real_section(shared_data: Path):
    """Read array positions and pixels of a named real section."""

    def read(name: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        section = ad.read_h5ad(shared_data / f"{name}.h5ad", backed="r")
        array = section.obs[["array_row", "array_col"]].to_numpy().astype(np.int64)
        pixels = section.obsm["spatial"]
        section.file.close()
        return array, pixels

    return read
