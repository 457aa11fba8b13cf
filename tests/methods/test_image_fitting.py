"""The task that methods on images learn from, and the published protocol."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from stentrans.lattice import fit_lattice
from stentrans.methods.base import FitOptions, Progress
from stentrans.methods.edge_directed import EdgeDirected
from stentrans.methods.image_fitting import ImageTask, fit_image
from stentrans.methods.registry import load

QUICK = {"paper": {"depth": 1, "epochs": 2}, "dist": {"width": 4, "depth": 1, "epochs": 2}}


def task_of(counts, array) -> ImageTask:
    """The task of a section."""
    seen = []

    def make(task):
        seen.append(task)
        return EdgeDirected(8, is_hexagonal=False), {}

    fit_image(counts, fit_lattice(array), FitOptions(), make)
    return seen[0]


def test_task_gives_a_quarter_and_asks_for_all(square_counts, square_array):
    task = task_of(square_counts, square_array)
    images, truth = task.draw(np.array([2, 0]))
    assert images.shape == (2, 3, 4)
    counted = square_counts.toarray()[:, task.genes[[2, 0]]]
    np.testing.assert_array_equal(truth, counted.T)
    given = (square_array % 2 == 0).all(axis=1)
    np.testing.assert_array_equal(images.reshape(2, -1), counted[given].T)


def test_targets_are_cells_of_the_doubled_image(square_counts, square_array):
    task = task_of(square_counts, square_array)
    np.testing.assert_array_equal(task.targets, square_array @ np.array([8, 1]))


def test_genes_are_ordered_by_what_was_counted(square_counts, square_array, rng):
    order = rng.permutation(square_counts.shape[1])
    straight = task_of(square_counts, square_array).genes
    turned = task_of(csr_matrix(square_counts[:, order]), square_array).genes
    np.testing.assert_array_equal(order[turned], straight)


def test_rare_genes_are_not_learned_from(square_counts, square_array):
    counts = square_counts.toarray()
    counts[1:, 4], counts[0, 4] = 0, 3
    assert 4 not in task_of(csr_matrix(counts), square_array).genes


@pytest.mark.parametrize("name", ["paper", "dist", "nedi"])
@pytest.mark.parametrize("kind", ["square", "hexagonal"])
def test_section_is_predicted_from_its_quarter(name, kind, request):
    counts = request.getfixturevalue(f"{kind}_counts")
    lattice = fit_lattice(request.getfixturevalue(f"{kind}_array"))
    options = FitOptions(device="cpu", settings=QUICK.get(name, {}))
    fitted = load(name).fit(counts, lattice, options)
    predicted = fitted.predict_from_thinned()
    assert (predicted.shape, predicted.dtype) == (counts.shape, np.float32)
    assert predicted.min() >= 0
    given = ((lattice.axial - lattice.axial.min(axis=0)) % 2 == 0).all(axis=1)
    measured = counts.toarray()
    assert not np.allclose(predicted[~given], measured[~given], rtol=0.05)
    if name != "dist":  # whose filters smooth the given spots as well
        np.testing.assert_allclose(predicted[given], measured[given], rtol=1e-5, atol=1e-5)
    chosen = np.array([7, 2])
    np.testing.assert_allclose(
        fitted.predict_from_thinned(chosen), predicted[:, chosen], rtol=1e-4, atol=1e-4
    )


def test_section_without_counts_stays_zero(square_array):
    lattice = fit_lattice(square_array)
    empty = csr_matrix((len(square_array), 3), dtype=np.float32)
    for name in ("paper", "dist", "nedi"):
        fitted = load(name).fit(empty, lattice, FitOptions(settings=QUICK.get(name, {})))
        values = fitted.decoder.decode(fitted.predict(square_array + 0.5), np.arange(3), "counts")
        assert np.abs(values).max() == 0


def test_two_separate_pieces_are_one_image(square_counts, square_array):
    array = square_array.copy()
    array[array[:, 0] > 2, 0] += 9
    lattice = fit_lattice(array)
    for name in ("paper", "dist", "nedi"):
        fitted = load(name).fit(square_counts, lattice, FitOptions(settings=QUICK.get(name, {})))
        prediction = fitted.predict(np.array([[7.5, 3.0], [1.5, 2.5], [14.0, 6.0]]))
        assert np.isfinite(fitted.decoder.decode(prediction, np.arange(12), "log")).all()


@pytest.mark.parametrize("name", ["paper", "dist"])
def test_every_step_is_reported_with_its_loss(name, square_counts, square_array):
    seen: list[Progress] = []
    options = FitOptions(settings=QUICK[name], on_progress=seen.append)
    fitted = load(name).fit(square_counts, fit_lattice(square_array), options)
    losses = [progress.loss for progress in seen if progress.loss is not None]
    assert len(losses) == fitted.summary["steps"]
    assert all(progress.stage == "training" for progress in seen if progress.loss is not None)
