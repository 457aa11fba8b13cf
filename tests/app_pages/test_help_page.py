"""The help page: complete, linked, and true to the rest of the app."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from stentrans.app import help_text
from stentrans.methods import registry
from tests.app_pages.looking import words

ROOT = Path(__file__).resolve().parents[2]
PAGE = "pages/help.py"


@pytest.mark.usefixtures("no_worker")
def test_help_tells_tour_publishing_words_and_limits(app: AppTest) -> None:
    app.run()
    app.switch_page(PAGE).run()
    assert not app.exception
    told = words(app)
    for step in help_text.TOUR:
        assert step.words in told
    assert "Test on **measured counts**" in told
    assert "memorises" in told
    labels = [tab.label for tab in app.tabs]
    assert {"Can I publish this?", "Limits", "Words", "Formats"} <= set(labels)


@pytest.mark.usefixtures("no_worker")
def test_every_method_is_cited(app: AppTest) -> None:
    app.run()
    app.switch_page(PAGE).run()
    assert all(info.citation in words(app) for info in registry.ABOUT.values())


def test_tour_leads_to_pages_that_exist() -> None:
    assert all((ROOT / step.page).is_file() for step in help_text.TOUR)
    assert len(help_text.TOUR) * 30 <= 240


def test_words_of_the_screens_are_explained() -> None:
    assert {"section", "spot", "site", "gap", "origin", "run", "noise ceiling"} <= set(
        help_text.GLOSSARY
    )
