"""The page of patterns: before, while and after its work is done."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from stentrans.app import cache, patterns, spatial, state, view
from stentrans.store import Run


def open_page(app):
    app.run()
    app.switch_page("pages/patterns.py").run()
    assert not app.exception
    return app


def press(app, label):
    next(button for button in app.button if button.label == label).click()
    app.run()
    assert not app.exception


def show(app, name):
    app.session_state["patterns_look"] = name
    app.run()
    assert not app.exception


def all_words(app):
    return " ".join(element.value for kind in (app.markdown, app.caption) for element in kind)


def test_page_offers_to_look_and_then_shows_the_genes(app, finish):
    open_page(app)
    press(app, "Look for patterns")
    finish()
    app.run()
    assert "tested genes vary in space" in all_words(app)
    assert list(app.dataframe[0].value["gene"])


def test_every_look_is_drawn_from_what_was_found(app, finish):
    open_page(app)
    press(app, "Look for patterns")
    finish()
    show(app, "Domains")
    assert "ARI" in all_words(app)
    show(app, "Modules")
    show(app, "Pathways")
    assert "families of simulated genes" in all_words(app)
    press(app, "Look for pathways")
    finish()
    app.run()
    table = app.dataframe[0].value
    assert {"q_as_often_seen", "score", "ranked_q_value", "leading_genes"} <= set(table)
    assert "found in the list" in all_words(app)
    show(app, "Before and after")
    assert any(button.label == "Compare before and after" for button in app.button)


def test_before_and_after_shows_the_null(app, finish):
    open_page(app)
    finish()
    section = app.session_state[state.SECTION]
    source = app.session_state[state.RUNS][section]
    work = patterns.compared_run(source, 0, "")
    for run in (Run.of("patterns", section, n_domains=0), work):
        cache.manager().submit(run)
    finish()
    show(app, "Before and after")
    table = app.dataframe[0].value.set_index("kind")
    assert table.loc["variable genes", "shown_null"] > 100
    assert table.loc["variable genes", "supported_null"] <= 2
    assert "hollow bars" in all_words(app)
    assert table.loc["pathways", "supported_null"] == 0
    found = app.dataframe[1].value
    assert (found["verdict"] == "new, borne out").sum() == table.loc["variable genes", "new"]
    only_shown = (found["verdict"] == "on the map only").sum()
    assert only_shown == table.loc["variable genes", "unsupported"]
    show(app, "Domains")
    assert "Clusters of the enhanced map" in all_words(app)
    show(app, "Pathways")
    assert any("Borne out" in name for name in app.selectbox(key="gene_list_asked").options)


def test_drawn_region_can_be_asked_for_pathways(app, finish):
    app.run()
    section = app.session_state[state.SECTION]
    inside = np.flatnonzero(cache.tissue(section).obs["domain"] == "Layer3")
    region = view.Region("third layer", tuple(inside.tolist()))
    app.session_state[view.REGIONS] = {section: {region.name: region}}
    open_page(app)
    press(app, "Look for patterns")
    finish()
    show(app, "Pathways")
    box = app.selectbox(key="gene_list_asked")
    box.select(next(option for option in box.options if region.name in option))
    app.run()
    press(app, "Look for pathways")
    finish()
    app.run()
    assert app.dataframe[0].value["term"].iloc[0] == "Layer3 genes"


def test_adjacent_section_is_looked_at(app, finish):
    open_page(app)
    press(app, "Look for patterns")
    finish()
    adjacent = cache.section(app.session_state[state.SECTION]).copy()
    rng = np.random.default_rng(0)
    adjacent.X = csr_matrix(rng.binomial(adjacent.X.toarray().astype(int), 0.5).astype(np.float32))
    other = cache.store().put_section(adjacent)
    labels = app.session_state[state.LABELS]
    app.session_state[state.LABELS] = {**labels, other: "the slice beside"}
    app.run()
    app.selectbox(key="adjacent").set_value(other).run()
    press(app, "Look in the other section")
    finish()
    app.run()
    table = app.dataframe[1].value.set_index("found")
    assert table.loc["measured", "replicated"] > 2 * table.loc["measured", "expected"]


def test_genes_are_leafed_through_in_the_order_of_their_patterns(app, finish):
    app.run()
    finish()
    app.switch_page("pages/genes.py").run()
    app.selectbox(key="map_order").set_value("spatial").run()
    press(app, "Rank genes by their patterns")
    finish()
    app.run()
    section = app.session_state[state.SECTION]
    ranked = spatial.ranked_genes(section)
    table = cache.result(spatial.patterns_run(section))["genes"]
    assert ranked == list(table["gene"])
    app.selectbox(key="gene").set_value(ranked[3]).run()
    app.button(key="leaf-Right").click().run()
    assert app.selectbox(key="gene").value == ranked[4]
    assert not app.exception


def test_menu_can_be_limited_to_genes_that_vary_in_space(app, finish):
    app.run()
    finish()
    app.switch_page("pages/enhance.py").run()
    app.toggle(key=state.SPATIAL_GENES).set_value(True).run()
    press(app, "Rank genes by their patterns")
    finish()
    app.run()
    app.number_input(key=state.N_SPATIAL).set_value(5).run()
    assert "5 of the" in all_words(app)
    app.switch_page("pages/genes.py").run()
    best = spatial.ranked_genes(app.session_state[state.SECTION], only_sure=True)
    assert app.selectbox(key="gene").options == best[:5]
