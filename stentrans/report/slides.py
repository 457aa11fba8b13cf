"""Slides for a lab meeting: one gene each, with speaker notes that hold verdict and settings."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from textwrap import shorten
from typing import TYPE_CHECKING, Any, Final

from stentrans.figures.static.draw import draw_rows
from stentrans.figures.static.files import PrintFigure
from stentrans.figures.static.layout import lay_out
from stentrans.figures.static.panels import PrintLook, Row
from stentrans.methods.base import OnProgress, Progress, report
from stentrans.report.gene_figure import chosen_views, panels_of
from stentrans.report.story import GeneStory, Story
from stentrans.words import method_name, number, percent, printable

if TYPE_CHECKING:
    from pptx.presentation import Presentation
    from pptx.slide import Slide

WIDTH_MM, HEIGHT_MM = 338.7, 190.5
MARGIN_MM: Final = 14.0
_FIGURE_MM: Final = (WIDTH_MM - 2 * MARGIN_MM, 118.0)
_FIGURE_TOP_MM: Final = 40.0
_DPI: Final = 144
"""A slide that fills a screen of 1,920 pixels shows the maps pixel by pixel."""
_NOTE_LETTERS: Final = 200
"""Of a note that fit on the slide; the speaker notes hold all of it."""
_TITLE_ONLY: Final = 5
_INK, _FAINT = "1F2933", "52606D"
_TONES: Final = {"good": "0B6B3A", "fair": "1D4F91", "poor": "8A4B00"}


def slides(story: Story, on_progress: OnProgress | None = None) -> bytes:
    """Write a story as slides.

    Parameters
    ----------
    story
        What is told.
    on_progress
        Gets a `Progress` per gene; returning False cancels.

    Returns
    -------
    content
        A PowerPoint file (.pptx): a title, a slide per gene, how it was made, what to cite.

    Raises
    ------
    Cancelled
        If ``on_progress`` returned False.
    """
    from pptx import Presentation
    from pptx.util import Mm

    deck = Presentation()
    deck.slide_width, deck.slide_height = Mm(WIDTH_MM), Mm(HEIGHT_MM)
    deck.core_properties.title = printable(story.label)
    deck.core_properties.author = ""
    _add_title(deck, story)
    for place, gene in enumerate(story.told):
        share = place / len(story.told)
        report(on_progress, Progress(f"drawing {gene.name}", 0.05 + 0.9 * share))
        _add_gene(deck, story, gene)
    _add_words(deck, "How it was made", [story.methods, story.about_method()[1]])
    if story.deviations:
        _add_words(deck, "Differences from the article", list(story.deviations))
    _add_words(deck, "Please cite", [*(one.text() for one in story.citations), story.footer()])
    file = BytesIO()
    deck.save(file)
    report(on_progress, Progress("done", 1.0))
    return file.getvalue()


def speaker_notes(story: Story, gene: GeneStory) -> str:
    """Return what to say of one gene: the verdict, its scores, the user's note, the settings."""
    lines = [f"{gene.name}: {gene.sentence}"]
    if gene.scores:
        lines.append(score_line(story, gene))
    if gene.note:
        lines.append(f"Note: {gene.note}")
    settings = [f"{name}: {value}" for name, value in story.settings()]
    if story.recipe is not None:
        settings.append(f"Again: {story.recipe.command()}")
    return "\n".join([*lines, "", *settings])


def score_line(story: Story, gene: GeneStory) -> str:
    """Return the scores of one gene in one line."""
    scores = gene.scores
    parts = [f"{method_name(story.method)} {number(scores['pearson'])}"]
    parts += [
        f"{method_name(rival)} {number(scores[f'pearson_{rival}'])}"
        for rival in story.rivals_beside
    ]
    parts.append(f"noise ceiling {number(scores['ceiling'])}")
    parts.append(f"chance {number(gene.chance)}")
    seen = percent(scores["detected_share"])
    return f"Correlation on hidden spots: {', '.join(parts)}. Seen in {seen} of the spots."


def _add_title(deck: Presentation, story: Story) -> None:
    slide = _slide(deck, story.label, size=36, top=62)
    sizes = story.sizes
    words = (
        f"{sizes['measured']:,} measured spots, {sizes['inserted']:,} sites inserted, "
        f"{sizes['gap']:,} gaps filled by {method_name(story.method)}"
    )
    _write(slide, words, top=88, size=18, colour=_FAINT)
    if story.is_simulated:
        _write(slide, "Simulated, not measured.", top=100, size=18, colour=_TONES["poor"])
    _write(slide, story.footer(), top=172, size=11, colour=_FAINT)
    _note(slide, "\n".join(f"{name}: {value}" for name, value in story.settings()))


