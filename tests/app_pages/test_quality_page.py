"""The quality page: its answer, thresholds that act, holes and edge."""

from __future__ import annotations

import shlex
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from stentrans import simulate
from stentrans.app import cache, quality
from stentrans.app.quality import Limits
from stentrans.cli.parser import build_parser
from stentrans.section import check_section, spot_quality
from tests.app_pages.looking import button, figures, open_section, words

PAGE = "pages/quality.py"
pytestmark = pytest.mark.usefixtures("no_worker")


@pytest.fixture
def section() -> ad.AnnData:
    """A simulated section with two poor spots, one inside the tissue and one at its edge."""
    made = simulate(lattice="square", n_rows=14, n_cols=14, seed=2)
    counts = made.X.tolil()
    counts[poor_spots(made)] = 0
    counts[poor_spots(made), 0] = 1
    made.X = counts.tocsr()
    return made


def poor_spots(section: ad.AnnData) -> list[int]:
    distance = spot_quality(section)["edge_distance"].to_numpy()
    return [int(distance.argmax()), int(distance.argmin())]


def threshold(app: AppTest, name: str):
    (found,) = [one for one in app.slider if one.key and one.key.startswith(name)]
    return found


def test_page_answers_for_the_example_while_it_is_being_made(app: AppTest) -> None:
    app.run()
    app.switch_page(PAGE).run()
    assert not app.exception
    assert "Can this section be enhanced?" in words(app)
    assert "Spatial signal" in words(app)
    assert len(figures(app)) == 5


def test_measures_have_a_map_and_a_histogram_each(
    app: AppTest, section: ad.AnnData, tmp_path: Path
) -> None:
    section.var_names = ["MT-CO1", *section.var_names[1:]]
    open_section(app, section, tmp_path)
    app.switch_page(PAGE).run()
    maps, *histograms, lattice, _edge = figures(app)
    titles = [trace["name"] for trace in maps["data"] if trace["type"] == "heatmap"]
    assert titles == ["Counts", "Genes", "Mitochondrial"]
    assert len(histograms) == 3
    assert [trace["name"] for trace in lattice["data"] if trace["type"] == "heatmap"] == ["Lattice"]


def test_absent_mitochondrial_genes_are_told(app: AppTest) -> None:
    app.run()
    app.switch_page(PAGE).run()
    assert "No gene name begins with MT-" in words(app)


def test_threshold_sets_spots_aside_and_the_way_back_is_open(
    app: AppTest, section: ad.AnnData, tmp_path: Path
) -> None:
    open_section(app, section, tmp_path)
    before = app.session_state["stentrans_section"]
    app.switch_page(PAGE).run()
    assert button(app, "Set these spots aside").disabled
    threshold(app, "min_counts").set_value(2).run()
    assert "2 spots set aside: 1 inside the tissue become gaps" in words(app).replace("*", "")
    button(app, "Set these spots aside").click().run()
    assert not app.exception
    after = app.session_state["stentrans_section"]
    assert after != before
    assert cache.tissue(after).n_obs == section.n_obs - 2
    assert "2 spots set aside: 2 fewer than 2 counts" in words(app)
    button(app, "Back to all spots").click().run()
    assert app.session_state["stentrans_section"] == before


def test_suggestion_moves_the_thresholds(app: AppTest, section: ad.AnnData, tmp_path: Path) -> None:
    open_section(app, section, tmp_path)
    app.switch_page(PAGE).run()
    button(app, "Suggest thresholds").click().run()
    assert not app.exception
    assert threshold(app, "min_counts").value > 2
    assert not button(app, "Set these spots aside").disabled


def test_gaps_are_counted_and_drawn(app: AppTest, hexagonal_section: ad.AnnData, tmp_path: Path):
    open_section(app, hexagonal_section, tmp_path)
    app.switch_page(PAGE).run()
    assert "7 gaps inside the tissue: 1 hole of 7 positions" in words(app).replace("*", "")
    lattice = figures(app)[-2]
    assert "region" in [trace["name"] for trace in lattice["data"]]


def test_section_that_cannot_be_enhanced_says_why(
    app: AppTest, square_section: ad.AnnData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stentrans.evaluation.readiness.refusal_of", lambda adata: "Too [small].")
    open_section(app, square_section, tmp_path)
    app.switch_page(PAGE).run()
    assert "No, not as it is." in words(app)
    assert "Too [small]." in words(app)


@pytest.mark.usefixtures("manager")
def test_command_line_of_a_filter_is_understood() -> None:
    from stentrans.app import repeat

    section = simulate(lattice="square", n_rows=10, n_cols=10)
    del section.uns["stentrans"]
    name = cache.store().put_section(check_section(section))
    limits = {"min_counts": 500, "min_genes": 0, "max_mito": 0.25}
    line = shlex.split(repeat.filter_line(name, "my file.h5ad", limits, "out.h5ad"))
    parsed = build_parser().parse_args(line[3:])
    assert (parsed.min_counts, parsed.max_mito, str(parsed.out)) == (500, 0.25, "out.h5ad")


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("a/b.h5ad", "b-filtered.h5ad"),
        ("x.tsv.gz", "x-filtered.h5ad"),
        ("Example (simulated, ST-like)", "example-simulated-st-like-filtered.h5ad"),
    ],
)
def test_filtered_section_is_named_after_its_file(label: str, name: str) -> None:
    assert quality.filtered_label(label) == name


@pytest.mark.usefixtures("manager")
def test_rings_count_inwards_and_name_the_edge_effect() -> None:
    section = simulate(lattice="square", n_rows=20, n_cols=20)
    distance = spot_quality(section)["edge_distance"].to_numpy()
    library = np.asarray(section.X.sum(1)).ravel()
    section.X = section.X.multiply((np.where(distance < 1.5, 0.3, 1.0))[:, None]).ceil().tocsr()
    assert (np.asarray(section.X.sum(1)).ravel() <= library).all()
    name = cache.store().put_section(check_section(section))
    rings = quality.rings(name)
    assert isinstance(rings, pd.DataFrame)
    assert rings["distance"].tolist() == sorted(rings["distance"])
    assert rings["middle"].iloc[0] < rings["middle"].iloc[1]
    assert "fewer counts" in quality.edge_sentence(name)


@pytest.mark.usefixtures("manager")
def test_limits_that_keep_all_set_nothing_aside() -> None:
    name = cache.store().put_section(check_section(simulate(n_rows=12, n_cols=20)))
    assert not quality.set_aside(name, Limits()).any()
    assert quality.new_gaps(name, Limits()) == 0
