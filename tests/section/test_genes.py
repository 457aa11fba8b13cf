"""Genes are found by symbol or id in any case; frames hold measured values."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pytest
from scipy.sparse import csc_matrix, csr_matrix

from stentrans.errors import MissingKeyError, ParameterError
from stentrans.preprocess import log_normalise, median_library
from stentrans.section import check_section, find_gene, find_genes, measured_frame, search_genes
from stentrans.section.genes import gene_positions, measured_values


@pytest.fixture
def section(hexagonal_section) -> ad.AnnData:
    hexagonal_section.var_names = [
        "Actb", "ACTB", "Gapdh", "mt-Co1", "Sox2", "Sox20", "Pax6", "Olig2", "Mbp", "Plp1", "Neat1",
        "Malat1",
    ]  # fmt: skip
    hexagonal_section.var["gene_ids"] = [f"ENSMUSG0000000{number:04d}" for number in range(12)]
    return check_section(hexagonal_section)


def test_symbol_is_found_in_any_case(section):
    assert find_gene(section, "sox2") == "Sox2"
    assert find_gene(section, " MT-CO1 ") == "mt-Co1"


def test_exact_symbol_wins_over_another_case(section):
    assert find_genes(section, ["ACTB", "Actb"]) == ["ACTB", "Actb"]


def test_id_is_found_with_and_without_version(section):
    assert find_gene(section, "ENSMUSG00000000004") == "Sox2"
    assert find_gene(section, "ensmusg00000000004.7") == "Sox2"


def test_genes_come_in_the_order_asked_each_once(section):
    assert find_genes(section, ["pax6", "Mbp", "PAX6"]) == ["Pax6", "Mbp"]


def test_unknown_gene_names_close_ones(section):
    with pytest.raises(MissingKeyError, match=r"'Soxx2' is not.*Sox2"):
        find_genes(section, ["Mbp", "Soxx2"])


def test_gene_positions_are_columns(section):
    assert gene_positions(section, ["mbp", "Gapdh"]).tolist() == [8, 2]


def test_search_puts_the_exact_name_first_then_beginnings(section):
    assert search_genes(section, "sox2") == ["Sox2", "Sox20"]
    assert search_genes(section, "1")[:2] != []
    assert search_genes(section, "at1") == ["Malat1", "Neat1"]


def test_search_is_limited(section):
    assert len(search_genes(section, "", limit=3)) == 3


def test_search_refuses_a_limit_of_zero(section):
    with pytest.raises(ParameterError, match="limit must be at least 1"):
        search_genes(section, "a", limit=0)


def test_measured_log_values_are_the_log_normalised_ones(section):
    full = log_normalise(section.X, median_library(section.X)).toarray()
    np.testing.assert_allclose(measured_values(section, ["Mbp"]), full[:, [8]], rtol=1e-6)


def test_measured_counts_are_the_counts(section):
    values = measured_values(section, ["Mbp", "Pax6"], "counts")
    np.testing.assert_array_equal(values, section.X[:, [8, 6]].toarray())


def test_measured_scale_must_be_known(section):
    with pytest.raises(ParameterError, match="scale must be one of log, counts, composition"):
        measured_values(section, ["Mbp"], "cpm")


def test_measured_frame_has_positions_pixels_and_genes(section):
    frame = measured_frame(section, ["mbp"], "counts")
    assert frame.columns.tolist() == ["array_row", "array_col", "in_tissue", "x_px", "y_px", "Mbp"]
    assert frame.index.equals(section.obs_names)
    assert frame["Mbp"].dtype == np.float32


def test_measured_frame_without_pixels_has_none(square_section):
    frame = measured_frame(check_section(square_section), ["GENE1"])
    assert "x_px" not in frame


def test_count_that_is_stored_in_two_parts_is_their_sum(section):
    parts = section.X.copy()
    twice = csr_matrix(
        (np.tile(parts.data, 2), np.tile(parts.indices, 2), [0, 2 * parts.nnz]),
        shape=(1, parts.shape[1]),
    )
    twice.sort_indices()
    whole = ad.AnnData(csr_matrix(parts.sum(axis=0) * 2), var=section.var)
    two_parts = ad.AnnData(csr_matrix(twice.shape, dtype=np.float32), var=section.var)
    two_parts.X = twice
    np.testing.assert_allclose(
        measured_values(two_parts, ["Mbp", "Pax6"], "counts"),
        measured_values(whole, ["Mbp", "Pax6"], "counts"),
    )


@pytest.mark.parametrize("n_genes", [1, 12])
@pytest.mark.parametrize("as_stored", [csr_matrix, csc_matrix, np.asarray])
def test_counts_are_found_however_they_are_stored(section, as_stored, n_genes):
    dense = section.X.toarray()
    dense[3] = 0
    section.X = as_stored(dense)
    names = list(section.var_names[:n_genes])
    np.testing.assert_array_equal(measured_values(section, names, "counts"), dense[:, :n_genes])
