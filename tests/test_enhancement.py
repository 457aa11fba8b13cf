"""Enhance, impute and what comes back."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

import stentrans
from stentrans import keys
from stentrans.errors import (
    Cancelled,
    MissingKeyError,
    ParameterError,
    SectionFormatError,
    ShapeError,
)

AT = pd.DataFrame({"array_row": [2.5, 1.0, 2.5], "array_col": [3.5, 1.0, 3.5]}, index=list("abc"))


@pytest.fixture
def enhancement(hexagonal_section: ad.AnnData) -> stentrans.Enhancement:
    """A quick result with measured, inserted and gap sites."""
    return stentrans.enhance(hexagonal_section, method="prior")


def test_sites_have_all_origins_and_measured_keep_their_names(enhancement, hexagonal_section):
    sites = enhancement.sites
    assert set(sites["origin"]) == {"measured", "inserted", "gap"}
    measured = sites[sites["origin"] == "measured"]
    assert list(measured.index) == list(hexagonal_section.obs_names)
    assert sites.index.is_unique
    pixels = hexagonal_section.obsm["spatial"]
    np.testing.assert_allclose(measured[["x_px", "y_px"]], pixels, atol=1e-6)


def test_gaps_are_left_out_when_not_wanted(hexagonal_section):
    result = stentrans.enhance(hexagonal_section, method="linear", fill_gaps=False)
    assert (result.sites["origin"] != "gap").all()


@pytest.mark.parametrize("scale", ["log", "counts", "composition"])
@pytest.mark.parametrize("method", ["stentrans", "prior", "lowrank_kriging", "cubic"])
def test_values_are_finite_and_not_negative(tiny_section, method, scale):
    settings = {"steps": 5} if method == "stentrans" else {}
    result = stentrans.enhance(tiny_section, method=method, **settings)
    values = result.expression(list(result.genes), scale)
    assert values.dtype == np.float32
    assert values.shape == (len(result.sites), len(result.genes))
    assert np.isfinite(values).all()
    assert values.min() >= 0


def test_impute_agrees_with_enhance_at_the_same_sites(hexagonal_section, enhancement):
    predicted = stentrans.impute(hexagonal_section, enhancement.sites, method="prior")
    names = list(enhancement.genes)
    np.testing.assert_allclose(predicted.X, enhancement.expression(names), atol=1e-5)
    np.testing.assert_allclose(
        predicted.layers["counts"], enhancement.expression(names, "counts"), atol=1e-4
    )
    np.testing.assert_allclose(predicted.layers["sd"], enhancement.sd(names), atol=1e-5)


def test_impute_answers_row_by_row(square_section):
    predicted = stentrans.impute(square_section, AT, method="prior")
    assert list(predicted.obs_names) == ["a", "b", "c"]
    assert list(predicted.var_names) == list(square_section.var_names)
    np.testing.assert_array_equal(predicted.X[0], predicted.X[2])
    assert list(predicted.obs["origin"]) == ["inserted", "measured", "inserted"]


def test_same_seed_gives_the_same_numbers(square_section):
    first, second = (
        stentrans.enhance(square_section, seed=3, steps=10).expression("GENE5") for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_section_of_the_caller_is_left_as_it_was(hexagonal_section):
    before = hexagonal_section.copy()
    stentrans.enhance(hexagonal_section, steps=5)
    stentrans.impute(hexagonal_section, AT, method="linear")
    assert (hexagonal_section.X != before.X).nnz == 0
    pd.testing.assert_frame_equal(hexagonal_section.obs, before.obs)
    assert list(hexagonal_section.uns) == list(before.uns)
    np.testing.assert_array_equal(hexagonal_section.obsm["spatial"], before.obsm["spatial"])


def test_counts_layer_is_preferred_to_normalised_x(square_section):
    layered = square_section.copy()
    layered.layers["counts"] = layered.X.copy()
    layered.X = np.log1p(layered.X.toarray())
    same = [
        stentrans.enhance(section, method="prior").expression("GENE3")
        for section in (square_section, layered)
    ]
    np.testing.assert_array_equal(*same)


def test_spots_off_tissue_take_no_part(square_section):
    off = square_section.copy()
    off.obs.loc[off.obs_names[:3], keys.IN_TISSUE] = 0
    kept = stentrans.enhance(off, method="linear").sites
    assert not set(off.obs_names[:3]) & set(kept.index)


def test_provenance_repeats_the_run(enhancement):
    told = enhancement.provenance
    assert (told["method"], told["factor"], told["seed"]) == ("prior", 2, 0)
    assert told["version"] == stentrans.__version__
    assert len(told["section"]) == 32


def test_true_finer_map_is_approached():
    section = stentrans.simulate(n_rows=20, n_cols=40, seed=3)
    result = stentrans.enhance(section, method="prior")
    inserted = (result.sites["origin"] == "inserted").to_numpy()
    gene = next(name for name in result.genes if name.startswith("Layer"))
    at = result.sites.loc[inserted, ["array_row", "array_col"]].to_numpy()
    truth = stentrans.section.simulated_truth(section, at)[:, result.genes.get_loc(gene)]
    found = result.expression(gene, "composition")[inserted, 0]
    assert np.corrcoef(np.log(truth), found)[0, 1] > 0.85


def test_measured_spots_are_better_than_what_was_counted_there():
    section = stentrans.simulate(n_rows=20, n_cols=40, seed=3)
    result = stentrans.enhance(section, method="prior", factor=1, fill_gaps=False)
    at = section.obs[["array_row", "array_col"]].to_numpy(float)
    truth = np.log(stentrans.section.simulated_truth(section, at))
    counted = np.log1p(1000 * section.X.toarray() / section.X.sum(1).A1[:, None])
    found = result.expression(list(result.genes), "composition")

    def agreement(values: np.ndarray) -> float:
        pairs = zip(values.T, truth.T, strict=True)
        return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in pairs if a.std() > 0]))

    assert agreement(found) > agreement(counted) + 0.1


def test_a_spot_of_its_own_kind_keeps_its_counts(hexagonal_section):
    """What no neighbour shows but the spot itself clearly counted is not smoothed away."""
    rare = hexagonal_section.copy()
    counts = rare.X.toarray()
    odd = np.random.default_rng(0).choice(len(counts), len(counts) // 8, replace=False)
    counts[:, 3], counts[odd, 3] = 1, 60
    rare.X = csr_matrix(counts)
    result = stentrans.enhance(rare, method="prior", factor=1, fill_gaps=False)
    values = result.expression("GENE3", "counts")[:, 0]
    others = np.setdiff1d(np.arange(len(counts)), odd)
    assert values[odd].min() > 5 * values[others].max()


def test_intervals_widen_with_their_level(enhancement):
    value = enhancement.expression("GENE3")
    half, most = enhancement.interval("GENE3", 0.5), enhancement.interval("GENE3")
    assert ((most[0] <= half[0]) & (half[0] <= value)).all()
    assert ((value <= half[1]) & (half[1] < most[1])).all()


def test_unknown_gene_is_named_with_those_close_to_it(enhancement):
    with pytest.raises(MissingKeyError, match=r"'gene33' is not\. Close to it: GENE3"):
        enhancement.expression(["gene33"])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"factor": 7}, "factor must be between 1 and 4; got 7"),
        ({"factor": 2.5}, "factor must be a whole number; got 2.5"),
        ({"method": "magic"}, "method must be one of stentrans, .*; got 'magic'"),
        ({"seed": -1}, "seed must be between 0 and 4294967295; got -1"),
        ({"device": "abacus"}, "device must be one of auto, cpu, cuda; got 'abacus'"),
        ({"colour": 1}, "takes the settings .*; got 'colour'"),
        ({"seed": 2**40}, "seed must be between 0 and 4294967295"),
        ({"rank": [1]}, "A setting must be a number or a word; rank is a list"),
    ],
    ids=["factor", "half factor", "method", "seed", "device", "setting", "large seed", "list"],
)
def test_bad_argument_is_refused_in_a_sentence(square_section, arguments, sentence):
    with pytest.raises(ParameterError, match=sentence):
        stentrans.enhance(square_section, **arguments)


def test_few_spots_are_refused(square_section):
    with pytest.raises(SectionFormatError, match="at least 30 spots"):
        stentrans.enhance(square_section[:29])


@pytest.mark.parametrize(
    ("at", "kind", "sentence"),
    [
        (pd.DataFrame({"array_row": [1]}), ShapeError, "array_col is missing"),
        (pd.DataFrame({"array_row": ["x"], "array_col": [1]}), ParameterError, "hold text"),
        (pd.DataFrame({"array_row": [np.nan], "array_col": [1]}), ParameterError, "finite"),
        (pd.DataFrame({"array_row": [1e300], "array_col": [1]}), ParameterError, "1,000,000"),
    ],
    ids=["column", "text", "NaN", "far"],
)
def test_bad_positions_are_refused(square_section, at, kind, sentence):
    with pytest.raises(kind, match=sentence):
        stentrans.impute(square_section, at, method="nearest")


def test_settings_of_numpy_are_kept_as_plain_numbers(square_section, tmp_path):
    result = stentrans.enhance(square_section, method="prior", rank=np.int64(5))
    result.save(tmp_path)
    assert stentrans.Enhancement.load(tmp_path).provenance["settings"] == {"rank": 5}


def test_no_positions_give_no_rows(square_section):
    none = AT.iloc[:0]
    assert stentrans.impute(square_section, none).shape == (0, 12)


def test_gpu_that_is_not_there_is_refused_at_once(square_section, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(ParameterError, match="device cuda needs a GPU"):
        stentrans.enhance(square_section, device="cuda")


def test_listener_can_cancel(square_section):
    with pytest.raises(Cancelled, match="Cancelled on request"):
        stentrans.enhance(square_section, method="prior", on_progress=lambda _: False)
