"""Gene sets whose score varies in space, by counts and by hidden spots."""

from __future__ import annotations

import numpy as np
import pytest

from stentrans.errors import ShapeError
from stentrans.patterns.activity import active_sets
from stentrans.patterns.gene_sets import sets_of


@pytest.fixture(scope="module")
def families(known_section):
    return {"nothing": ["nobody"], **sets_of(known_section).sets}


@pytest.fixture(scope="module")
def table(known_section, families, linear_fit):
    return active_sets(known_section, families, linear_fit[1]).set_index("term")


def test_families_with_a_pattern_are_active_and_the_flat_one_is_not(table):
    layers = [f"Layer{k} genes" for k in range(1, 6)]
    assert (table.loc[layers, "q_value"] < 1e-6).all()
    assert (table.loc[layers, "support_q_value"] < 1e-6).all()
    assert table.loc["Flat genes", "size"] == 134


def test_set_without_genes_has_no_numbers(table):
    assert table.loc["nothing", "size"] == 0
    assert np.isnan(table.loc["nothing", "p_value"])
    assert np.isnan(table.loc["nothing", "support_q_value"])


def test_permuted_spots_leave_no_set_active(permuted_section, families, linear_fit_of_nothing):
    table = active_sets(permuted_section, families, linear_fit_of_nothing[1]).dropna()
    assert (table["q_value"] > 0.05).all()
    assert (table["support_q_value"] > 0.05).all()


def test_without_a_hold_out_support_is_unknown(known_section, families):
    table = active_sets(known_section, families)
    assert table["support"].isna().all()
    assert list(table["term"]) == list(families)


def test_hold_out_of_another_section_is_refused(known_section, families, linear_fit):
    with pytest.raises(ShapeError, match="must be that of this section"):
        active_sets(known_section[:100].copy(), families, linear_fit[1])
