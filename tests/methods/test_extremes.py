"""Every registered method on sections at the edge of what is allowed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from stentrans.lattice import enhanced_sites, fit_lattice
from stentrans.methods.base import FitOptions
from stentrans.methods.registry import METHODS, load
from tests.methods.checks import Case
from tests.methods.extremes import EXTREMES, check_many_genes_on_few_spots
from tests.methods.test_contract import QUICK

N_KNOWN = 400


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("check", EXTREMES, ids=lambda check: check.__name__)
def test_method_survives_extremes(
    check: Callable[[Case], None], name: str, hexagonal_counts, hexagonal_array
):
    check(Case(name, hexagonal_counts, fit_lattice(hexagonal_array), QUICK.get(name, {})))


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_method_takes_as_many_genes_as_visium_has(name, square_counts, square_array):
    check_many_genes_on_few_spots(
        Case(name, square_counts, fit_lattice(square_array), QUICK.get(name, {}))
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nearest", "kriging", "lowrank_kriging"])
def test_method_takes_eighty_thousand_spots(name):
    _check_smooth_gene_comes_out(name, 283, {})


@pytest.mark.slow
def test_default_method_takes_more_spots_than_visium_has():
    _check_smooth_gene_comes_out("stentrans", 74, {"steps": 2, "tasks": 1})


def _check_smooth_gene_comes_out(name: str, n_rows: int, settings: dict[str, int]) -> None:
    """Fit forty waves on a hexagonal lattice; ask for the last spots and the first new sites."""
    row, place = np.meshgrid(np.arange(n_rows), np.arange(n_rows), indexing="ij")
    array = np.column_stack([row.ravel(), (2 * place + row % 2).ravel()])
    rng = np.random.default_rng(6)
    wave = np.sin(array / 20 @ rng.normal(size=(2, 40)))
    counts = csr_matrix(rng.poisson(np.exp(wave)).astype(np.float32))
    lattice = fit_lattice(array)
    fitted = load(name).fit(counts, lattice, FitOptions(device="cpu", settings=settings))
    # Measured spots come first, then the sites between them.
    first, last = len(array) - N_KNOWN, len(array) + N_KNOWN
    sites = enhanced_sites(lattice, 2).array[first:last]
    values = fitted.decoder.decode(fitted.predict(sites), np.arange(40), "log")
    assert np.isfinite(values).all()
    assert np.corrcoef(values[:N_KNOWN, 0], wave[first:, 0])[0, 1] > 0.3
