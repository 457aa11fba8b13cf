"""The page of genes on a small section whose results are in the store: no job is needed."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from stentrans.app import cache, state, view
from stentrans.app.links import pack_region
from stentrans.jobs import Manager
from stentrans.jobs.work import do_run
from stentrans.section import check_section, simulate
from stentrans.store import Run, Store

APP = Path(__file__).resolve().parents[2] / "app.py"
GENE = "Layer1-01"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A store with one section, with a picture and labels, enhanced and tested by interpolation."""
    folder = tmp_path_factory.mktemp("genes")
    section = simulate(n_rows=14, n_cols=20, seed=2)
    section.var["gene_ids"] = [f"ENSG{number:011d}" for number in range(section.n_vars)]
    upper = section.obs["array_row"] < section.obs["array_row"].median()
    section.obs["layer"] = np.where(upper, "upper *half*", "lower")
    pixels = section.obsm["spatial"]
    size = (pixels.max(axis=0) + 100).astype(int)
    picture = np.full((size[1] // 4, size[0] // 4, 3), 200, np.uint8)
    section.uns["spatial"] = {
        "one": {"images": {"hires": picture}, "scalefactors": {"tissue_hires_scalef": 0.25}}
    }
    store = Store(folder)
    name = store.put_section(check_section(section), about={"label": "small"})
    run = Run(section=name, method="linear")
    for one in (run, run.holdout()):
        do_run(one, store, lambda progress: None)
    return folder, name


@pytest.fixture
def app(home: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    folder, name = home
    monkeypatch.setenv("STENTRANS_HOME", str(folder))
    st.cache_resource.clear()
    jobs = Manager(cache.store(), open_client=lambda: pytest.fail("no worker is needed"))
    monkeypatch.setattr(cache, "manager", lambda: jobs)
    found = AppTest.from_file(str(APP), default_timeout=60.0)
    found.session_state[state.SECTION] = name
    found.session_state[state.LABELS] = {name: "small"}
    found.session_state[state.RUNS] = {name: Run(section=name, method="linear")}
    found.query_params["gene"] = GENE
    yield found
    jobs.close()
    st.cache_resource.clear()


def opened(app: AppTest, **parameters: str) -> AppTest:
    """The page as a link with these parameters opens it."""
    for name, value in parameters.items():
        app.query_params[name] = value
    app.run()
    app.switch_page("pages/genes.py").run()
    assert not app.exception
    return app


def told(app: AppTest) -> list[dict]:
    return [json.loads(one.proto.json) for one in app.get("bidi_component")]


def maps_of(app: AppTest) -> dict:
    return next(json.loads(one["spec"]) for one in told(app) if one.get("layouts"))


def titles(app: AppTest) -> list[str]:
    notes = maps_of(app)["layout"]["annotations"]
    return [note["text"].split("</b>")[0].removeprefix("<b>") for note in notes[:-1]]


def words(app: AppTest) -> str:
    shown = [*app.markdown, *app.caption, *app.info, *app.success, *app.warning, *app.error]
    return "\n".join(str(element.value) for element in shown).replace("\\", "")


def test_one_gene_has_three_maps_a_strip_and_a_card(app: AppTest) -> None:
    opened(app)
    assert titles(app) == ["Measured", "Enhanced", "Imputed"]
    strip = next(one for one in told(app) if "items" in one)
    assert strip["current"] == GENE or len(strip["items"]) == 12
    labels = [one.label for one in app.metric]
    assert labels == [
        "Hidden spots, r",
        "Gain over cubic",
        "Noise ceiling",
        "Spots that show it",
        "Moran's I",
    ]
    assert "shuffled spots, smoothed as much, reach" in words(app)


def test_difference_is_enhanced_minus_interpolated(app: AppTest) -> None:
    opened(app, show="Difference")
    assert titles(app)[2] == "Difference"
    data = maps_of(app)["data"]
    (shown,) = [trace for trace in data if trace.get("name") == "Difference"]
    assert shown["coloraxis"] == "coloraxis2"
    # The method is linear interpolation itself: nothing is left, and 128.5 is the code of zero.
    codes = np.frombuffer(b64decode(shown["z"]["bdata"]), np.uint8)
    assert np.abs(codes[codes > 1] - 128.5).max() < 2


def test_swipe_lays_two_maps_in_one_place(app: AppTest) -> None:
    opened(app, show="Swipe")
    layout = maps_of(app)["layout"]
    assert layout["xaxis"]["domain"] == layout["xaxis2"]["domain"]
    (swipe,) = [one for one in told(app) if one.get("swipe")]
    assert swipe["swipe"] == "Line between Measured and Enhanced"


def test_several_genes_take_symbols_ids_and_pasted_lists(app: AppTest) -> None:
    opened(app, show="Several genes")
    app.multiselect(key="genes").set_value([GENE, "ring-03, ENSG00000000002;Nonsense"]).run()
    section = cache.section(app.session_state[state.SECTION])
    third = section.var_names[2]
    assert titles(app) == [GENE, "Ring-03", third]
    assert "Not in this section: Nonsense" in words(app)
    assert "colours from" in json.dumps(maps_of(app)["layout"]["annotations"])
    app.toggle(key="one_scale").set_value(True).run()
    assert "colours from" not in json.dumps(maps_of(app)["layout"]["annotations"])


def test_several_genes_begin_with_those_that_follow(app: AppTest) -> None:
    opened(app, show="Several genes")
    first, *others = titles(app)
    assert first == GENE
    assert len(others) == 2


def test_starred_genes_are_shown_beside_each_other(app: AppTest) -> None:
    name = app.session_state[state.SECTION]
    app.session_state[view.STARS] = {name: {"Ring-03": "", GENE: ""}}
    opened(app, show="Several genes")
    assert titles(app) == [GENE, "Ring-03"]


def test_more_genes_than_fit_are_said_to_be_left_out(app: AppTest) -> None:
    opened(app, show="Several genes")
    many = cache.genes(app.session_state[state.SECTION])[:14]
    app.multiselect(key="genes").set_value(many).run()
    assert len(titles(app)) == 12
    assert "first 12 of 14" in words(app)


def test_two_genes_share_one_map(app: AppTest) -> None:
    opened(app, show="Two genes", second_gene="Ring-03")
    assert titles(app) == ["Measured", "Enhanced"]
    hover = next(t["hovertemplate"] for t in maps_of(app)["data"] if t["type"] == "scattergl")
    assert GENE in hover
    assert "Ring-03" in hover
    assert "correlate with r =" in words(app)


def test_signature_scores_three_maps(app: AppTest) -> None:
    opened(app, show="Signature")
    app.multiselect(key="genes").set_value([GENE, "Ring-03"]).run()
    assert titles(app) == ["Measured", "Enhanced", "Imputed"]
    assert maps_of(app)["layout"]["coloraxis"]["colorbar"]["title"]["text"] == "mean z-score"


def test_gene_is_found_by_its_id(app: AppTest) -> None:
    opened(app, gene="ENSG00000000002")
    expected = cache.section(app.session_state[state.SECTION]).var_names[2]
    hover = next(t["hovertemplate"] for t in maps_of(app)["data"] if t["type"] == "scattergl")
    assert f"<b>{expected}</b>" in hover


def test_unknown_gene_of_a_link_is_named_and_another_one_shown(app: AppTest) -> None:
    opened(app, gene="Nonsense")
    assert "'Nonsense'" in words(app)
    assert len(titles(app)) == 3


def test_only_trusted_sites_keep_their_colour(app: AppTest) -> None:
    opened(app, map_trust="Only what I can trust")
    assert "of sites confirmed" in json.dumps(maps_of(app)["layout"]["annotations"])
    assert "three standard errors" in words(app)


def test_uncertainty_is_a_map_of_its_own(app: AppTest) -> None:
    opened(app, map_trust="Uncertainty as the third map")
    assert titles(app)[2] == "Uncertainty"


def test_unlocked_colours_are_warned_of(app: AppTest) -> None:
    opened(app)
    assert "Careful" not in words(app)
    app.toggle(key=view.key_of("is_locked")).set_value(False).run()
    assert "Careful" in words(app)
    assert maps_of(app)["layout"]["coloraxis"]["colorbar"]["ticktext"][0] == "low"


def test_picture_lies_below_every_map(app: AppTest) -> None:
    opened(app)
    assert "images" not in maps_of(app)["layout"] or not maps_of(app)["layout"]["images"]
    app.toggle(key=view.key_of("shows_picture")).set_value(True).run()
    images = maps_of(app)["layout"]["images"]
    assert [image["xref"] for image in images] == ["x", "x2", "x3"]
    assert images[0]["source"].endswith(".webp")
    assert maps_of(app)["data"][0]["opacity"] == 0.7


def test_turning_moves_the_maps_and_not_the_values(app: AppTest) -> None:
    opened(app)
    before = maps_of(app)
    next(one for one in app.button if one.label == "Turn").click().run()
    after = maps_of(app)
    shape = [int(n) for n in before["data"][0]["z"]["shape"].split(",")]
    assert [int(n) for n in after["data"][0]["z"]["shape"].split(",")] == shape[::-1]


def test_starred_gene_keeps_its_note(app: AppTest) -> None:
    opened(app)
    app.button(key="star").click().run()
    app.text_input(key=f"note-{GENE}").set_value("stripes").run()
    name = app.session_state[state.SECTION]
    assert app.session_state[view.STARS][name] == {GENE: "stripes"}
    app.button(key="star").click().run()
    assert app.session_state[view.STARS][name] == {}


def test_leafing_goes_to_the_next_gene_of_the_order(app: AppTest) -> None:
    opened(app)
    app.selectbox(key="map_order").set_value("name").run()
    genes = cache.genes(app.session_state[state.SECTION])
    app.button(key="leaf-Right").click().run()
    assert app.selectbox(key="gene").value == genes[genes.index(GENE) + 1]


def test_region_of_a_link_is_drawn_and_described(app: AppTest) -> None:
    section = app.session_state[state.SECTION]
    crypt = view.Region("crypt", tuple(range(30, 60)))
    opened(app, section=section, region=pack_region(crypt, cache.tissue(section).n_obs))
    assert [t["name"] for t in maps_of(app)["data"]].count("region") == 6
    statistics = next(one.value for one in app.dataframe if "group" in one.value)
    counted = dict(zip(statistics["group"], statistics["n"], strict=True))
    assert counted["measured, in the region"] == 30
    assert counted["enhanced, measured sites in the region"] == 30
    assert counted["enhanced, inserted sites in the region"] > 30
    assert app.text_input(key="region-name-crypt").value == "crypt"
    app.button(key="delete-region").click().run()
    assert "region" not in [t["name"] for t in maps_of(app)["data"]]


def test_region_of_another_section_is_left_out(app: AppTest) -> None:
    section = app.session_state[state.SECTION]
    opened(app, section=section, region=pack_region(view.Region("far", (4_000,)), 5_000))
    assert "region" not in [t["name"] for t in maps_of(app)["data"]]


def test_label_of_the_file_becomes_a_region_that_is_compared(
    app: AppTest, home: tuple[Path, str]
) -> None:
    opened(app)
    app.selectbox(key="label").set_value(("layer", "upper *half*")).run()
    next(one for one in app.button if one.label == "Make it a region").click().run()
    region = app.session_state[view.REGIONS][home[1]]["upper *half*"]
    app.selectbox(key="compare_test").set_value("t-test").run()
    run = Run.of("markers", home[1], region=region.spots, reference=(), test="t-test")
    do_run(run, Store(home[0]), lambda progress: None)
    app.run()
    assert "genes differ between upper *half* and all other spots" in words(app)
    table = next(one.value for one in app.dataframe if "q_value" in one.value)
    assert table["q_value"].is_monotonic_increasing
