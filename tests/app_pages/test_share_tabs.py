"""The Figures, Report and Methods tabs of the Export page, and links."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import stentrans
from stentrans.app import cache, figures_tab, links, spatial, state, told, view
from stentrans.patterns.tables import Tables
from stentrans.store import Run
from stentrans.store.store import SECTION_FILE
from tests.app_pages.looking import words

PAGE = "pages/export.py"
TABS = {
    "figures": ":material/image: Figures",
    "report": ":material/co_present: Report",
    "methods": ":material/article: Methods",
}


@pytest.fixture
def opened(app: AppTest, finish: Callable[[], None]) -> Callable[[str], AppTest]:
    """Open a tab of the page after the example was enhanced and tested."""

    def open_tab(name: str) -> AppTest:
        app.run()
        finish()
        app.session_state[state.EXPORT_TAB] = TABS[name]
        app.switch_page(PAGE).run()
        assert not app.exception
        assert not app.error
        return app

    return open_tab


def code(app: AppTest) -> str:
    return "\n".join(str(block.value) for block in app.code)


def example_run() -> Run:
    (run,) = [job.run for job in cache.manager().jobs() if job.run.work == "enhance"]
    return run


def test_figure_is_shown_with_its_size_and_the_code_that_makes_it(
    opened: Callable[[str], AppTest],
) -> None:
    app = opened("figures")
    assert "180 ×" in words(app)
    assert len(app.get("image")) + len(app.get("imgs")) + len(app.get("image_list")) == 1
    app.number_input(key=state.FIGURE_WIDTH).set_value(85.0).run()
    assert "85 ×" in words(app)
    tree = ast.parse(code(app))
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert {"stentrans.enhance", "stentrans.gene_figure", "hidden_folds"} <= calls
    assert "width_mm=85.0" in code(app)


def test_figure_without_a_view_asks_for_one(opened: Callable[[str], AppTest]) -> None:
    app = opened("figures")
    app.button_group(key=state.FIGURE_VIEWS).set_value([]).run()
    assert not app.exception
    assert "at least one gene and one view" in words(app)


def test_domains_and_drawn_regions_are_panels_of_a_figure(
    opened: Callable[[str], AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened("figures")
    section = example_run().section
    n_spots = cache.tissue(section).n_obs
    app.session_state[view.REGIONS] = {section: {"rim": view.Region("rim", (0, 2))}}
    work = spatial.patterns_run(section)
    domains = np.arange(n_spots) % 3 + 1
    cache.store().put_run(work, Tables({"spots": pd.DataFrame({"domain": domains})}).save)
    drawn = []
    kept = figures_tab.gene_figure
    monkeypatch.setattr(
        figures_tab, "gene_figure", lambda *a, **k: drawn.append(k["labels"]) or kept(*a, **k)
    )
    app.run()
    choice = app.button_group(key=state.FIGURE_LABELS)
    assert {"Regions", "Domains", "Domains, finer"} <= set(choice.options)
    choice.set_value(["Regions", "Domains"]).run()
    assert not app.exception
    labels = drawn[-1]
    assert labels["Regions"][:3] == ["rim", "", "rim"]
    assert labels["Domains"] == domains.tolist()
    assert "labels=labels" in code(app)
    names = [button.proto.label for button in app.get("download_button")]
    assert f"labels_{n_spots}.csv" in names
    # No gene is needed, and a region may be deleted meanwhile.
    app.session_state[view.REGIONS] = {section: {}}
    app.multiselect(key=state.FIGURE_GENES).set_value([]).run()
    assert not app.exception
    assert list(drawn[-1]) == ["Domains"]


@pytest.mark.parametrize(
    "gene", ["HLA-DRA/B1", "../<b>", "a\"b'c", "IL2, IL4", "x" * 60, "a\tb:\\"]
)
def test_file_of_a_figure_has_a_name_that_every_disk_takes(gene: str) -> None:
    name = figures_tab._file_name([gene, "Mbp"])
    assert re.fullmatch(r"[\w-]{1,60}", name)


def test_spot_in_two_regions_is_called_after_both() -> None:
    kept = [view.Region("a", (0, 1)), view.Region("b", (1,))]
    assert told.region_labels(kept, 3) == ["a", "a + b", ""]


def test_report_is_made_on_request_and_offered(opened: Callable[[str], AppTest]) -> None:
    app = opened("report")
    assert not app.get("download_button")
    app.button(key="make-report").click().run()
    assert not app.exception
    (offered,) = app.get("download_button")
    assert offered.proto.label.startswith("Download (")
    asked, content = app.session_state[state.REPORT_MADE]
    page = content.decode()
    assert page.startswith("<!doctype html>")
    assert all(gene in page for gene in asked[2])
    assert "simulated, not measured" in page
    # Other genes: the file that was made is not theirs.
    app.multiselect(key=state.REPORT_GENES).set_value([cache.genes(asked_section(app))[0]]).run()
    assert not app.get("download_button")


def asked_section(app: AppTest) -> str:
    return str(app.session_state[state.SECTION])


def test_methods_tell_the_run_and_how_to_make_it_again(opened: Callable[[str], AppTest]) -> None:
    app = opened("methods")
    told_code = code(app)
    assert "method linear, seed 0" in told_code
    assert 'stentrans.simulate(lattice="hexagonal")' in told_code
    assert "2407.08224" in words(app)
    labels = [button.proto.label for button in app.get("download_button")]
    assert labels == ["BibTeX", "Notebook (.ipynb)", "Section as used (.h5ad)"]


def test_section_as_used_is_read_as_the_same_section(opened: Callable[[str], AppTest]) -> None:
    opened("methods")
    run = example_run()
    file = cache.store().open("sections", run.section) / SECTION_FILE
    again = stentrans.enhance(stentrans.read(file), method="linear")
    assert again.provenance["section"] == cache.enhancement(run.id).provenance["section"]


def query_of(app: AppTest) -> dict[str, str]:
    """The link on the Methods tab, as names and values."""
    (address,) = [block.value for block in app.code if "section=" in block.value]
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def test_link_opens_the_same_gene_reading_run_and_region(
    opened: Callable[[str], AppTest], app: AppTest
) -> None:
    query = query_of(opened("methods"))
    n_spots = cache.tissue(query["section"]).n_obs
    region = view.Region("rim, <b>", (0, 3, n_spots - 1))
    fresh = AppTest.from_file(app._script_path, default_timeout=60)
    fresh.query_params.update(
        query | {"reading": "log", links.REGION: links.pack_region(region, n_spots)}
    )
    fresh.run()
    assert not fresh.exception
    assert fresh.session_state[state.SECTION] == query["section"]
    assert fresh.session_state[state.RUNS][query["section"]].id == query["run"]
    assert fresh.session_state[view.REGIONS][query["section"]] == {region.name: region}
    fresh.switch_page("pages/genes.py").run()
    assert fresh.selectbox(key=state.GENE).value == query["gene"]


def test_link_to_a_section_that_is_not_here_says_which_file_is_needed(
    app: AppTest, finish: Callable[[], None]
) -> None:
    app.query_params.update(
        {
            "section": "a" * 32,
            "run": "b" * 32,
            "gene": "GENE3",
            links.ABOUT: json.dumps(["<b>liver</b>.h5ad", 41, 12]),
        }
    )
    app.run()
    finish()
    assert not app.exception
    said = words(app)
    assert "<b>liver</b>.h5ad (41 spots, 12 genes)" in said
    assert "a" * 32 in said
    assert app.session_state[links.WANTED].gene == "GENE3"


def test_run_of_a_link_is_that_of_its_settings_or_none() -> None:
    run = Run("a" * 32, method="nearest", seed=4, settings=(("rank", 3),))
    how = json.dumps({field: run.to_dict()[field] for field in links._RUN_FIELDS})
    assert links._run_of(links.Wanted(run.section, run.id, how)) == run
    assert links._run_of(links.Wanted(run.section, "b" * 32, how)) is None
    assert links._run_of(links.Wanted(run.section, run.id, '{"evil": 1}')) is None
    assert links._run_of(links.Wanted(run.section, run.id, "[]")) is None


def test_form_takes_the_settings_of_a_link_only_where_it_could_have_asked_for_them(
    opened: Callable[[str], AppTest],
) -> None:
    opened("methods")
    usual = Run(example_run().section, method="kernel", factor=3, settings=(("rank", 9),))
    assert links._suits_form(usual)
    for evil in (
        {"method": "evil"},
        {"factor": 99},
        {"fill_gaps": "yes"},
        {"seed": -1},
        {"settings": (("rank", "many"),)},
        {"settings": (("rank", 10**6),)},
        {"settings": (("unknown", 3),)},
    ):
        assert not links._suits_form(replace(usual, **evil)), evil


@pytest.mark.parametrize(
    "told_region",
    ["", "x", "!!.name", "eJwDAAAAAAE=.name", "eJwDAAAAAAE=.", "." + "a" * 9],
)
def test_damaged_regions_of_links_are_none(told_region: str) -> None:
    assert links.unpack_region(told_region, 100) is None


def test_region_survives_its_way_through_a_link() -> None:
    region = view.Region("a.b, c/d", tuple(range(3, 999, 7)))
    assert links.unpack_region(links.pack_region(region, 1_000), 1_000) == region
