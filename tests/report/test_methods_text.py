"""The methods paragraph says what the run says of itself, and no more."""

from __future__ import annotations

from typing import Any

import pytest

from stentrans.methods import registry
from stentrans.report.citations import citations, deviations
from stentrans.report.methods_text import methods_paragraph

SIZES = {"measured": 1_011, "inserted": 2_899, "gap": 1}
RUN: dict[str, Any] = {
    "version": "1.2.3",
    "section": "abc",
    "method": "stentrans",
    "seed": 5,
    "settings": {},
    "factor": 2,
    "genes": 12_397,
    "lattice": "hexagonal",
    "pitch_um": 100.0,
    "packages": {"numpy": "9.9"},
    "fit": {
        "rank": 4,
        "basis_genes": 6_599,
        "gate": [0.0, 0.5, 0.7, 0.0],
        "kernel_gate": [0.0, 0.0, 0.0, 0.0],
    },
}
TESTED = {
    "genes": 6_599.0,
    "pearson": 0.24,
    "pearson_linear": 0.12,
    "pearson_nearest": 0.08,
    "ceiling": 0.4,
}


@pytest.mark.parametrize(
    "fact",
    [
        "1,011 spots, 12,397 genes, hexagonal lattice, spots 100 µm apart",
        "2 times as finely along each axis",
        "stentrans 1.2.3 (method stentrans, seed 5, default settings)",
        "1,011 measured spots, 2,899 sites between them and 1 gap in the tissue",
        "composition of 4 factors, found in 6,599 genes",
        "a kernel on spots that look alike corrected none",
        "a Transformer trained on the section corrected 2 (mean gate 0.60)",
        "was 0.24 (linear 0.12, nearest 0.08); counting noise allows about 0.40",
        "Computed with numpy 9.9; the section's content has the id abc",
    ],
)
def test_paragraph_tells(fact: str) -> None:
    told = methods_paragraph("liver.h5ad", RUN, SIZES, tested=TESTED, n_spots=1_011)
    assert fact in told


def test_settings_are_told() -> None:
    told = methods_paragraph("x", RUN | {"settings": {"rank": 12}}, SIZES, n_spots=9)
    assert "settings rank = 12" in told


def test_what_was_not_tested_is_not_claimed() -> None:
    told = methods_paragraph("x", RUN, SIZES, n_spots=9)
    assert "was not tested on hidden spots" in told
    assert "correlation" not in told


def test_training_that_was_ended_early_cannot_be_repeated() -> None:
    told = methods_paragraph("x", RUN | {"stopped_early": True}, SIZES, n_spots=9)
    assert "do not give the same numbers again" in told


@pytest.mark.parametrize("method", list(registry.METHODS))
def test_every_method_has_a_paragraph_and_something_to_cite(method: str) -> None:
    told = methods_paragraph("x", RUN | {"method": method}, SIZES, n_spots=9)
    assert f"method {method}" in told
    cited = citations(method)
    assert cited[0].key == "stentrans"
    assert any("2407.08224" in one.text() for one in cited)
    assert all(one.bibtex().count("{") == one.bibtex().count("}") for one in cited)


def test_paragraph_for_other_methods_claims_no_network() -> None:
    told = methods_paragraph("x", RUN | {"method": "linear"}, SIZES, n_spots=9)
    assert "Transformer" not in told
    assert "Delaunay" in told


def test_only_methods_after_the_article_differ_from_it() -> None:
    assert deviations("stentrans")
    assert deviations("paper")
    assert deviations("linear") == ()
    assert not any("attention" in line for line in deviations("kernel"))