def _add_gene(deck: Presentation, story: Story, gene: GeneStory) -> None:
    slide = _slide(deck, gene.name, size=28, italic=True)
    _write(slide, gene.sentence, top=25, size=15, colour=_TONES[gene.tone])
    _place(slide, _figure(story, gene.name), f"Maps of {gene.name}")
    told = [score_line(story, gene)] if gene.scores else []
    told += [shorten(f"Note: {gene.note}", _NOTE_LETTERS, placeholder=" …")] if gene.note else []
    _write(slide, "\n".join(told), top=160, size=11, colour=_INK)
    made = f"{story.label}{', simulated' if story.is_simulated else ''}; {story.unit}"
    _write(slide, made, top=179, size=10, colour=_FAINT)
    _note(slide, speaker_notes(story, gene))


def _add_words(deck: Presentation, title: str, paragraphs: list[str]) -> None:
    slide = _slide(deck, title, size=28)
    _write(slide, "\n".join(filter(None, paragraphs)), top=30, size=14, colour=_INK)


def _figure(story: Story, gene: str) -> PrintFigure:
    """Maps of one gene, as large as the slide has room."""
    width, high = _FIGURE_MM
    panels = panels_of(story.results, gene, chosen_views(story.results, None), story.reading)
    row = Row("", panels)  # the slide is called after the gene
    look = PrintLook(width_mm=width, font_pt=12)
    height = lay_out([row], story.results.screen, look).height
    if height > high:
        look = replace(look, width_mm=max(width * high / height, 120))
    return draw_rows([row], story.results.screen, look=look)


def _place(slide: Slide, figure: PrintFigure, words: str) -> None:
    """Put a figure in the middle of its room."""
    from pptx.util import Mm

    width, height = figure.get_size_inches() * 25.4
    scale = min(_FIGURE_MM[0] / width, _FIGURE_MM[1] / height, 1.0)
    picture = slide.shapes.add_picture(
        BytesIO(figure.to_bytes("png", dpi=_DPI)),
        Mm((WIDTH_MM - width * scale) / 2),
        Mm(_FIGURE_TOP_MM),
        Mm(width * scale),
    )
    picture.name = printable(words)
    properties: Any = picture._element.nvPicPr
    properties.cNvPr.set("descr", printable(words))


def _slide(
    deck: Presentation, title: str, *, size: float, top: float = 8, italic: bool = False
) -> Slide:
    """Add a slide with a title that outlines and screen readers find."""
    from pptx.util import Mm

    slide: Slide = deck.slides.add_slide(deck.slide_layouts[_TITLE_ONLY])
    shape = slide.shapes.title
    assert shape is not None  # the layout has one
    shape.left, shape.top = Mm(MARGIN_MM), Mm(top)
    shape.width, shape.height = Mm(WIDTH_MM - 2 * MARGIN_MM), Mm(16)
    _fill(shape.text_frame, title, size=size, colour=_INK, italic=italic)
    return slide


def _write(slide: Slide, words: str, *, top: float, size: float, colour: str) -> None:
    from pptx.util import Mm

    box = slide.shapes.add_textbox(
        Mm(MARGIN_MM), Mm(top), Mm(WIDTH_MM - 2 * MARGIN_MM), Mm(HEIGHT_MM - top - 4)
    )
    _fill(box.text_frame, words, size=size, colour=colour)


def _fill(frame: Any, words: str, *, size: float, colour: str, italic: bool = False) -> None:
    """Fill a frame with paragraphs, letter by letter as they are."""
    from pptx.dml.color import RGBColor
    from pptx.enum.text import PP_ALIGN
    from pptx.util import Pt

    frame.word_wrap = True
    for place, line in enumerate(printable(words).split("\n")):
        paragraph = frame.paragraphs[0] if place == 0 else frame.add_paragraph()
        paragraph.alignment = PP_ALIGN.LEFT
        run = paragraph.add_run()
        run.text = line
        run.font.size, run.font.italic = Pt(size), italic
        run.font.color.rgb = RGBColor(*bytes.fromhex(colour))  # type: ignore[no-untyped-call]


def _note(slide: Slide, words: str) -> None:
    frame = slide.notes_slide.notes_text_frame
    if frame is not None:
        frame.text = printable(words)
