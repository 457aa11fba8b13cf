"""Genes of one pattern come into one module."""

from __future__ import annotations

import pandas as pd
import pytest
from sklearn.metrics import normalized_mutual_info_score

from stentrans.errors import MissingKeyError, ParameterError
from stentrans.patterns.modules import LEAST_MEMBERSHIP, SMALLEST, find_modules

FAMILIES = ("Layer1", "Layer3", "Layer5", "Blob1", "Texture")


@pytest.fixture(scope="module")
def genes(known_section):
    family = known_section.var["family"]
    return list(known_section.var_names[family.isin(FAMILIES)])


@pytest.mark.parametrize("is_enhanced", [False, True], ids=["measured", "enhanced"])
def test_modules_are_the_families(known_section, linear_fit, genes, is_enhanced):
    found = find_modules(known_section, genes, linear_fit[0] if is_enhanced else None).genes
    grouped = found[found["module"] > 0]
    assert len(grouped) > 0.8 * len(genes)
    family = grouped["gene"].str.partition("-")[0]
    assert normalized_mutual_info_score(family, grouped["module"]) > 0.75


def test_genes_without_a_pattern_are_hardly_members(known_section, genes):
    flat = list(known_section.var_names[known_section.var["family"] == "Flat"][:30])
    found = find_modules(known_section, genes + flat).genes.set_index("gene")
    assert found.loc[flat, "membership"].median() < found.loc[genes, "membership"].median() / 2


def test_table_lists_modules_by_size_and_their_surest_genes_first(known_section, genes):
    found = find_modules(known_section, genes)
    table = found.genes[found.genes["module"] > 0]
    assert list(table["module"]) == sorted(table["module"])
    sizes = table["module"].value_counts().sort_index()
    assert sizes.is_monotonic_decreasing
    assert sizes.min() >= SMALLEST
    for _, part in table.groupby("module"):
        assert part["membership"].is_monotonic_decreasing
        assert part["membership"].min() >= LEAST_MEMBERSHIP
    assert found.as_sets()["Module 1"] == list(table["gene"][table["module"] == 1])


def test_same_seed_same_modules(known_section, genes):
    one, other = (find_modules(known_section, genes, seed=4).genes for _ in range(2))
    pd.testing.assert_frame_equal(one, other)


def test_too_few_genes_are_refused(known_section, genes):
    with pytest.raises(ParameterError, match="At least 10 genes must vary in space"):
        find_modules(known_section, genes[:9])


def test_unknown_gene_is_refused(known_section, genes):
    with pytest.raises(MissingKeyError, match="nobody"):
        find_modules(known_section, [*genes, "nobody"])
