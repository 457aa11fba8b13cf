"""Files as journals want them: size, resolution, text that stays text, shapes that stay shapes."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image
from pypdf import PdfReader

from stentrans.errors import ParameterError
from stentrans.figures.screen import Screen
from stentrans.figures.static.draw import draw_rows
from stentrans.figures.static.files import PrintFigure
from stentrans.figures.static.panels import MapPanel, PrintLook, Row

ROOT = Path(__file__).resolve().parents[3]
SCREEN = Screen(row_step=200.0, col_step=200.0)
SVG = "{http://www.w3.org/2000/svg}"
STRANGE = [
    "HLA-DRA/B1",
    "<b>Mbp</b>",
    "a\"b'c",
    "IL2, IL4; $x^2$",
    "&lt;script&gt;",
    "ENSG00000000001.12_PAR_Y_with_sixty_characters_in_its_name_x",
]


def figure(name: str = "Mbp", n: int = 6, **look: object) -> PrintFigure:
    array = np.argwhere(np.ones((n, n))).astype(np.float64)
    values = np.arange(len(array), dtype=np.float32)
    panel = MapPanel("Measured", array, values, unit="log1p", limits=(0.0, float(len(array))))
    return draw_rows(
        [Row(name, (panel,))], SCREEN, look=PrintLook(**look), title=name, about="seed 0"
    )  # type: ignore[arg-type]


def svg_of(made: PrintFigure) -> ET.Element:
    return ET.fromstring(made.to_bytes("svg"))


@pytest.mark.parametrize("dpi", [300, 600])
def test_png_has_the_pixels_of_its_size_and_resolution(dpi: int) -> None:
    picture = Image.open(BytesIO(figure(width_mm=50.8).to_bytes("png", dpi=dpi)))
    assert picture.width == 2 * dpi
    assert picture.info["dpi"][0] == pytest.approx(dpi, abs=0.1)


@pytest.mark.parametrize("name", STRANGE)
def test_names_are_text_in_svg_letter_by_letter(name: str) -> None:
    told = ["".join(text.itertext()) for text in svg_of(figure(name)).iter(f"{SVG}text")]
    assert name in told
    assert {"Measured", "log1p"} <= set(told)


@pytest.mark.parametrize("name", STRANGE)
def test_names_are_text_in_pdf_letter_by_letter(name: str) -> None:
    page = PdfReader(BytesIO(figure(name).to_bytes("pdf"))).pages[0]
    told = page.extract_text()
    assert name in told
    assert "Measured" in told


def test_pdf_has_the_size_asked_for_and_embeds_its_fonts() -> None:
    page = PdfReader(BytesIO(figure(width_mm=85).to_bytes("pdf"))).pages[0]
    assert float(page.mediabox.width) == pytest.approx(85 / 25.4 * 72, abs=0.01)
    fonts = [font.get_object() for font in page["/Resources"]["/Font"].values()]
    assert fonts
    inner = [font["/DescendantFonts"][0].get_object() for font in fonts]
    assert all("/FontFile2" in one["/FontDescriptor"].get_object() for one in inner)


def test_sites_are_shapes_in_svg_one_each() -> None:
    uses = [use for use in svg_of(figure(n=6)).iter(f"{SVG}use") if "fill" in use.get("style", "")]
    assert len(uses) == 36


def pictures(made: PrintFigure) -> int:
    return len(list(svg_of(made).iter(f"{SVG}image")))


def test_sites_become_a_picture_where_asked() -> None:
    assert pictures(figure(sites="picture")) == pictures(figure(sites="shapes")) + 1


def test_many_sites_become_a_picture_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = "stentrans.figures.static.draw.SITES_DRAWN_AS_SHAPES"
    monkeypatch.setattr(limit, 36)
    few = pictures(figure(n=6))
    monkeypatch.setattr(limit, 35)
    assert pictures(figure(n=6)) == few + 1


@pytest.mark.parametrize("kind", ["svg", "pdf", "png"])
def test_file_says_what_it_shows_and_how_it_was_made(kind: str) -> None:
    content = figure("Mbp").to_bytes(kind)  # type: ignore[arg-type]
    if kind == "pdf":
        told = PdfReader(BytesIO(content)).metadata
        assert (told.title, told.subject) == ("Mbp", "seed 0")
    elif kind == "png":
        info = Image.open(BytesIO(content)).info
        assert (info["Title"], info["Description"]) == ("Mbp", "seed 0")
    else:
        assert "seed 0" in content.decode()


def test_same_figure_makes_the_same_file_in_any_thread() -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: figure("Mbp").to_bytes("svg"), range(8)))
    assert len(set(made)) == 1


def test_unknown_format_is_refused() -> None:
    with pytest.raises(ParameterError, match="kind must be one of png, svg, pdf; got 'jpg'"):
        figure().to_bytes("jpg")  # type: ignore[arg-type]


def test_no_window_and_no_global_figure_is_opened() -> None:
    code = "import stentrans.figures.static.draw, sys; print('matplotlib.pyplot' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
