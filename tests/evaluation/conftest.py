"""A small simulated section, a hold-out of known rates, and a method that learns by heart."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

import stentrans
from stentrans.evaluation.bootstrap import spatial_blocks
from stentrans.evaluation.preparation import prepare_hold_out
from stentrans.evaluation.protocols import splits
from stentrans.lattice import fit_lattice
from stentrans.methods import registry
from tests.evaluation.fakes import Memory

N_GENES = 30


@pytest.fixture(scope="session")
def section():
    """A small simulated section with a strong pattern; not to be changed."""
    return stentrans.simulate(lattice="square", n_rows=20, n_cols=20, seed=1)


@pytest.fixture
def with_memory(monkeypatch):
    """Put the method that learns by heart in the place of ``paper``."""
    load = registry.load
    monkeypatch.setattr(registry, "METHODS", {**registry.METHODS, "paper": "Learns by heart."})
    monkeypatch.setattr(registry, "load", lambda name: Memory() if name == "paper" else load(name))


@pytest.fixture(scope="session")
def large_lattice():
    """A square lattice of 16 x 16 spots."""
    row, col = np.meshgrid(np.arange(16), np.arange(16), indexing="ij")
    return fit_lattice(np.column_stack([row.ravel(), col.ravel()]))


@pytest.fixture(scope="session")
def rates(large_lattice):
    """Expected counts: waves at very different depths, shape (256, 30)."""
    rng = np.random.default_rng(3)
    waves = np.exp(np.sin(large_lattice.array @ rng.normal(0, 0.3, (2, N_GENES))))
    return waves * np.geomspace(5, 80, N_GENES) * rng.gamma(8, 1 / 8, (256, 1))


@pytest.fixture(scope="session")
def split(large_lattice, rates):
    """Counts of the first thinning phase."""
    counts = csr_matrix(np.random.default_rng(4).poisson(rates).astype(np.float32))
    return next(splits(counts, large_lattice, "thinning", 1, 0))


@pytest.fixture(scope="session")
def hold_out(large_lattice, split):
    """What is hidden of them."""
    block = spatial_blocks(large_lattice.plane(large_lattice.array), 8)
    return prepare_hold_out(split, large_lattice, block=block, seed=0)
