"""The page of patterns: before, while and after its work is done."""

from __future__ import annotations

from stentrans.app import cache, patterns, state
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
