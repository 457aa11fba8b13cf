"""Genes found in one section are looked for in the counts of another."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from stentrans.errors import ParameterError
from stentrans.patterns import variable_genes
from stentrans.patterns.replicate import replicated


@pytest.fixture(scope="module")
def of_other(known_section):
    """The same tissue counted again, at half the depth."""
    other = known_section.copy()
    half = np.random.default_rng(9).binomial(other.X.toarray().astype(np.int64), 0.5)
    other.X = csr_matrix(half.astype(np.float32))
    return variable_genes(other)


def test_genes_that_vary_vary_again(known_section, of_other):
    table = replicated(variable_genes(known_section), of_other)
    assert list(table["found"]) == ["measured"]
    row = table.iloc[0]
    assert row["replicated"] > 0.7 * row["genes"]
    assert row["expected"] < 0.3 * row["genes"]
    assert row["p_value"] < 1e-6


def test_genes_named_by_chance_do_not_replicate(known_section, of_other):
    genes = variable_genes(known_section)
    rng = np.random.default_rng(10)
    genes["q_value"] = np.where(rng.random(len(genes)) < 0.3, 0.01, 0.5)
    row = replicated(genes, of_other).iloc[0]
    assert row["p_value"] > 0.01


def test_new_genes_are_those_supported_but_not_measured(known_section, of_other):
    genes = variable_genes(known_section)
    genes["support_q_value"] = 0.01
    table = replicated(genes, of_other).set_index("found")
    n_measured = int((genes["q_value"] < 0.05).sum())
    assert table.loc["new", "genes"] == len(genes) - n_measured
    assert table.loc["supported", "genes"] == len(genes)


def test_sections_of_other_genes_are_refused(known_section):
    ours = variable_genes(known_section)
    theirs = ours.assign(gene=ours["gene"] + "x")
    with pytest.raises(ParameterError, match="at least 100 tested genes in common"):
        replicated(ours, pd.DataFrame(theirs))
