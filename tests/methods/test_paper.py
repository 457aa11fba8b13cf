"""The published method: it learns, keeps what was measured, and chooses its published settings."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from stentrans.errors import ParameterError
from stentrans.lattice import fit_lattice
from stentrans.methods.base import FitOptions, Progress
from stentrans.methods.paper import Paper

QUICK = {"depth": 2, "epochs": 40}


@pytest.fixture
def striped(rng) -> tuple[csr_matrix, np.ndarray]:
    """Genes high on even columns or on odd ones, which a quarter of the spots cannot show."""
    array = np.argwhere(np.ones((12, 12)))
    is_odd = array[:, 1] % 2 == 1
    levels = rng.uniform(5, 20, 40)
    rates = levels * np.where(is_odd[:, None], 3.0, 1.0)
    return csr_matrix(rng.poisson(rates).astype(np.float32)), array


def test_training_predicts_better_than_repeating_the_input(striped):
    counts, array = striped
    seen: list[Progress] = []
    options = FitOptions(device="cpu", settings=QUICK, on_progress=seen.append)
    fitted = Paper().fit(counts, fit_lattice(array), options)
    losses = [progress.loss for progress in seen if progress.loss is not None]
    assert losses[-1] < 0.3 * losses[0]  # the untrained network repeats its input
    predicted, measured = fitted.predict_from_thinned(), counts.toarray()
    hidden = (array % 2 == 1).any(axis=1)
    repeated = measured[(array // 2 * 2) @ np.array([12, 1])]
    error = np.square(predicted - measured)[hidden].mean()
    assert error < 0.4 * np.square(repeated - measured)[hidden].mean()


def test_values_are_never_negative(striped):
    counts, array = striped
    counts = csr_matrix(np.maximum(counts.toarray() - 12, 0).astype(np.float32))
    fitted = Paper().fit(counts, fit_lattice(array), FitOptions(settings=QUICK))
    prediction = fitted.predict(np.argwhere(np.ones((23, 23))) / 2)
    values = fitted.decoder.decode(prediction, np.arange(40), "counts")
    assert values.min() == 0
    assert values.max() > 1


def test_measured_counts_are_kept(square_counts, square_array):
    fitted = Paper().fit(square_counts, fit_lattice(square_array), FitOptions(settings=QUICK))
    found = fitted.decoder.decode(
        fitted.predict(square_array.astype(float)), np.arange(12), "counts"
    )
    np.testing.assert_allclose(found, square_counts.toarray(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("side", "patch", "heads", "epochs"), [(6, 3, 4, 50), (39, 8, 8, 10)], ids=["small", "large"]
)
def test_published_settings_follow_the_size_of_the_image(side, patch, heads, epochs, rng):
    array = np.argwhere(np.ones((side, side)))
    counts = csr_matrix(rng.poisson(3.0, (len(array), 1)).astype(np.float32))
    fitted = Paper().fit(counts, fit_lattice(array), FitOptions(settings={"depth": 1}))
    chosen = {name: fitted.summary[name] for name in ("patch", "heads", "epochs")}
    assert chosen == {"patch": patch, "heads": heads, "epochs": epochs}


def test_heads_must_divide_the_embedding(square_counts, square_array):
    options = FitOptions(settings={"patch": 3, "heads": 5})
    with pytest.raises(ParameterError, match="heads must divide 4 × patch², here 36; got 5"):
        Paper().fit(square_counts, fit_lattice(square_array), options)


@pytest.mark.parametrize("name", ["patch", "heads", "epochs", "depth", "batch"])
def test_setting_out_of_range_is_refused(name, square_counts, square_array):
    with pytest.raises(ParameterError, match=f"{name} must be between 1 and"):
        Paper().fit(square_counts, fit_lattice(square_array), FitOptions(settings={name: -1}))


@pytest.mark.parametrize("name", ["patch", "heads", "epochs"])
def test_truth_value_is_no_size(name, square_counts, square_array):
    with pytest.raises(ParameterError, match=f"{name} must be"):
        Paper().fit(square_counts, fit_lattice(square_array), FitOptions(settings={name: False}))


def test_seed_changes_the_network(square_counts, square_array):
    lattice, sites = fit_lattice(square_array), np.array([[2.5, 2.5]])
    values = []
    for seed in (0, 1):
        fitted = Paper().fit(square_counts, lattice, FitOptions(seed=seed, settings=QUICK))
        values.append(fitted.decoder.decode(fitted.predict(sites), np.arange(12), "log"))
    assert not np.allclose(*values)
