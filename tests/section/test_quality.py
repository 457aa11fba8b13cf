"""What is measured of each spot, and poor spots set aside."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pytest

from stentrans import enhance
from stentrans.errors import MissingKeyError, ParameterError, SectionFormatError
from stentrans.section import check_section, filter_spots, notes_of, spot_quality
from stentrans.section.quality import high_outlier, low_outlier, poor_spots
from stentrans.store import section_id

MIDDLE = "3x3"


@pytest.fixture
def section(square_section: ad.AnnData) -> ad.AnnData:
    """6 x 7 spots; the middle one has a single count, a corner many mitochondrial ones."""
    names = [f"mt-{name}" if i < 2 else name for i, name in enumerate(square_section.var_names)]
    square_section.var_names = names
    counts = square_section.X.tolil()
    counts[[square_section.obs_names.get_loc(MIDDLE)]] = 0
    counts[square_section.obs_names.get_loc(MIDDLE), 5] = 1
    counts[square_section.obs_names.get_loc("0x0"), 0] = 10_000
    square_section.X = counts.tocsr()
    return check_section(square_section)


def test_quality_counts_what_is_there(section: ad.AnnData) -> None:
    quality = spot_quality(section)
    dense = section.X.toarray()
    np.testing.assert_allclose(quality["library"], dense.sum(1))
    np.testing.assert_array_equal(quality["genes"], (dense > 0).sum(1))
    np.testing.assert_allclose(quality["mitochondrial"], dense[:, :2].sum(1) / dense.sum(1))
    assert quality.loc["0x3", "edge_distance"] == 1.0
    assert quality.loc[MIDDLE, "edge_distance"] == 3.0


def test_share_is_missing_without_mitochondrial_genes(square_section: ad.AnnData) -> None:
    assert spot_quality(check_section(square_section))["mitochondrial"].isna().all()


def test_filtered_spot_inside_the_tissue_becomes_a_gap(section: ad.AnnData) -> None:
    filtered = filter_spots(section, min_counts=2)
    assert filtered.obs.loc[MIDDLE, "in_tissue"] == 0
    assert filtered.obs.loc[MIDDLE, "set_aside"] == "fewer than 2 counts"
    origin = enhance(filtered, factor=1, method="nearest").sites["origin"]
    assert (origin == "gap").sum() == 1
    assert len(origin) == section.n_obs


def test_filtering_says_what_it_did_and_leaves_its_input(section: ad.AnnData) -> None:
    before = section_id(section)
    filtered = filter_spots(section, min_genes=2, max_mito=0.9)
    assert section_id(section) == before
    said = notes_of(filtered)[-1].sentence
    assert said.startswith("2 spots set aside:")
    assert "1 fewer than 2 genes" in said
    assert "1 over 90% mitochondrial" in said


def test_thresholds_that_remove_nothing_change_nothing(section: ad.AnnData) -> None:
    assert section_id(filter_spots(section)) == section_id(section)


def test_filtering_twice_remembers_the_first_reason(section: ad.AnnData) -> None:
    twice = filter_spots(filter_spots(section, min_counts=2), drop=["0x0"])
    assert twice.obs.loc[MIDDLE, "set_aside"] == "fewer than 2 counts"
    assert twice.obs.loc["0x0", "set_aside"] == "dropped by name"
    assert twice.obs["in_tissue"].sum() == section.n_obs - 2


def test_reasons_add_up(section: ad.AnnData) -> None:
    reasons = poor_spots(spot_quality(section), min_counts=2, min_genes=2)
    assert reasons[MIDDLE] == "fewer than 2 counts, fewer than 2 genes"
    assert (reasons.drop(MIDDLE) == "").all()


def test_too_strict_thresholds_are_refused(section: ad.AnnData) -> None:
    with pytest.raises(SectionFormatError, match="at least 30 spots"):
        filter_spots(section, min_counts=10**6)


def test_share_beyond_one_is_refused(section: ad.AnnData) -> None:
    with pytest.raises(ParameterError, match="max_mito must be between 0"):
        filter_spots(section, max_mito=20.0)


def test_unknown_spot_is_named(section: ad.AnnData) -> None:
    with pytest.raises(MissingKeyError, match="'9x9'"):
        filter_spots(section, drop=["9x9"])


def test_outliers_lie_outside_most_values(rng: np.random.Generator) -> None:
    library = rng.lognormal(8.0, 0.3, size=2_000)
    assert 0 < (library < low_outlier(library)).mean() < 0.01
    shares = rng.normal(0.1, 0.01, size=2_000)
    assert 0 < (shares > high_outlier(shares)).mean() < 0.01
    assert low_outlier(np.full(10, 5.0)) == pytest.approx(5.0)
    assert high_outlier(np.full(10, 0.2)) == pytest.approx(0.2)
