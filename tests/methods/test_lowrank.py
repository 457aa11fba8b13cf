"""Low-rank kriging: components, settings, neighbourhoods, and the reference it repeats."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pytest
from scipy.sparse import csc_matrix, csr_matrix
from scipy.spatial.distance import cdist

from stentrans.errors import ParameterError
from stentrans.lattice import enhanced_sites, fit_lattice
from stentrans.methods import components, lowrank
from stentrans.methods.base import FitOptions
from stentrans.methods.components import principal_components
from stentrans.methods.factor_kriging import ExactKriging, Settings, choose_settings, matern
from stentrans.methods.lowrank import LowrankKriging
from stentrans.methods.pattern_kriging import PatternKriging

SETTINGS = Settings(np.array([1.5, 4.0]), np.array([0.3, 1.0]), np.array([2.0, 0.5]))


@pytest.fixture
def field(rng):
    """Plane positions of 20 × 18 hexagonal spots and two smooth factors with noise."""
    array = np.array([(r, c) for r in range(20) for c in range(r % 2, 36, 2)])
    lattice = fit_lattice(array)
    plane = lattice.plane(array)
    factors = np.column_stack([np.sin(plane[:, 0] / 3), np.cos(plane[:, 1] / 5)])
    factors += rng.normal(0, 0.3, factors.shape)
    return lattice, plane, factors - factors.mean(axis=0)


@pytest.mark.parametrize("largest_gram", [1000, 50, 0], ids=["spots", "genes", "iteration"])
def test_components_equal_a_dense_svd(monkeypatch, rng, largest_gram):
    monkeypatch.setattr(components, "GRAM_UP_TO", largest_gram)
    signal = rng.normal(size=(60, 4)) * [8, 6, 4, 3] @ rng.normal(size=(4, 50))
    values = np.maximum(signal + rng.normal(size=(60, 50)), 0)
    found = principal_components(csc_matrix(values), 4)
    u, s, vt = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)
    expected = (u[:, :4] * s[:4]) @ vt[:4]
    np.testing.assert_allclose(found.scores @ found.loadings, expected, atol=1e-3)
    np.testing.assert_allclose(found.mean, values.mean(axis=0))


def test_components_of_constant_values_are_none():
    found = principal_components(csc_matrix(np.full((40, 6), 2.0)), 10)
    assert found.scores.shape == (40, 0)


@pytest.mark.parametrize("n_genes", [1, 7, 40])
def test_components_of_many_spots_and_few_genes(rng, n_genes):
    values = rng.poisson(2.0, (1_100, n_genes)).astype(np.float32)
    found = principal_components(csc_matrix(values), 10)
    assert found.scores.shape == (1_100, min(10, n_genes))
    _, s, _ = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(np.linalg.norm(found.scores, axis=0), s[:10], rtol=1e-5)


def test_exact_kriging_equals_the_formula_written_out(field):
    _, plane, factors = field
    at = plane[:5] + 0.3
    mean, variance = ExactKriging(plane, factors, SETTINGS).predict(at)
    for k in range(2):
        kernel = matern(cdist(plane, plane), SETTINGS.length[k])
        towards = matern(cdist(at, plane), SETTINGS.length[k])
        solved = np.linalg.solve(kernel + SETTINGS.nugget[k] * np.eye(len(plane)), towards.T)
        np.testing.assert_allclose(mean[:, k], solved.T @ factors[:, k], atol=1e-8)
        left = SETTINGS.variance[k] * (1 - (towards.T * solved).sum(axis=0))
        np.testing.assert_allclose(variance[:, k], left, atol=1e-8)


def test_leave_one_out_equals_leaving_out(field):
    _, plane, factors = field
    mean, variance = ExactKriging(plane, factors, SETTINGS).leave_one_out()
    rest = np.arange(len(plane)) != 100
    expected = ExactKriging(plane[rest], factors[rest], SETTINGS).predict(plane[[100]])
    np.testing.assert_allclose(mean[[100]], expected[0], atol=1e-8)
    np.testing.assert_allclose(variance[[100]], expected[1], atol=1e-8)


def test_neighbours_answer_nearly_as_all_spots_do(field):
    lattice, plane, factors = field
    at = lattice.plane(enhanced_sites(lattice, 2).array)
    exact, near = (k(plane, factors, SETTINGS) for k in (ExactKriging, PatternKriging))
    for there, here in zip(exact.predict(at), near.predict(at), strict=True):
        assert np.abs(there - here).max() < 0.05
    for there, here in zip(exact.leave_one_out(), near.leave_one_out(), strict=True):
        assert np.abs(there - here).max() < 0.05


def test_settings_follow_smoothness_and_noise(field, rng):
    _, plane, _ = field
    smooth, noise = np.sin(plane[:, 0] / 6), rng.normal(size=len(plane))
    factors = np.column_stack([smooth - smooth.mean(), noise - noise.mean()])
    settings = choose_settings(plane, factors)
    assert settings.nugget[0] == 0.1
    assert settings.length[0] >= 6
    assert settings.nugget[1] >= 10


def test_large_section_path_agrees_with_the_exact_one(monkeypatch, field, rng):
    lattice, _, factors = field
    rates = 30 * np.exp(factors @ rng.normal(0, 0.5, (2, 40)))
    counts = csr_matrix(rng.poisson(rates).astype(np.float32))
    sites = enhanced_sites(lattice, 2).array
    exact = LowrankKriging().fit(counts, lattice, FitOptions())
    monkeypatch.setattr(lowrank, "EXACT_UP_TO", 100)
    monkeypatch.setattr(lowrank, "SUBSET", 240)
    large = LowrankKriging().fit(counts, lattice, FitOptions())
    genes = np.arange(40)
    there, here = (f.decoder.decode(f.predict(sites), genes, "log") for f in (exact, large))
    assert np.corrcoef(there.ravel(), here.ravel())[0, 1] > 0.995
    deviations = [f.decoder.sd(f.predict(sites), genes).mean() for f in (exact, large)]
    assert deviations[1] == pytest.approx(deviations[0], rel=0.1)


@pytest.mark.parametrize("rank", [0, 101, 2.5])
def test_rank_out_of_range_is_refused(rank, square_counts, square_array):
    options = FitOptions(settings={"rank": rank})
    with pytest.raises(ParameterError, match="rank must be"):
        LowrankKriging().fit(square_counts, fit_lattice(square_array), options)


@pytest.mark.parametrize("name", ["st_human_melanoma_mel1_rep1", "visium_mouse_muscle_Vis7B_5dpi"])
def test_hidden_spots_score_as_the_published_reference(shared_data, name):
    """Figures of the strict hold-out, phase (0, 0), log-normalised correlation."""
    reference = {"st_human_melanoma_mel1_rep1": 0.0732, "visium_mouse_muscle_Vis7B_5dpi": 0.2157}
    section = ad.read_h5ad(shared_data / f"{name}.h5ad")
    counts = csr_matrix(section.X)
    rich = np.asarray((counts > 0).sum(axis=1)).ravel() >= 20
    lattice = fit_lattice(section.obs[["array_row", "array_col"]].to_numpy()[rich])
    axial = lattice.axial - lattice.axial.min(axis=0)
    kept = (axial % 2 == 0).all(axis=1)
    counts = counts[rich]
    scored = np.asarray((counts[kept] > 0).mean(axis=0)).ravel() > 0.1
    seen, hidden = csr_matrix(counts[kept][:, scored]), counts[~kept][:, scored].toarray()
    fitted = LowrankKriging().fit(seen, fit_lattice(lattice.array[kept]), FitOptions())
    at = fitted.predict(lattice.array[~kept].astype(float))
    guess = fitted.decoder.decode(at, np.arange(seen.shape[1]), "log")
    library = np.maximum(hidden.sum(axis=1, keepdims=True), 1)
    truth = np.log1p(hidden / library * fitted.decoder.target)
    assert _mean_correlation(guess, truth) == pytest.approx(reference[name], abs=1e-3)


def _mean_correlation(guess, truth):
    guess, truth = guess - guess.mean(axis=0), truth - truth.mean(axis=0)
    scale = np.sqrt((guess**2).sum(axis=0) * (truth**2).sum(axis=0)) + 1e-12
    return ((guess * truth).sum(axis=0) / scale).mean()
