"""What enhancement finds is counted beside what it would find in nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import stentrans
from stentrans.errors import Cancelled
from stentrans.evaluation.holdout import hidden_folds
from stentrans.patterns.before_after import COLUMNS, NULL_COLUMNS, before_after, permuted_copy
from stentrans.patterns.findings import listed
from stentrans.patterns.gene_sets import match, read_gmt, sets_of
from stentrans.preprocess import keep_genes, library_size


@pytest.fixture(scope="module")
def told(known_section, linear_fit):
    sets = {"Layer genes": [], **sets_of(known_section).sets}
    return before_after(known_section, *linear_fit, gene_sets=sets)


@pytest.fixture(scope="module")
def table(told):
    return told[0].set_index("kind")


def test_every_kind_is_counted_with_its_null(told):
    assert list(told[0].columns) == [*COLUMNS, *NULL_COLUMNS]
    kinds = ["variable genes", "domains", "gene modules", "pathways"]
    assert list(told[0]["kind"]) == kinds


def test_maps_show_patterns_in_nothing_but_hidden_spots_bear_none_out(table):
    genes = table.loc["variable genes"]
    assert genes["shown_null"] > 0.9 * 300
    assert genes["measured_null"] <= 1
    assert genes["supported_null"] <= 1
    assert table.loc["domains", "shown_null"] > 2
    assert table.loc["domains", "supported_null"] <= 1
    assert table.loc["domains", "supported"] > 2
    assert table.loc["gene modules", "supported_null"] <= table.loc["gene modules", "supported"]
    assert table.loc["pathways", "supported_null"] == 0


def test_counts_add_up(told, table):
    genes = told[1].genes
    measured, supported = set(listed(genes, "measured")), set(listed(genes, "supported"))
    shown = set(listed(genes, "shown"))
    row = table.loc["variable genes"]
    assert row["measured"] == len(measured) > 100
    assert row["supported"] == len(supported) > 100
    assert row["new"] == len(supported - measured)
    assert row["unsupported"] == len(shown - supported - measured)


def test_pathways_found_are_families_with_a_pattern(told):
    found = told[1].pathways
    sure = found[(found["list"] == "supported") & (found["p_value"] < 0.05)]
    assert not sure["term"].str.startswith("Flat").any()


def test_permuted_copy_keeps_spots_whole(known_section):
    copy = permuted_copy(known_section, seed=1)
    assert sorted(library_size(copy.X)) == sorted(library_size(known_section.X))
    assert not np.array_equal(library_size(copy.X), library_size(known_section.X))
    pd.testing.assert_frame_equal(copy.obs, known_section.obs, check_dtype=False)


def test_cancelling_stops(known_section, linear_fit):
    with pytest.raises(Cancelled, match="Cancelled on request"):
        before_after(known_section, *linear_fit, on_progress=lambda told: told.fraction < 0.1)


@pytest.mark.slow
def test_enhancement_finds_genes_of_the_olfactory_bulb_that_counts_alone_do_not(shared_data):
    from stentrans.patterns.findings import find_patterns

    section = stentrans.read(shared_data / "st_mouse_ob_Rep11.h5ad")
    section = section[:, keep_genes(section.X, 0.4)].copy()  # about a third of the genes
    fit = stentrans.enhance(section, method="prior"), hidden_folds(section, method="prior")
    sets = match(read_gmt(shared_data / "gene_sets/GO_Biological_Process_2021.gmt"), section)
    found = find_patterns(section, *fit, gene_sets=sets.sets)
    genes = found.genes
    measured, supported = set(listed(genes, "measured")), set(listed(genes, "supported"))
    assert len(supported - measured) > 0.5 * len(measured)
    of_supported = found.pathways[found.pathways["list"] == "supported"]
    best = " ".join(of_supported["term"].head(10))
    assert "synaptic transmission" in best
