"""Simulated sections: deterministic, realistic, and true at any position."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pytest

from stentrans.errors import MissingKeyError, ParameterError
from stentrans.lattice import find_gaps
from stentrans.section import (
    check_section,
    is_simulated,
    lattice_of,
    library_size,
    notes_of,
    simulate,
    simulated_truth,
)


@pytest.fixture(scope="module", params=["hexagonal", "square"])
def section(request: pytest.FixtureRequest) -> ad.AnnData:
    return simulate(lattice=request.param)


def test_section_passes_the_check_unchanged(section):
    checked = check_section(section)
    assert (checked.X != section.X).nnz == 0
    assert checked.obs.equals(section.obs)


def test_default_size_is_small_and_has_named_genes(section):
    assert 300 < section.n_obs < 700
    assert section.n_vars == 300
    assert section.var_names.str.match(r"^[A-Z][a-z]+\d?-\d+$").all()


def test_lattice_is_the_one_asked_for():
    assert lattice_of(simulate(lattice="hexagonal")).kind == "hexagonal"
    assert lattice_of(simulate(lattice="square")).kind == "square"


def test_pixels_are_isotropic_and_the_pitch_is_known(section):
    lattice = lattice_of(section)
    assert lattice.residual < 1e-9
    assert lattice.pitch_um == (100.0 if lattice.kind == "hexagonal" else 200.0)


def test_library_sizes_are_realistic(section):
    library = library_size(section.X)
    assert 3500 < np.median(library) < 4500
    assert 0.25 < np.log(library).std() < 0.7


def test_a_hole_lies_inside_the_tissue(section):
    assert len(find_gaps(lattice_of(section))) > 15


def test_same_seed_gives_the_same_section():
    one, two, other = simulate(seed=3), simulate(seed=3), simulate(seed=4)
    assert (one.X != two.X).nnz == 0
    assert one.obs.equals(two.obs)
    assert one.shape != other.shape or (one.X != other.X).nnz > 0


def test_truth_rows_sum_to_one_between_spots(section):
    shares = simulated_truth(section, [[3.5, 4.25], [10.0, 11.0], [7.25, 20.75]])
    assert shares.shape == (3, 300)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)


def test_truth_does_not_depend_on_which_positions_are_asked(section):
    places = section.obs[["array_row", "array_col"]].to_numpy()[:50] + 0.25
    whole = simulated_truth(section, places)
    np.testing.assert_allclose(simulated_truth(section, places[[7]]), whole[[7]], rtol=1e-12)


def test_counts_follow_the_truth(section):
    places = section.obs[["array_row", "array_col"]].to_numpy()
    expected = simulated_truth(section, places) * library_size(section.X)[:, None]
    np.testing.assert_allclose(section.X.sum(axis=0).A1 / expected.sum(axis=0), 1.0, atol=0.35)
    gene = section.var_names.get_loc("Layer3-01")
    measured = section.X[:, [gene]].toarray().ravel()
    assert np.corrcoef(np.log1p(measured), np.log1p(expected[:, gene]))[0, 1] > 0.6


def test_flat_genes_only_follow_the_rest_of_the_composition(section):
    places = section.obs[["array_row", "array_col"]].to_numpy()
    shares = np.log(simulated_truth(section, places))
    flat = section.var["family"].to_numpy() == "Flat"
    ratio = shares[:, flat] - shares[:, [np.flatnonzero(flat)[0]]]
    np.testing.assert_allclose(ratio.std(axis=0), 0.0, atol=1e-9)
    assert shares[:, ~flat].std(axis=0).max() > 0.5


def test_truth_survives_a_file_and_a_choice_of_genes(section, tmp_path: Path):
    part = section[:40, ["Flat-11", "Layer2-01"]].copy()
    part.write_h5ad(tmp_path / "part.h5ad")
    again = ad.read_h5ad(tmp_path / "part.h5ad")
    whole = simulated_truth(section, [[5.5, 6.5]])
    columns = section.var_names.get_indexer(["Flat-11", "Layer2-01"])
    np.testing.assert_array_equal(simulated_truth(again, [[5.5, 6.5]]), whole[:, columns])


def test_section_says_that_it_is_simulated(section):
    assert is_simulated(section)
    assert section.uns["stentrans"]["technology"] == "simulated"
    assert "invented" in notes_of(section)[0].sentence


@pytest.mark.parametrize("size", [(4, 4), (8, 12), (60, 20)], ids=str)
def test_other_sizes_work(size):
    section = simulate(n_rows=size[0], n_cols=size[1])
    assert 0 < section.n_obs <= size[0] * size[1] / 2
    assert np.isfinite(section.X.data).all()


def test_unknown_lattice_is_refused():
    with pytest.raises(ParameterError, match="lattice must be one of hexagonal, square"):
        simulate(lattice="round")


def test_tiny_array_is_refused():
    with pytest.raises(ParameterError, match="n_rows must be between 4 and 2000; got 1"):
        simulate(n_rows=1)


def test_truth_of_a_real_section_is_refused(square_section):
    with pytest.raises(MissingKeyError, match=r"Only sections made by stentrans\.simulate"):
        simulated_truth(square_section, [[0, 0]])


def test_truth_at_malformed_positions_is_refused(section):
    with pytest.raises(ParameterError, match=r"array_positions must be finite.*\(3,\)"):
        simulated_truth(section, [1, 2, 3])


def test_truth_of_foreign_genes_is_refused(section):
    foreign = section[:, :2].copy()
    foreign.var_names = ["ACTB", "Flat-01"]
    with pytest.raises(MissingKeyError, match="'ACTB'"):
        simulated_truth(foreign, [[1, 1]])
