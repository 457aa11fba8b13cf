"""Genes that vary are found; depth, chance and rarity are not taken for patterns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

import stentrans
from stentrans.errors import Cancelled, SectionFormatError
from stentrans.patterns import find_domains, find_modules, variable_genes
from stentrans.patterns.before_after import permuted_copy
from stentrans.patterns.residuals import CountResiduals
from stentrans.patterns.variable_genes import FEWEST_SPOTS


@pytest.fixture(scope="module")
def table(section):
    return variable_genes(section)


@pytest.fixture(scope="module")
def known_table(known_section):
    return variable_genes(known_section)


def found(table):
    """Genes called variable at a false discovery rate of 5 %."""
    return set(table["gene"][table["q_value"] < 0.05])


def test_genes_with_a_pattern_are_found_and_others_are_not(known_table):
    flat = {name for name in known_table["gene"] if name.startswith("Flat")}
    patterned = set(known_table["gene"]) - flat
    assert len(found(known_table) & patterned) > 0.85 * len(patterned)
    assert len(found(known_table) & flat) < 0.1 * len(flat)


def test_surest_genes_come_first(known_table):
    assert known_table["p_value"].is_monotonic_increasing
    assert not known_table["gene"].head(100).str.startswith("Flat").any()


def test_depth_that_varies_in_space_is_no_pattern(flat_section):
    table = variable_genes(flat_section)
    assert (table["p_value"] < 0.05).mean() < 0.09
    assert len(found(table)) <= 1


def test_permuted_spots_show_nothing(permuted_section):
    table = variable_genes(permuted_section)
    assert (table["p_value"] < 0.05).mean() < 0.09
    assert len(found(table)) <= 1


def test_wide_patterns_are_told_from_narrow_ones(table):
    wide = table[table["gene"].str.startswith("Gradient")]["range_spots"].median()
    narrow = table[table["gene"].str.startswith("Texture")]["range_spots"].median()
    assert wide > narrow


def test_q_values_are_those_of_benjamini_and_hochberg(table):
    p_values = table["p_value"].to_numpy()
    n = len(p_values)
    expected = np.minimum.accumulate((p_values * n / np.arange(1, n + 1))[::-1])[::-1]
    np.testing.assert_allclose(table["q_value"], np.minimum(expected, 1))


def test_order_of_genes_plays_no_part(section, table):
    turned = variable_genes(section[:, ::-1].copy())
    merged = table.merge(turned, on="gene", validate="one_to_one")
    assert len(merged) == len(table)
    np.testing.assert_allclose(merged["p_value_x"], merged["p_value_y"], rtol=1e-3)


def test_rare_genes_are_listed_but_not_tested(section):
    rare = section.copy()
    counts = rare.X.toarray()
    counts[:, 0] = 0
    counts[: FEWEST_SPOTS - 1, 0] = 5
    counts[:, 1] = 0
    rare.X = csr_matrix(counts)
    last = variable_genes(rare).iloc[-1]
    assert last["gene"] == section.var_names[0]
    assert last["spots"] == FEWEST_SPOTS - 1
    assert np.isnan(last["p_value"])
    assert np.isnan(last["q_value"])
    assert section.var_names[1] not in set(variable_genes(rare)["gene"])


def test_spots_without_counts_take_no_part(section, table):
    with_empty = section.copy()
    counts = with_empty.X.toarray()
    counts[[3, 40]] = 0
    with_empty.X = csr_matrix(counts)
    again = variable_genes(with_empty)
    both = table.merge(again, on="gene")
    assert np.corrcoef(both["statistic_x"], both["statistic_y"])[0, 1] > 0.99


def test_same_seed_same_table_and_input_unchanged(section, table):
    before = section.X.copy()
    assert variable_genes(section, seed=0).equals(table)
    assert (section.X != before).nnz == 0


def test_cancelling_stops(section):
    with pytest.raises(Cancelled, match="Cancelled on request"):
        variable_genes(section, on_progress=lambda told: told.stage != "testing genes")


def test_section_without_a_gene_seen_often_enough_is_answered(tiny_section):
    few = tiny_section.copy()
    counts = np.zeros(few.shape, np.float32)
    counts[np.arange(few.n_obs), np.arange(few.n_obs) % few.n_vars] = 1
    few.X = csr_matrix(counts)
    table = variable_genes(few)
    assert len(table) == few.n_vars
    assert table["p_value"].isna().all()


def test_unusable_section_is_refused(section):
    with pytest.raises(SectionFormatError, match="at least 30 spots"):
        variable_genes(section[:20].copy())


def test_known_genes_lead_on_the_olfactory_bulb(shared_data):
    table = variable_genes(stentrans.read(shared_data / "st_mouse_ob_Rep11.h5ad"))
    first = list(table["gene"].head(100))
    # Granule cells, olfactory nerve and mitral cells, in the layer markers of Stahl et al. 2016.
    assert {"Penk", "Doc2g", "Omp", "Kctd12"} <= set(table["gene"].head(400))
    assert len({"Penk", "Omp", "Doc2g", "Pcp4", "Fabp7", "Apoe"} & set(first)) >= 4


def test_immune_and_melanoma_genes_lead_on_the_melanoma(shared_data):
    table = variable_genes(stentrans.read(shared_data / "st_human_melanoma_mel1_rep1.h5ad"))
    assert {"CD37", "CD74", "SPP1", "PMEL"} <= set(table["gene"].head(60))


@pytest.mark.parametrize("name", ["st_human_melanoma_mel1_rep1", "visium_mouse_muscle_Vis7B_5dpi"])
def test_permuted_real_sections_show_nothing(shared_data, name):
    section = stentrans.read(shared_data / f"{name}.h5ad")
    below, discoveries = [], 0
    for seed in range(3):
        table = variable_genes(permuted_copy(section, seed=seed))
        below.append((table["p_value"].dropna() < 0.05).mean())
        discoveries += len(found(table))
    assert np.mean(below) < 0.065
    assert np.mean(below) > 0.035
    assert discoveries <= 5


@pytest.mark.slow
def test_immune_and_melanocytic_regions_of_the_melanoma_part(shared_data):
    section = stentrans.read(shared_data / "st_human_melanoma_mel1_rep1.h5ad")
    genes = variable_genes(section)
    domains = find_domains(section)
    modules = find_modules(section, list(genes.loc[genes["q_value"] < 0.05, "gene"])).genes
    module = modules.set_index("gene")["module"]
    assert module["CD37"] == module["MS4A1"] > 0
    assert module["PMEL"] != module["CD37"]
    residuals = CountResiduals(section.X)
    columns = section.var_names.get_indexer(["CD37", "MS4A1", "PMEL", "CSPG4"])
    mean = pd.DataFrame(residuals.of(columns)).groupby(domains.spots["domain"].to_numpy()).mean()
    immune = mean[0].idxmax()
    assert mean[1].idxmax() == immune
    assert (mean.loc[immune, [2, 3]] < 0).all()
    assert (mean.loc[mean[2].idxmax(), [0, 1]] < 0).all()
