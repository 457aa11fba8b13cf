"""One gene per slide, with notes that hold verdict and settings."""

from __future__ import annotations

from io import BytesIO

import pytest
from pptx import Presentation
from pptx.enum.shapes import MSO_SHAPE_TYPE
from pptx.slide import Slide

import stentrans
from stentrans.report.recipe import Recipe
from stentrans.report.results import Results
from stentrans.report.slides import slides
from stentrans.report.story import Story, story_of


@pytest.fixture(scope="module")
def story(results: Results, enhanced: stentrans.Enhancement) -> Story:
    genes = [str(name) for name in results.genes[:3]]
    return story_of(
        "a<b>&c.h5ad",
        results,
        genes,
        notes={genes[0]: "n" * 150 + "\x07 and <so> on " * 20},
        recipe=Recipe.of(enhanced.provenance, "a<b>&c.h5ad"),
    )


@pytest.fixture(scope="module")
def deck(story: Story) -> list[Slide]:
    return list(Presentation(BytesIO(slides(story))).slides)


def words(slide: Slide) -> str:
    return "\n".join(shape.text_frame.text for shape in slide.shapes if shape.has_text_frame)


def notes(slide: Slide) -> str:
    frame = slide.notes_slide.notes_text_frame
    assert frame is not None
    return frame.text


def test_every_gene_has_a_slide_called_after_it(deck: list[Slide], story: Story) -> None:
    titles = [slide.shapes.title.text for slide in deck if slide.shapes.title is not None]
    assert titles[0] == "a<b>&c.h5ad"
    assert titles[1:4] == list(story.genes)
    assert titles[-1] == "Please cite"


def test_slide_shows_maps_that_screen_readers_can_name(deck: list[Slide], story: Story) -> None:
    for slide, gene in zip(deck[1:4], story.genes, strict=True):
        (picture,) = (s for s in slide.shapes if s.shape_type == MSO_SHAPE_TYPE.PICTURE)
        assert picture._element.nvPicPr.cNvPr.get("descr") == f"Maps of {gene}"
        right, bottom = picture.left + picture.width, picture.top + picture.height
        assert right <= 12_192_000 + 10_000
        assert bottom <= 6_858_000


def test_notes_hold_verdict_scores_settings_and_the_whole_note(
    deck: list[Slide], story: Story
) -> None:
    told = notes(deck[1])
    gene = story.told[0]
    assert gene.sentence in told
    assert "noise ceiling" in told
    assert "and <so> on" in told
    assert "Seed: 0" in told
    assert "python -m stentrans enhance" in told
    assert len(words(deck[1])) < len(told)


def test_slide_says_whether_to_believe(deck: list[Slide], story: Story) -> None:
    for slide, gene in zip(deck[1:4], story.told, strict=True):
        assert gene.sentence in words(slide)


def test_letters_that_no_document_may_hold_are_shown_as_such(deck: list[Slide]) -> None:
    assert "\N{REPLACEMENT CHARACTER}" in notes(deck[1])
