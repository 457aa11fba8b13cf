"""One file that needs nothing else: what it holds, and that names in it are only ever text."""

from __future__ import annotations

import base64
import json
import re
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

import anndata as ad
import numpy as np
import pytest
from numpy.typing import NDArray

import stentrans
from stentrans.errors import Cancelled, MissingKeyError, ParameterError
from stentrans.evaluation import HeldOut
from stentrans.methods.base import Progress
from stentrans.report.html import html_report
from stentrans.report.recipe import Recipe
from stentrans.report.results import Results
from stentrans.report.story import Story, story_of

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


class Elements(HTMLParser):
    """Elements with their attributes, and the text of the page."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.scripts: list[str] = []
        self._within = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._within = tag

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within == "script":
            self.scripts.append(data)
        elif self._within != "style":
            self.text.append(data)


@pytest.fixture(scope="module")
def story(results: Results, enhanced: stentrans.Enhancement) -> Story:
    genes = [str(name) for name in results.genes[:3]]
    return story_of(
        f"{EVIL}.h5ad",
        results,
        genes,
        notes={genes[0]: EVIL, genes[1]: "brighter at the rim"},
        recipe=Recipe.of(enhanced.provenance, f"{EVIL}.h5ad"),
        link="http://127.0.0.1:8501/?section=abc&gene=a%20b",
        is_simulated=True,
    )


@pytest.fixture(scope="module")
def page(story: Story) -> str:
    return html_report(story)


@pytest.fixture(scope="module")
def elements(page: str) -> Elements:
    return Elements(page)


@pytest.fixture(scope="module")
def told(elements: Elements) -> dict[str, Any]:
    return json.loads(elements.scripts[0])


def numbers(packed: str) -> NDArray[np.float32]:
    return np.frombuffer(base64.b64decode(packed), "<f4")


def test_page_holds_the_numbers_of_the_results(
    told: dict[str, Any], story: Story, enhanced: stentrans.Enhancement, held_out: HeldOut
) -> None:
    for gene in told["genes"]:
        measured, predicted, imputed = map(numbers, gene["values"])
        n_spots = len(measured)
        expected = enhanced.expression(gene["name"], "composition")[:, 0]
        hidden = held_out.expression(gene["name"], "composition")[:, 0]
        assert measured == pytest.approx(story.results.measured([gene["name"]])[:, 0], abs=1e-6)
        assert predicted == pytest.approx(expected, abs=1e-6)
        assert imputed[:n_spots] == pytest.approx(hidden, abs=1e-6)


def test_sites_lie_where_they_are(told: dict[str, Any], enhanced: stentrans.Enhancement) -> None:
    sites = told["maps"][1]
    rows = np.frombuffer(base64.b64decode(sites["rows"]), "<u2")
    cols = np.frombuffer(base64.b64decode(sites["cols"]), "<u2")
    row = sites["row0"] + rows * sites["row_step"]
    col = sites["col0"] + (cols + (sites["cells"] - 1) / 2) * sites["col_step"]
    assert row == pytest.approx(enhanced.sites["array_row"])
    assert col == pytest.approx(enhanced.sites["array_col"])


def test_page_tells_scores_null_method_settings_and_notes(elements: Elements) -> None:
    words = " ".join(" ".join(elements.text).split())
    for part in (
        "Scores on hidden spots",
        "95 % of 200 shuffles stay below",
        "method linear",
        "Content id",
        "brighter at the rim",
        "python -m stentrans enhance",
        "arXiv:2407.08224",
        "simulated, not measured",
        "Not for diagnosis",
    ):
        assert part in words


def test_page_asks_nothing_of_any_network(elements: Elements) -> None:
    addresses = [
        (tag, name, value)
        for tag, attributes in elements.elements
        for name, value in attributes.items()
        if name in ("src", "srcset", "data", "poster", "background", "action", "formaction")
        or (name == "href" and tag != "a")
    ]
    assert addresses == []


def test_page_may_run_its_own_scripts_only(elements: Elements) -> None:
    (policy,) = (
        attributes["content"]
        for tag, attributes in elements.elements
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert "unsafe" not in rules["script-src"]
    for script in elements.scripts[1:]:
        digest = base64.b64encode(sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in rules["script-src"]


def test_names_and_notes_are_text_letter_by_letter(elements: Elements, story: Story) -> None:
    words = "".join(elements.text)
    assert story.genes[0] in words
    assert EVIL in words
    tags = [tag for tag, _ in elements.elements]
    assert "img" not in tags
    assert tags.count("script") == 3


def test_nothing_of_a_name_stands_unescaped_anywhere(page: str, story: Story) -> None:
    own = page.replace("<script>", "").replace("</script>", "")
    assert "<img src=x" not in page
    assert "<i>&" not in own
    assert page.count("</script>") == 3
    assert html_of(story.genes[0]) in page


def html_of(text: str) -> str:
    """The text as the page's template escapes it."""
    for letter, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("'", "&#39;")):
        text = text.replace(letter, escaped)
    return text.replace('"', "&#34;")


def test_only_what_was_seen_is_told_without_a_test(enhanced: stentrans.Enhancement) -> None:
    story = story_of("x", Results.of(enhanced), [str(enhanced.genes[1])])
    page = Elements(html_report(story))
    told = json.loads(page.scripts[0])
    words = " ".join(" ".join(page.text).split())
    assert [one["title"] for one in told["maps"]] == ["Measured", "Enhanced"]
    assert "not tested on hidden spots" in words
    assert "Imputed" not in words


def test_gene_that_is_zero_everywhere_is_told(
    named_section: ad.AnnData, enhanced: stentrans.Enhancement, held_out: HeldOut
) -> None:
    counts = np.asarray(named_section.X.sum(axis=0)).ravel()
    rarest = str(named_section.var_names[int(counts.argmin())])
    story = story_of("x", Results.of(enhanced, held_out=held_out), [rarest])
    assert "NaN" not in Elements(html_report(story)).scripts[0]


def test_progress_is_told_and_cancelling_heard(story: Story) -> None:
    heard: list[Progress] = []
    html_report(story, heard.append)  # type: ignore[arg-type]
    fractions = [progress.fraction for progress in heard]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert len(heard) >= len(story.genes) + 2
    with pytest.raises(Cancelled, match=r".+"):
        html_report(story, lambda progress: progress.fraction < 0.5)


def test_gene_that_is_not_there_is_refused(results: Results) -> None:
    with pytest.raises(MissingKeyError, match="'Nope' is not"):
        story_of("x", results, ["Nope"])


def test_report_without_genes_is_refused(results: Results) -> None:
    with pytest.raises(ParameterError, match="between 1 and 60 genes; got 0"):
        story_of("x", results, [])


def test_report_without_an_enhancement_is_refused(named_section: ad.AnnData) -> None:
    results = Results.of(named_section)
    with pytest.raises(ParameterError, match="needs an enhancement"):
        story_of("x", results, [str(results.genes[1])])


def test_link_leads_to_the_app(elements: Elements, story: Story) -> None:
    links = [attributes["href"] for tag, attributes in elements.elements if tag == "a"]
    assert links == [story.link]
    assert re.match("https?://", story.link)
