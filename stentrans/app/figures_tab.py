"""The tab that makes figures for print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import pandas as pd
import streamlit as st

from stentrans.app import state, text, told
from stentrans.figures.static.files import Format, PrintFigure
from stentrans.figures.static.panels import SEQUENTIAL, PrintLook
from stentrans.report.gene_figure import USUAL_VIEWS, gene_figure
from stentrans.report.results import Results
from stentrans.report.views import VIEWS
from stentrans.store import Run

MOST_GENES: Final = 24
PREVIEW_DPI: Final = 110
FILES: Final[dict[str, tuple[Format, int, str]]] = {
    "PNG, 300 dpi": ("png", 300, "image/png"),
    "PNG, 600 dpi": ("png", 600, "image/png"),
    "SVG": ("svg", 300, "image/svg+xml"),
    "PDF": ("pdf", 300, "application/pdf"),
}
MARKS: Final = {"tiles": "Tiles", "spots": "Round spots"}
SITES: Final = {
    "auto": "as shapes up to 12,000 sites",
    "shapes": "always as shapes",
    "picture": "as a picture",
}


def show(run: Run) -> None:
    """Draw the choices, the figure, and the ways to take it along."""
    results = told.results_of(run)
    choices, result = st.columns([2, 3], gap="large")
    with choices:
        genes = told.choose_genes(run, key=state.FIGURE_GENES, most=MOST_GENES, first=2)
        options = _options(results)
        labels = _labels(run)
    genes = genes if options["views"] else []
    with result:
        if not genes and not labels:
            st.info("Choose at least one gene and one view, or labels.")
            return
        with st.spinner("Drawing …"):
            figure = gene_figure(results, genes, labels=labels, **options)
        width, height = (25.4 * float(inches) for inches in figure.get_size_inches())
        st.image(figure.to_bytes("png", dpi=PREVIEW_DPI), width="stretch")
        st.caption(f"{width:.0f} × {height:.0f} mm. Text stays text in SVG and PDF.")
        _downloads(figure, [*genes, *labels])
        st.caption("The same from Python")
        st.code(_code(run, genes, options, _files(labels)), language="python", wrap_lines=True)
        for name, table in _files(labels).items():
            st.download_button(
                name,
                table.to_csv(index=False).encode(),
                file_name=name,
                mime="text/csv",
                on_click="ignore",
                icon=":material/download:",
                key=f"labels-{name}",
            )


def _labels(run: Run) -> dict[str, Sequence[object]]:
    """Draw the choice of labels and return the chosen ones by title."""
    there = told.labels_there(run)
    if not there:
        st.caption(
            "Domains and drawn regions can be shown below the genes: look for domains on the "
            "page Patterns, or draw around spots on the page Genes."
        )
        return {}
    kept = st.session_state.get(state.FIGURE_LABELS, [])
    if not set(kept) <= set(there):  # a region was deleted meanwhile
        st.session_state[state.FIGURE_LABELS] = [title for title in kept if title in there]
    chosen = st.pills(
        "Labels, below the genes",
        list(there),
        selection_mode="multi",
        key=state.FIGURE_LABELS,
        persist_state="session",
        wrap=True,
        help="Regions you drew, domains that were found, and the labels of the file.",
    )
    return {title: there[title]() for title in there if title in chosen}


def _files(labels: dict[str, Sequence[object]]) -> dict[str, pd.DataFrame]:
    """Return tables of the labels by name of their file: those of spots, those of sites."""
    sizes = sorted({len(given) for given in labels.values()})
    return {
        f"labels_{size}.csv": pd.DataFrame(
            {title: given for title, given in labels.items() if len(given) == size}
        )
        for size in sizes
    }


def _options(results: Results) -> dict[str, Any]:
    """Draw the choices and return them as arguments of `gene_figure`."""
    there = [name for name, one in VIEWS.items() if one.is_there(results)]
    views = st.pills(
        "Views",
        there,
        selection_mode="multi",
        default=[name for name in USUAL_VIEWS if name in there],
        key=state.FIGURE_VIEWS,
        persist_state="session",
        wrap=True,
        format_func=lambda name: VIEWS[name].title,
        help="  \n".join(f"**{VIEWS[name].title}**: {VIEWS[name].words}." for name in there),
    )
    reading = st.segmented_control(
        "Values",
        list(text.READINGS),
        default="composition",
        required=True,
        key=state.FIGURE_READING,
        persist_state="session",
        format_func=lambda one: text.READINGS[one],
        help=text.READING_HELP,
    )
    usual = PrintLook()
    left, right = st.columns(2)
    width = left.number_input(
        "Width (mm)",
        40.0,
        400.0,
        usual.width_mm,
        5.0,
        key=state.FIGURE_WIDTH,
        persist_state="session",
        help="Journals: 85 to 90 mm for one column, 170 to 180 mm for the whole width.",
    )
    font = right.number_input(
        "Text (pt)", 4.0, 24.0, usual.font_pt, 0.5, key=state.FIGURE_FONT, persist_state="session"
    )
    look = {"width_mm": width, "font_pt": font, **_style(results)}
    changed = {name: value for name, value in look.items() if value != _usual(name)}
    return {"views": [name for name in VIEWS if name in views], "reading": reading, **changed}


def _style(results: Results) -> dict[str, Any]:
    """Draw what is seldom changed."""
    with st.expander("Colours and shapes"):
        colours = st.selectbox("Colours", SEQUENTIAL, help="All are safe for colour-blind readers.")
        marks = st.segmented_control(
            "Sites", list(MARKS), default="tiles", required=True, format_func=lambda m: MARKS[m]
        )
        sites = st.selectbox(
            "In SVG and PDF",
            list(SITES),
            format_func=lambda one: SITES[one],
            help="Shapes can be edited one by one; many of them make large files.",
        )
        style: dict[str, Any] = {"colours": colours, "marks": marks, "sites": sites}
        style["scale_bar"] = st.checkbox("Scale bar", value=True)
        style["letters"] = st.checkbox("Letters a, b, c")
        if results.picture is not None:
            style["picture"] = st.checkbox("Tissue below the maps")
            style["opacity"] = st.slider("Opacity of the maps", 0.0, 1.0, 1.0, 0.05)
    return style


def _usual(name: str) -> object:
    return {**asdict(PrintLook()), "picture": False}[name]


def _downloads(figure: PrintFigure, genes: list[str]) -> None:
    """Draw a button per kind of file; the file is made when it is asked for."""
    for place, (label, (kind, dpi, mime)) in zip(
        st.columns(len(FILES)), FILES.items(), strict=True
    ):

        def content(kind: Format = kind, dpi: int = dpi) -> bytes:
            return figure.to_bytes(kind, dpi=dpi)

        place.download_button(
            label,
            content,
            file_name=f"{_file_name(genes)}.{kind}",
            mime=mime,
            on_click="ignore",
            icon=":material/download:",
            width="stretch",
            key=f"figure-{label}",
        )


def _file_name(genes: list[str]) -> str:
    """Name after the first genes, of letters that every disk takes."""
    name = "-".join(genes[:3])
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in name)[:60]


def _line(steps: list[str], name: str) -> str:
    """The line that makes something."""
    return next(step for step in steps if step.startswith(name)).split("\n")[0]


def _code(
    run: Run, genes: list[str], options: dict[str, Any], files: dict[str, pd.DataFrame]
) -> str:
    """Return the lines that make the same figure in Python; labels are read from their files."""
    recipe = told.recipe_of(run)
    needs_test = bool(genes) and any("held_out" in VIEWS[view].needs for view in options["views"])
    tested = ", held_out=held_out" if needs_test else ""
    given = "".join(f", {name}={value!r}" for name, value in options.items())
    given += ", labels=labels" if files else ""
    steps = recipe.cells([])
    lines = [steps[0] if needs_test else "import stentrans", steps[1], _line(steps, "finer")]
    lines += [_line(steps, "held_out")] if needs_test else []
    if files:
        read = " | ".join(f"dict(pandas.read_csv({name!r}))" for name in files)
        lines = ["import pandas", *lines, f"labels = {read}"]
    shown = genes[0] if len(genes) == 1 else genes
    lines.append(f"stentrans.gene_figure(finer, {shown!r}{tested}{given}).savefig('figure.pdf')")
    return "\n".join(lines)
