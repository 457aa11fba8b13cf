"""Whether a section can be enhanced, and why."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pytest
from scipy.sparse import csr_matrix

import stentrans
from stentrans.evaluation.readiness import readiness


def reason(found, topic):
    return next(one for one in found.reasons if one.topic == topic)


@pytest.fixture(scope="module")
def simulated() -> ad.AnnData:
    return stentrans.simulate(lattice="hexagonal", n_rows=16, n_cols=32)


def test_section_with_a_pattern_is_ready(simulated: ad.AnnData) -> None:
    found = readiness(simulated)
    assert found.tone in ("good", "fair")
    assert found.signal_share > 0.3
    assert found.reach >= 2
    assert found.ceiling > 0.4


def test_shuffled_spots_are_not_ready_however_deep(simulated: ad.AnnData) -> None:
    shuffled = simulated.copy()
    shuffled.X = simulated.X[np.random.default_rng(0).permutation(simulated.n_obs)]
    found = readiness(shuffled)
    assert found.tone == "poor"
    assert found.sentence.startswith("No")
    assert found.reach == 0
    assert found.ceiling == pytest.approx(readiness(simulated).ceiling, abs=0.05)


def test_counting_noise_alone_is_not_ready(simulated: ad.AnnData) -> None:
    rng = np.random.default_rng(0)
    depth = np.asarray(simulated.X.sum(1)) / 4000
    noise = csr_matrix(rng.poisson(rng.uniform(0.2, 3.0, (1, 200)) * depth).astype(np.float32))
    found = readiness(ad.AnnData(noise, obs=simulated.obs))
    assert found.tone == "poor"


def test_section_that_is_refused_says_why(square_section: ad.AnnData) -> None:
    found = readiness(square_section[:20])
    assert found.tone == "poor"
    assert "at least 30 spots" in found.reasons[0].sentence


def test_sparse_section_is_refused_in_words(square_section: ad.AnnData) -> None:
    square_section.X = csr_matrix(np.eye(42, 12, dtype=np.float32))
    assert readiness(square_section).sentence == "No: the counts are too sparse."


def test_hole_is_named_with_its_size(simulated: ad.AnnData) -> None:
    at = simulated.obs[["array_row", "array_col"]].to_numpy()
    far = np.hypot(*(at - [8, 16]).T / [[1.0], [2.0]]) > 4
    found = reason(readiness(simulated[far]), "Lattice")
    assert "the largest hole has" in found.sentence
    assert int(found.sentence.split("hole has ")[1].split(" ")[0]) > 20


def test_nothing_depends_on_chance_but_the_seed(simulated: ad.AnnData) -> None:
    assert readiness(simulated, seed=3) == readiness(simulated, seed=3)
