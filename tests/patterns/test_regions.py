from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pytest
from scipy import stats
from scipy.sparse import csr_matrix

from stentrans.errors import ParameterError, ShapeError, StoreError
from stentrans.patterns.regions import (
    Markers,
    differential_expression,
    markers,
    region_statistics,
)
from stentrans.preprocess import log_normalise, median_library
from stentrans.section import check_section


@pytest.fixture
def section(hexagonal_section: ad.AnnData) -> ad.AnnData:
    """One gene is four times as frequent in the upper half; another is never seen there."""
    counts = hexagonal_section.X.toarray()
    upper = hexagonal_section.obs["array_row"].to_numpy() < 3
    counts[upper, 5] = 4 * counts[upper, 5] + 4
    counts[upper, 7] = 0
    hexagonal_section.X = csr_matrix(counts)
    return check_section(hexagonal_section)


@pytest.fixture
def upper(section: ad.AnnData) -> np.ndarray:
    return (section.obs["array_row"] < 3).to_numpy()


def test_gene_of_the_region_comes_first(section: ad.AnnData, upper: np.ndarray) -> None:
    table = differential_expression(section, upper)
    row = table.iloc[0]
    assert row["gene"] in ("GENE5", "GENE7")
    assert set(table["gene"]) == set(section.var_names)
    up = table.set_index("gene").loc["GENE5"]
    assert up["q_value"] < 0.01
    assert 1 < up["log2_fold_change"] < 5
    assert up["mean_region"] > up["mean_reference"]
    gone = table.set_index("gene").loc["GENE7"]
    assert gone["share_region"] == 0
    assert gone["score"] < 0


def test_p_values_are_those_of_the_rank_sum_test(section: ad.AnnData, upper: np.ndarray) -> None:
    table = differential_expression(section, upper).set_index("gene")
    values = log_normalise(csr_matrix(section.X), median_library(section.X)).toarray()
    for i, gene in enumerate(section.var_names):
        expected = stats.mannwhitneyu(
            values[upper, i], values[~upper, i], method="asymptotic", use_continuity=False
        ).pvalue
        assert table.loc[gene, "p_value"] == pytest.approx(expected, rel=1e-3)


def test_another_region_can_be_the_reference(section: ad.AnnData, upper: np.ndarray) -> None:
    row = section.obs["array_row"].to_numpy()
    lowest, shared = row > 4, row == 3
    table = differential_expression(section, upper | shared, lowest | shared)
    same = differential_expression(section, upper, lowest)
    assert table.equals(same)
    assert not table.equals(differential_expression(section, upper))
    with pytest.raises(ParameterError, match="the region has 0"):
        differential_expression(section, upper, upper)


def test_section_is_left_as_it_was(section: ad.AnnData, upper: np.ndarray) -> None:
    before = section.copy()
    differential_expression(section, upper, test="t-test")
    assert (before.X != section.X).nnz == 0
    assert list(section.obs) == list(before.obs)
    assert set(section.uns) == set(before.uns)


def test_region_of_a_few_spots_is_refused(section: ad.AnnData) -> None:
    few = np.arange(section.n_obs) < 4
    with pytest.raises(ParameterError, match="at least 5 spots of their own; the region has 4"):
        differential_expression(section, few)
    with pytest.raises(ParameterError, match="the reference has 4"):
        differential_expression(section, ~few)


def test_mask_of_another_section_is_refused(section: ad.AnnData) -> None:
    with pytest.raises(ShapeError, match=r"one truth value per spot, 41; got shape \(7,\)"):
        differential_expression(section, np.ones(7, bool))


def test_unknown_test_is_refused(section: ad.AnnData, upper: np.ndarray) -> None:
    with pytest.raises(ParameterError, match="wilcoxon"):
        differential_expression(section, upper, test="guess")


def test_comparison_is_saved_and_read_back(
    section: ad.AnnData, upper: np.ndarray, tmp_path: Path
) -> None:
    section.var_names = ["NA", *section.var_names[1:]]
    found = markers(section, np.flatnonzero(upper).tolist(), test="t-test")
    found.save(tmp_path)
    again = Markers.load(tmp_path)
    assert again.table["gene"].tolist() == found.table["gene"].tolist()
    assert again.table["p_value"].to_numpy() == pytest.approx(found.table["p_value"].to_numpy())
    assert again.summary["genes"] == 12
    with pytest.raises(StoreError, match="saved comparison of regions"):
        Markers.load(tmp_path / "nothing")


def test_position_that_is_no_spot_is_refused(section: ad.AnnData) -> None:
    with pytest.raises(ParameterError, match="from 0 to 40; got 0 to 41"):
        markers(section, list(range(42)))


def test_statistics_of_groups() -> None:
    table = region_statistics({"in": np.array([0.0, 1.0, 2.0]), "none": np.array([])})
    assert table["group"].tolist() == ["in"]
    row = table.iloc[0]
    assert (row["n"], row["mean"], row["median"]) == (3, 1.0, 1.0)
    assert row["detected"] == pytest.approx(2 / 3)
