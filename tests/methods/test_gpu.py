"""What a GPU must not change. Runs where torch can use one; nothing else in the tests needs it."""

from __future__ import annotations

from typing import Any

import anndata as ad
import numpy as np
import pytest
import torch

import stentrans
from stentrans.methods.base import Progress

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

SETTINGS: dict[str, dict[str, Any]] = {
    "stentrans": {},
    "paper": {"depth": 2, "epochs": 20},
    "dist": {"width": 8, "depth": 2, "epochs": 20},
}
METHODS = list(SETTINGS)


@pytest.fixture(scope="module")
def section() -> ad.AnnData:
    return stentrans.simulate(seed=4)


@pytest.mark.parametrize("method", METHODS)
def test_expression_is_that_of_the_processor(section: ad.AnnData, method: str) -> None:
    found = {
        device: stentrans.enhance(section, method=method, device=device, **SETTINGS[method])
        for device in ("cpu", "cuda")
    }
    genes = list(found["cpu"].genes[:50])
    expected = found["cpu"].expression(genes)
    # Sums in another order send training another way; how far is a matter of steps, not of luck.
    miss = np.abs(found["cuda"].expression(genes) - expected)
    assert np.quantile(miss, 0.99) < 0.05 * expected.std()


@pytest.mark.parametrize("method", METHODS)
def test_a_seed_gives_the_same_again(section: ad.AnnData, method: str) -> None:
    one, two = (
        stentrans.enhance(
            section, method=method, seed=2, device="cuda", **SETTINGS[method]
        ).expression(list(section.var_names[:20]))
        for _ in range(2)
    )
    np.testing.assert_allclose(one, two, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("method", METHODS)
def test_preview_can_be_seen_while_the_gpu_learns(section: ad.AnnData, method: str) -> None:
    shown = []

    def listen(told: Progress) -> None:
        if told.stage == "training" and told.preview is not None:
            shown.append(told.preview(3))

    stentrans.enhance(section, method=method, device="cuda", on_progress=listen, **SETTINGS[method])
    assert shown
    assert {values.shape for values in shown} == {(section.n_obs,)}
