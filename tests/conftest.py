"""Tiny sections and the seeded generator that all tests share; reads no files at import."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

SENTENCE = "a spot is a place where the tissue was asked"
N_GENES = 12
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session", autouse=True)
def home_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep the tests away from the data folder of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("home")
        patch.setenv("STENTRANS_HOME", str(home))
        yield home


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator seeded from a sentence, the same in every test."""
    return np.random.default_rng(list(SENTENCE.encode()))


@pytest.fixture
def square_array() -> NDArray[np.int64]:
    """array_row, array_col of a full square lattice of 6 x 7 spots, shape (42, 2)."""
    row, col = np.meshgrid(np.arange(6), np.arange(7), indexing="ij")
    return np.column_stack([row.ravel(), col.ravel()]).astype(np.int64)


@pytest.fixture
def hexagonal_array() -> NDArray[np.int64]:
    """array_row, array_col of 6 x 8 spots with Visium parity and a hole of 7, shape (41, 2)."""
    row, place = np.meshgrid(np.arange(6), np.arange(8), indexing="ij")
    array = np.column_stack([row.ravel(), (2 * place + row % 2).ravel()]).astype(np.int64)
    hole = {(2, 8), (2, 6), (2, 10), (1, 7), (1, 9), (3, 7), (3, 9)}
    return array[[tuple(spot) not in hole for spot in array.tolist()]]


@pytest.fixture
def square_counts(square_array: NDArray[np.int64], rng: np.random.Generator) -> csr_matrix:
    """Counts of 12 genes on the square lattice, CSR float32 of whole numbers, shape (42, 12)."""
    return _smooth_counts(square_array, rng)


@pytest.fixture
def hexagonal_counts(hexagonal_array: NDArray[np.int64], rng: np.random.Generator) -> csr_matrix:
    """Counts of 12 genes on the hexagonal lattice, CSR float32 of whole numbers, shape (41, 12)."""
    return _smooth_counts(hexagonal_array, rng)


@pytest.fixture
def square_section(square_array: NDArray[np.int64], square_counts: csr_matrix) -> ad.AnnData:
    """A square section as a user would hand it over: counts in X, no pixels."""
    return _section(square_array, square_counts)


@pytest.fixture
def hexagonal_section(
    hexagonal_array: NDArray[np.int64], hexagonal_counts: csr_matrix
) -> ad.AnnData:
    """A hexagonal section with a hole and pixels 50 apart: counts in X."""
    section = _section(hexagonal_array, hexagonal_counts)
    section.obsm["spatial"] = np.column_stack(
        [25.0 * hexagonal_array[:, 1], 25.0 * np.sqrt(3.0) * hexagonal_array[:, 0]]
    )
    return section


@pytest.fixture(params=["square", "hexagonal"])
def tiny_section(request: pytest.FixtureRequest) -> ad.AnnData:
    """Both tiny sections, one after the other."""
    section: ad.AnnData = request.getfixturevalue(f"{request.param}_section")
    return section


@pytest.fixture
def shared_data() -> Path:
    """The folder of real sections beside the project; skips where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real sections (../shared/data) are not on this machine")
    return SHARED_DATA


def _smooth_counts(array: NDArray[np.int64], rng: np.random.Generator) -> csr_matrix:
    """Poisson counts whose rates are waves across the section; every spot has some."""
    plane = array / array.max(axis=0)
    directions = rng.normal(size=(2, N_GENES))
    waves = np.exp(np.sin(3.0 * plane @ directions))
    levels = np.geomspace(0.5, 40.0, N_GENES)
    depth = rng.gamma(8.0, 1.0 / 8.0, size=(len(array), 1))
    return csr_matrix(rng.poisson(waves * levels * depth).astype(np.float32))


def _section(array: NDArray[np.int64], counts: csr_matrix) -> ad.AnnData:
    """Put counts and positions into an AnnData with names."""
    obs = pd.DataFrame(
        {"array_row": array[:, 0], "array_col": array[:, 1], "in_tissue": 1},
        index=[f"{row}x{col}" for row, col in array.tolist()],
    )
    var = pd.DataFrame(index=[f"GENE{number}" for number in range(counts.shape[1])])
    return ad.AnnData(counts.copy(), obs=obs, var=var)
