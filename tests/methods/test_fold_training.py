"""Corrections of the prior: what is taken over, how far, and what it is worth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from stentrans.lattice import fit_lattice
from stentrans.methods.base import FitOptions, Method
from stentrans.methods.fold_training import KernelCorrection, gate_of
from stentrans.methods.prior import Prior
from stentrans.methods.stentrans import Stentrans

SIDE = 26


def test_gate_opens_for_what_unseen_spots_confirm_only(rng):
    missing = rng.normal(size=(400, 3))
    correction = np.column_stack([0.5 * missing[:, 0], rng.normal(size=400), np.zeros(400)])
    gate = gate_of(missing, correction)
    # Twice as much would be right; never more than 1, less a little for doubt.
    assert gate[0] == pytest.approx(1.0, abs=0.02)
    assert gate[1:].tolist() == [0.0, 0.0]


def test_kernel_corrects_less_where_the_prior_is_surer():
    kernel = KernelCorrection(0, gate=np.array([0.5]), usual=np.array([0.25]))
    prior, of_alike = 1.0, 3.0
    sites = np.array([[prior, sd, of_alike] for sd in (0.5, 0.1, 0.0, 5.0)])
    correction = kernel.at(sites)[:, 0]
    assert correction[0] == pytest.approx(0.5 * (of_alike - prior))
    assert correction[2] == 0
    # Surer: in proportion to the variance. Less sure: as two independent estimates.
    assert correction[1] == pytest.approx(0.5 * (0.01 / 0.25) * (of_alike - prior))
    assert correction[3] == pytest.approx(12.5 / (12.5 + 0.125) * (of_alike - prior))


def test_shut_kernel_corrects_nothing():
    kernel = KernelCorrection(0, gate=np.zeros(1), usual=np.zeros(1))
    assert kernel.at(np.array([[1.0, 0.0, 3.0], [1.0, 2.0, 3.0]])).tolist() == [[0.0], [0.0]]


def test_what_position_cannot_predict_is_learned_from_another_factor(rng):
    """Rings finer than the visible spots: kriging sees noise, but what is alike shares a ring."""
    array = np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE)), -1).reshape(-1, 2)
    radius = np.hypot(*(array - SIDE / 2).T) / SIDE * 1.4
    rings, sign = np.cos(2 * np.pi * 5 * radius), np.where(np.arange(100) % 2, -1.0, 1.0)
    log_rate = np.hstack([np.outer(radius, 2.5 * sign), np.outer(rings, sign[:40])])
    counts = csr_matrix(rng.poisson(3 * np.exp(log_rate)).astype(np.float32))
    hidden = rng.random(len(array)) < 0.6
    shown = fit_lattice(array[~hidden])

    def agreement(method: Method, **settings: int) -> float:
        fitted = method.fit(counts[~hidden], shown, FitOptions(settings=settings))
        prediction = fitted.predict(array[hidden].astype(float))
        found = fitted.decoder.decode(prediction, np.arange(100, 140, 2), "composition")
        return float(np.corrcoef(found.mean(1), rings[hidden])[0, 1])

    of_prior, of_kernel = agreement(Prior()), agreement(Stentrans(), steps=0)
    assert of_prior < 0.5
    assert of_kernel > 0.65
