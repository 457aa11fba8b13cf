"""DIST learns from a few genes in every epoch."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from stentrans.errors import ParameterError
from stentrans.lattice import fit_lattice
from stentrans.methods.base import FitOptions, Progress
from stentrans.methods.dist import Dist

QUICK = {"width": 16, "depth": 2, "epochs": 60}


def test_training_predicts_better_than_repeating_the_input(rng):
    array = np.argwhere(np.ones((12, 12)))
    slopes = rng.normal(0, 40, (2, 40))
    rates = np.maximum(400 + (array - 5.5) @ slopes, 0)
    counts = csr_matrix(rng.poisson(rates).astype(np.float32))
    seen: list[Progress] = []
    options = FitOptions(device="cpu", settings=QUICK, on_progress=seen.append)
    fitted = Dist().fit(counts, fit_lattice(array), options)
    losses = [progress.loss for progress in seen if progress.loss is not None]
    # The untrained network repeats its input.
    assert np.mean(losses[-20:]) < 0.6 * np.mean(losses[:4])
    predicted = fitted.predict_from_thinned()
    assert predicted.min() >= 0


@pytest.mark.parametrize(("genes", "drawn"), [(0, 12), (5, 5), (100, 12)])
def test_genes_per_epoch_are_those_asked_for_and_there(genes, drawn, square_counts, square_array):
    options = FitOptions(settings=QUICK | {"epochs": 1, "genes": genes})
    fitted = Dist().fit(square_counts, fit_lattice(square_array), options)
    assert fitted.summary["genes_per_epoch"] == drawn


@pytest.mark.parametrize("name", ["epochs", "width", "depth"])
def test_setting_out_of_range_is_refused(name, square_counts, square_array):
    with pytest.raises(ParameterError, match=f"{name} must be between 1 and"):
        Dist().fit(square_counts, fit_lattice(square_array), FitOptions(settings={name: 0}))
