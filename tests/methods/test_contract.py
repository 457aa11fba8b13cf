"""Every registered method on a square and a hexagonal section."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from stentrans.lattice import fit_lattice
from stentrans.methods.registry import METHODS
from tests.methods.checks import CHECKS, Case

QUICK: Mapping[str, Mapping[str, Any]] = {
    "stentrans": {"steps": 20, "tasks": 4},
    "paper": {"depth": 1, "epochs": 5},
    "dist": {"width": 4, "depth": 1, "epochs": 5},
}
"""Settings by method name that keep a fit on forty spots under a second."""


@pytest.mark.parametrize("lattice", ["square", "hexagonal"])
@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_method_keeps_the_contract(
    request: pytest.FixtureRequest, check: Callable[[Case], None], name: str, lattice: str
):
    counts = request.getfixturevalue(f"{lattice}_counts")
    fitted = fit_lattice(request.getfixturevalue(f"{lattice}_array"))
    check(Case(name, counts, fitted, QUICK.get(name, {})))
