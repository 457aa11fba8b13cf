"""The Transformer trains, is gated by unseen spots, and stops when asked."""

from __future__ import annotations

import numpy as np
import pytest

import stentrans
from stentrans.enhancement import prepare
from stentrans.errors import Cancelled
from stentrans.methods.base import FitOptions, Progress
from stentrans.methods.stentrans import Stentrans

QUICK = {"steps": 12, "tasks": 3}


@pytest.fixture(scope="module")
def simulated():
    """Spots on tissue of a small simulated section, and their lattice."""
    tissue, lattice = prepare(stentrans.simulate(n_rows=16, n_cols=32, seed=2))
    return tissue.X, lattice


def test_training_is_told_and_recorded(simulated):
    told: list[Progress] = []
    fitted = Stentrans().fit(
        *simulated, FitOptions(settings=QUICK, on_progress=lambda p: told.append(p))
    )
    losses = [p.loss for p in told if p.stage == "training"]
    assert losses
    assert np.isfinite(losses).all()
    shares = [p.fraction for p in told]
    assert shares == sorted(shares)
    assert fitted.summary["losses"]
    assert len(fitted.summary["gate"]) == fitted.summary["rank"]


def test_open_gate_changes_the_prediction_and_shut_gate_does_not(simulated):
    counts, lattice = simulated
    fitted = Stentrans().fit(counts, lattice, FitOptions(settings=QUICK))
    at = lattice.array[:20] + 0.5
    fitted.trained.gate[:] = 0.0
    shut = fitted.predict(at).factors
    fitted.trained.gate[:] = 1.0
    assert not np.array_equal(shut, fitted.predict(at).factors)


def test_answer_of_false_cancels_in_training(simulated):
    stages = []

    def stop_at_training(progress: Progress) -> bool:
        stages.append(progress.stage)
        return progress.stage != "training"

    with pytest.raises(Cancelled, match="training"):
        Stentrans().fit(*simulated, FitOptions(settings=QUICK, on_progress=stop_at_training))
    assert stages[-1] == "training"


def test_another_seed_is_another_training(simulated):
    losses = [
        Stentrans().fit(*simulated, FitOptions(seed=seed, settings=QUICK)).summary["losses"]
        for seed in (0, 1)
    ]
    assert losses[0] != losses[1]
