"""The check at the edge: many forms in, one form out, one sentence where it is impossible."""

from __future__ import annotations

import json

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_matrix, csr_matrix

from stentrans.errors import SectionFormatError
from stentrans.section import check_section, notes_of, on_tissue, refusal_of

FORMS = {
    "dense float64": lambda x: x.toarray().astype(np.float64),
    "dense int": lambda x: x.toarray().astype(np.int32),
    "csr int64": lambda x: csr_matrix(x, dtype=np.int64),
    "csc float32": csc_matrix,
    "unsigned": lambda x: x.toarray().astype(np.uint16),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_counts_gives_the_same_section(tiny_section, form):
    given = ad.AnnData(FORMS[form](tiny_section.X), obs=tiny_section.obs, var=tiny_section.var)
    checked = check_section(given)
    assert isinstance(checked.X, csr_matrix)
    assert checked.X.dtype == np.float32
    np.testing.assert_array_equal(checked.X.toarray(), tiny_section.X.toarray())


def test_counts_layer_wins_over_x(square_section):
    square_section.layers["counts"] = square_section.X.copy()
    square_section.X = square_section.X.log1p()
    checked = check_section(square_section)
    assert (checked.X != square_section.layers["counts"]).nnz == 0
    assert not checked.layers


def test_positions_and_flags_become_int64(square_section):
    square_section.obs["array_row"] = square_section.obs["array_row"].astype(float)
    square_section.obs["in_tissue"] = True
    checked = check_section(square_section)
    assert (checked.obs[["array_row", "array_col", "in_tissue"]].dtypes == np.int64).all()


def test_missing_tissue_flag_means_all(square_section):
    del square_section.obs["in_tissue"]
    assert check_section(square_section).obs["in_tissue"].eq(1).all()


def test_other_columns_and_pixels_are_kept(hexagonal_section):
    hexagonal_section.obs["layer"] = pd.Categorical(["a"] * hexagonal_section.n_obs)
    checked = check_section(hexagonal_section)
    assert checked.obs["layer"].eq("a").all()
    np.testing.assert_array_equal(checked.obsm["spatial"], hexagonal_section.obsm["spatial"])


def test_caller_is_left_alone(hexagonal_section):
    hexagonal_section.uns["spatial"] = {"lib": {"images": {}, "scalefactors": {"a": 1.0}}}
    before = hexagonal_section.copy()
    checked = check_section(hexagonal_section)
    checked.X.data[:] = 0
    checked.X.indices[:] = 0
    checked.obs["array_row"] = 0
    checked.obsm["spatial"][:] = 0
    checked.uns["spatial"]["lib"]["scalefactors"]["a"] = 2.0
    assert (hexagonal_section.X != before.X).nnz == 0
    assert hexagonal_section.obs.equals(before.obs)
    np.testing.assert_array_equal(hexagonal_section.obsm["spatial"], before.obsm["spatial"])
    assert hexagonal_section.uns == before.uns


def test_checking_twice_changes_nothing(tiny_section):
    once = check_section(tiny_section)
    twice = check_section(once)
    assert twice.uns == once.uns
    assert twice.obs.equals(once.obs)


def test_uns_says_what_x_is_and_which_technology(hexagonal_section, square_section):
    hexagonal = check_section(hexagonal_section).uns["stentrans"]
    square = check_section(square_section).uns["stentrans"]
    assert hexagonal["X_is"] == square["X_is"] == "counts"
    assert (hexagonal["technology"], hexagonal["pitch_um"]) == ("Visium", 100.0)
    assert (square["technology"], square["pitch_um"]) == ("legacy ST", 200.0)
    assert json.loads(square["notes"]) == []


def test_view_is_accepted(square_section):
    part = square_section[:35]
    assert check_section(part).n_obs == 35


def test_duplicate_symbols_are_renamed_with_a_note(square_section):
    square_section.var_names = ["A", "A", *square_section.var_names[2:]]
    checked = check_section(square_section)
    assert checked.var_names[:2].tolist() == ["A", "A (2)"]
    assert [note.code for note in notes_of(checked)] == ["T8"]


def test_duplicate_spot_names_are_renamed_with_a_note(square_section):
    square_section.obs_names = ["A", "A", *square_section.obs_names[2:]]
    checked = check_section(square_section)
    assert checked.obs_names.is_unique
    assert [note.code for note in notes_of(checked)] == ["T22"]


def test_unmarked_tissue_is_all_tissue_with_a_note(square_section):
    square_section.obs["in_tissue"] = 0
    checked = check_section(square_section)
    assert [note.code for note in notes_of(checked)] == ["T21"]
    assert on_tissue(checked).n_obs == checked.n_obs


def test_incomplete_pixels_are_left_out_with_a_note(hexagonal_section):
    hexagonal_section.obsm["spatial"][2, 1] = np.nan
    checked = check_section(hexagonal_section)
    assert "spatial" not in checked.obsm
    assert [note.code for note in notes_of(checked)] == ["T14"]


def test_on_tissue_drops_the_others_in_a_new_object(square_section):
    square_section.obs["in_tissue"] = [1] * 35 + [0] * 7
    checked = check_section(square_section)
    kept = on_tissue(checked)
    assert (checked.n_obs, kept.n_obs) == (42, 35)
    assert not kept.is_view


def test_single_row_is_accepted(rng):
    counts = csr_matrix(rng.poisson(3.0, size=(40, 5)).astype(np.float32))
    obs = pd.DataFrame({"array_row": 0, "array_col": range(40)}, index=map(str, range(40)))
    assert check_section(ad.AnnData(counts, obs=obs)).n_obs == 40


def test_empty_spots_are_kept(square_section):
    kept = np.ones((42, 1))
    kept[4] = 0
    square_section.X = csr_matrix(square_section.X.multiply(kept), dtype=np.float32)
    assert check_section(square_section).n_obs == 42


def _without_positions(section):
    del section.obs["array_col"]


def _shared_position(section):
    section.obs.loc[section.obs_names[1], ["array_row", "array_col"]] = [0, 0]


def _half_position(section):
    section.obs["array_row"] = section.obs["array_row"] + 0.5


def _missing_position(section):
    section.obs["array_row"] = section.obs["array_row"].astype(float)
    section.obs.loc[section.obs_names[3], "array_row"] = np.nan


def _normalised(section):
    section.X = section.X.log1p()


def _negative(section):
    section.X = section.X - 3.0 * csr_matrix(np.eye(*section.shape, dtype=np.float32))


def _missing_value(section):
    section.X = section.X.toarray()
    section.X[5, 2] = np.nan


def _infinite_value(section):
    section.X = section.X.toarray()
    section.X[5, 2] = np.inf


def _all_zero(section):
    section.X = section.X * 0.0


def _odd_flag(section):
    section.obs["in_tissue"] = "maybe"


def _pixels_as_array(section):
    section.obs["array_row"] = section.obs["array_row"] * 9001
    section.obs["array_col"] = section.obs["array_col"] * 9001 + 1


PROBLEMS = {
    "no positions": (_without_positions, "R8", r"needs obs columns.*array_col not found"),
    "shared": (_shared_position, "R10", r"row 0, column 0 occurs 2 times"),
    "half steps": (_half_position, "R8", r"must be whole numbers; 42 spots"),
    "missing position": (_missing_position, "R8", r"must be whole numbers; 1 spots.*nan"),
    "normalised": (_normalised, "T10", r"needs raw counts.*X holds values like"),
    "negative": (_negative, "T10", r"needs raw counts.*values like -"),
    "NaN": (_missing_value, "R11", r"1 values are NaN or infinite, first at 0x5, GENE2"),
    "infinite": (_infinite_value, "R11", r"1 values are NaN or infinite, first at 0x5, GENE2"),
    "all zero": (_all_zero, "R6", r"all values in X are 0"),
    "flag": (_odd_flag, "R17", r"must hold 0 or 1; got 'maybe'"),
    "pixels": (_pixels_as_array, "T15", r"Array positions must lie on one array"),
}


@pytest.mark.parametrize("problem", PROBLEMS)
def test_unusable_section_is_refused_in_one_sentence(square_section, problem):
    spoil, code, sentence = PROBLEMS[problem]
    spoil(square_section)
    with pytest.raises(SectionFormatError, match=sentence) as caught:
        check_section(square_section)
    assert caught.value.code == code
    assert refusal_of(square_section) == str(caught.value)


def test_few_spots_are_refused(square_section):
    with pytest.raises(SectionFormatError, match="at least 30 spots on tissue; this section has 1"):
        check_section(square_section[:1])


def test_few_spots_on_tissue_are_refused(square_section):
    square_section.obs["in_tissue"] = [1] * 29 + [0] * 13
    with pytest.raises(SectionFormatError, match="this section has 29"):
        check_section(square_section)


@pytest.mark.parametrize("shape", [(0, 5), (5, 0)], ids=["no spots", "no genes"])
def test_empty_matrix_is_refused(shape):
    with pytest.raises(SectionFormatError, match="matrix is empty") as caught:
        check_section(ad.AnnData(np.zeros(shape, dtype=np.float32)))
    assert caught.value.code == "R6"


def test_matrix_of_none_is_refused(square_section):
    with pytest.raises(SectionFormatError, match="needs counts in X or layers"):
        check_section(ad.AnnData(obs=square_section.obs, var=square_section.var))


def test_other_objects_are_refused():
    with pytest.raises(SectionFormatError, match="must be an AnnData; got str"):
        check_section("section.h5ad")


def test_good_section_has_no_refusal(tiny_section):
    assert refusal_of(tiny_section) is None
