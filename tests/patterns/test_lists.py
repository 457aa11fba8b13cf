"""Lists and rankings that are asked for pathways, and both answers beside each other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from stentrans.errors import ParameterError
from stentrans.patterns.gene_sets import match, sets_of
from stentrans.patterns.lists import beside, gene_list, list_names, pathways_of, region_list
from stentrans.patterns.markers import domain_markers
from stentrans.patterns.tables import Tables
from stentrans.patterns.variable_genes import variable_genes


@pytest.fixture(scope="module")
def tables(known_section):
    """As `measured_patterns` makes them, with the true regions as domains."""
    domain = known_section.obs["domain"].astype("category").cat.codes.to_numpy(np.int64) + 1
    in_module = [gene for gene in known_section.var_names if gene.startswith("Layer5")]
    frames = {
        "genes": variable_genes(known_section),
        "spots": pd.DataFrame({"site": known_section.obs_names, "domain": domain}),
        "markers": domain_markers(known_section, domain),
        "modules": pd.DataFrame({"gene": in_module, "module": 1, "membership": 0.9}),
    }
    return Tables(frames)


@pytest.fixture(scope="module")
def families(known_section):
    return match(sets_of(known_section), known_section).sets


def test_every_list_ranks_its_own_genes_high(known_section, tables):
    names = list_names(tables)
    assert {"variable", "domain 1", "module 1"} <= set(names)
    for which, size in names.items():
        found = gene_list(known_section, tables, which)
        assert len(found.genes) == size
        assert set(found.ranking.index) <= set(found.background)
        if size:
            place = found.ranking.rank(pct=True)
            assert place[found.genes].mean() > 0.6, which


def test_genes_that_hidden_spots_bear_out_are_a_list_of_their_own(known_section, tables):
    genes = tables["genes"].dropna(subset=["p_value"]).iloc[::-1].reset_index(drop=True)
    genes["support"] = np.arange(len(genes), 0, -1.0)
    genes["support_p_value"] = genes["support_q_value"] = np.linspace(0, 1, len(genes))
    found = gene_list(known_section, Tables({"genes": genes}), "supported")
    assert found.genes == list(genes["gene"][genes["support_q_value"] < 0.05])
    assert found.ranking.idxmax() == genes["gene"].iloc[0]


def test_region_is_rich_in_its_own_genes(known_section, families):
    inside = np.flatnonzero(known_section.obs["domain"] == "Layer5")
    found = pathways_of(region_list(known_section, inside), families)
    table = beside(found).set_index("term")
    assert table.index[0] == "Layer5 genes"
    assert table.loc["Layer5 genes", "q_value"] < 0.01
    assert table.loc["Layer5 genes", "ranked_q_value"] < 0.01
    assert table.loc["Layer5 genes", "score"] > 0


def test_empty_list_still_has_a_ranking(known_section, tables, families, tmp_path):
    found = gene_list(known_section, tables, "variable")
    found.genes.clear()
    asked = pathways_of(found, families)
    assert asked["listed"].empty
    asked.save(tmp_path / "asked")
    table = beside(Tables.load(tmp_path / "asked"))
    assert len(table) == len(asked["ranked"])
    assert (table["hits"] == 0).all()


def test_low_end_of_a_ranking_is_put_after_its_top():
    listed = pd.DataFrame(columns=["term", "hits", "size", "p_value", "p_as_often_seen"])
    ranked = pd.DataFrame(
        {
            "term": ["low", "top"],
            "size": [9, 9],
            "score": [-2.0, 1.5],
            "p_value": [1e-9, 1e-3],
            "q_value": [1e-8, 1e-2],
            "leading_genes": ["A", "B"],
        }
    )
    columns = ["expected", "expected_as_often_seen", "odds_ratio", "q_value", "q_as_often_seen"]
    empty = listed.reindex(columns=[*listed, *columns, "genes"])
    assert list(beside(Tables({"listed": empty, "ranked": ranked}))["term"]) == ["top", "low"]


def test_unknown_list_is_refused(known_section, tables):
    with pytest.raises(ParameterError, match="must be one of variable, domain 1"):
        gene_list(known_section, tables, "domain 99")
