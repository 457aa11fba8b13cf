"""Printed figures of genes show what the results hold, for every view."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pytest
from matplotlib.collections import Collection
from numpy.typing import NDArray

import stentrans
from stentrans.errors import MissingKeyError, ParameterError
from stentrans.evaluation import HeldOut
from stentrans.figures.static.files import PrintFigure
from stentrans.keys import GAP, ORIGIN
from stentrans.report.results import Results
from stentrans.report.views import VIEWS, label_panel
from stentrans.section import measured_values


def drawn(figure: PrintFigure) -> list[NDArray[np.float32]]:
    """Values of every map, in the order of the panels."""
    maps: list[Collection] = [
        c for axes in figure.axes for c in axes.collections if len(c.get_offsets()) > 1
    ]
    return [np.ma.filled(c.get_array(), np.nan) for c in maps]


@pytest.mark.parametrize("reading", ["composition", "log", "counts"])
def test_maps_hold_the_numbers_of_the_results(
    enhanced: stentrans.Enhancement, held_out: HeldOut, named_section: ad.AnnData, reading: str
) -> None:
    gene = str(enhanced.genes[3])
    figure = stentrans.gene_figure(enhanced, gene, held_out=held_out, reading=reading)
    measured, predicted, imputed = drawn(figure)
    n_spots = len(measured)
    is_gap = (enhanced.sites[ORIGIN] == GAP).to_numpy()
    seen = measured_values(named_section[named_section.obs["in_tissue"] == 1], [gene], reading)
    assert measured == pytest.approx(seen[:, 0], abs=1e-6)
    assert predicted == pytest.approx(enhanced.expression(gene, reading)[:, 0], abs=1e-6)
    assert imputed[:n_spots] == pytest.approx(held_out.expression(gene, reading)[:, 0], abs=1e-6)
    assert imputed[n_spots:] == pytest.approx(predicted[is_gap], abs=1e-6)


@pytest.mark.parametrize("view", list(VIEWS))
def test_every_view_is_drawn_for_two_genes(results: Results, view: str) -> None:
    genes = list(results.genes[:2])
    figure = stentrans.gene_figure(results, genes, views=["measured", view])
    assert set(genes) <= {text.get_text() for text in figure.texts}


def test_section_alone_shows_what_was_measured(named_section: ad.AnnData) -> None:
    figure = stentrans.gene_figure(named_section, str(named_section.var_names[1]))
    assert len(drawn(figure)) == 1


def test_section_and_its_enhancement_lie_alike(
    named_section: ad.AnnData, enhanced: stentrans.Enhancement
) -> None:
    alone, both = Results.of(named_section), Results.of(enhanced)
    assert both.screen.is_um
    assert both.screen.place(both.array) == pytest.approx(alone.screen.place(alone.array))
    assert both.measured([str(both.genes[2])]) == pytest.approx(
        alone.measured([str(both.genes[2])])
    )


def test_many_genes_in_one_view_stand_side_by_side(results: Results) -> None:
    figure = stentrans.gene_figure(results, list(results.genes[:5]), views=["enhanced"], columns=3)
    lefts = {round(axes.get_position().x0, 3) for axes in figure.axes if not axes.axison}
    assert len(drawn(figure)) == 5
    assert len(lefts) == 3


def test_difference_is_against_straight_lines_between_spots(
    enhanced: stentrans.Enhancement,
) -> None:
    # The method of these results draws straight lines itself; only shared depth differs.
    figure = stentrans.gene_figure(enhanced, str(enhanced.genes[3]), views=["difference"])
    n_spots = int((enhanced.sites[ORIGIN] == "measured").sum())
    assert drawn(figure)[0][:n_spots] == pytest.approx(np.zeros(n_spots), abs=1e-5)


def test_labels_get_a_colour_each_in_their_order(results: Results) -> None:
    labels = ["b" if i % 2 else "a" for i in range(len(results.array))]
    panel = label_panel("Layers", results.array, labels, colours={"a": "#111111", "b": "#222222"})
    assert panel.categories == ("a", "b")
    assert panel.colours == ("#111111", "#222222")
    assert panel.values[:2].tolist() == [0.0, 1.0]
    numbers = label_panel("Domains", results.array, [2, 10] * len(labels))
    assert numbers.categories == ("2", "10")


def test_places_without_a_label_are_pale_and_come_last(results: Results) -> None:
    panel = label_panel("Regions", results.array, ["", "rim", None, "unknown"])
    assert panel.categories == ("rim", "other")
    assert panel.colours[1] == "#d9dee3"
    assert panel.values.tolist() == [1.0, 0.0, 1.0, 1.0]


def test_labels_of_spots_and_of_sites_stand_below_the_genes(
    results: Results, enhanced: stentrans.Enhancement
) -> None:
    genes = list(results.genes[:2])
    labels = {
        "Regions": ["", "rim, <b>$x$"] * len(results.array),
        "Domains": np.arange(len(enhanced.sites)) % 3,
    }
    labels["Regions"] = labels["Regions"][: len(results.array)]
    figure = stentrans.gene_figure(results, genes, labels=labels)
    *of_genes, regions, domains = drawn(figure)
    assert len(of_genes) == 6
    assert regions[:3].tolist() == [1.0, 0.0, 1.0]
    assert domains.tolist() == labels["Domains"].tolist()
    words = {text.get_text() for text in figure.texts}
    assert {"Regions", "Domains", "rim, <b>$x$", "other", "0", "1", "2"} <= words
    alone = stentrans.gene_figure(results, [], labels={"Domains": labels["Domains"]})
    assert len(drawn(alone)) == 1


def test_labels_that_are_neither_of_spots_nor_of_sites_are_refused(results: Results) -> None:
    with pytest.raises(ParameterError, match="`labels` must be one per spot or one per site"):
        stentrans.gene_figure(results, [], labels={"Domains": [1, 2, 3]})


def test_figure_keeps_how_it_was_made(enhanced: stentrans.Enhancement) -> None:
    figure = stentrans.gene_figure(enhanced, str(enhanced.genes[1]))
    assert "method linear, factor 2, seed 0" in figure.about
    assert enhanced.provenance["section"] in figure.about


def test_unknown_gene_is_refused(enhanced: stentrans.Enhancement) -> None:
    with pytest.raises(MissingKeyError, match="'Nope' is not"):
        stentrans.gene_figure(enhanced, "Nope")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"views": ["imputed"]}, r"'imputed' needs the test on hidden spots \(`held_out`\)"),
        ({"views": ["sideways"]}, "view must be one of measured, enhanced"),
        ({"reading": "raw"}, "reading must be one of composition, log, counts"),
        ({"width": 80}, "part of the look must be one of width_mm"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    enhanced: stentrans.Enhancement, options: dict[str, object], match: str
) -> None:
    with pytest.raises(ParameterError, match=match):
        stentrans.gene_figure(enhanced, str(enhanced.genes[1]), **options)


def test_test_of_another_section_is_refused(square_section: ad.AnnData, held_out: HeldOut) -> None:
    with pytest.raises(ParameterError, match="must belong to the same section; it has"):
        stentrans.gene_figure(square_section, "GENE1", held_out=held_out)
