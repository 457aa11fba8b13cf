"""At face value a smooth map shows patterns in nothing: that is what the null is for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stentrans.enhancement import Enhancement
from stentrans.errors import Cancelled
from stentrans.patterns.shown import shown_genes


def test_smooth_map_of_nothing_passes_a_naive_test(linear_fit_of_nothing):
    table = shown_genes(linear_fit_of_nothing[0])
    assert (table["map_q_value"] < 0.05).mean() > 0.9
    assert table["map_morans_i"].median() > 0.4


def test_real_patterns_are_stronger_than_those_of_permuted_spots(linear_fit, linear_fit_of_nothing):
    real = shown_genes(linear_fit[0]).set_index("gene")["strength"]
    nothing = shown_genes(linear_fit_of_nothing[0]).set_index("gene")["strength"]
    layered = real.index[real.index.str.startswith("Layer")]
    assert (real[layered] > nothing[layered]).mean() > 0.8


def test_flat_map_shows_nothing(linear_fit):
    made = linear_fit[0]
    flat = np.zeros(made.prediction.factors.shape, np.float32)
    flat[:, 0] = 1  # every site is the first spot
    flat_map = Enhancement(
        sites=made.sites,
        genes=made.genes,
        prediction=replace(made.prediction, factors=flat),
        decoder=made.decoder,
        measured=made.measured,
        provenance=made.provenance,
    )
    table = shown_genes(flat_map)
    assert not table["strength"].any()
    assert not table["map_morans_i"].any()
    assert (table["map_q_value"] == 1).all()


def test_strength_is_the_spread_over_inserted_sites(linear_fit):
    made = linear_fit[0]
    gene = "Layer1-01"
    inserted = (made.sites["origin"] == "inserted").to_numpy()
    expected = made.expression(gene, "composition")[inserted, 0].std()
    found = shown_genes(made).set_index("gene").loc[gene, "strength"]
    assert found == pytest.approx(expected, rel=0.1)


def test_cancelling_stops(linear_fit):
    with pytest.raises(Cancelled, match="Cancelled on request"):
        shown_genes(linear_fit[0], on_progress=lambda _: False)
