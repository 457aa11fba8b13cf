"""One tiny section with a hole, enhanced and tested by a quick method, shared by all tests."""

from __future__ import annotations

import anndata as ad
import pytest

import stentrans
from stentrans.evaluation import HeldOut, hidden_folds
from stentrans.report.results import Results

STRANGE = "a/b<i>&\"c',d; $x$ ENSG00000000001.12_PAR_Y_of_60_characters_"
"""A gene's name of sixty characters with all that could be taken for markup."""


@pytest.fixture(scope="session")
def named_section() -> ad.AnnData:
    section = stentrans.simulate(lattice="hexagonal", n_rows=9, n_cols=10, seed=2)
    names = section.var_names.to_numpy(dtype=object)
    names[0] = STRANGE
    section.var_names = names
    return section


@pytest.fixture(scope="session")
def enhanced(named_section: ad.AnnData) -> stentrans.Enhancement:
    return stentrans.enhance(named_section, method="linear")


@pytest.fixture(scope="session")
def held_out(named_section: ad.AnnData) -> HeldOut:
    return hidden_folds(named_section, method="linear")


@pytest.fixture(scope="session")
def results(enhanced: stentrans.Enhancement, held_out: HeldOut) -> Results:
    return Results.of(enhanced, held_out=held_out)
