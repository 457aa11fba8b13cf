"""A printed figure of some genes: the same from the app, the command line and Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Final

from stentrans.enhancement import Enhancement
from stentrans.errors import ParameterError
from stentrans.evaluation.holdout import HeldOut
from stentrans.figures.static.draw import draw_rows
from stentrans.figures.static.files import PrintFigure
from stentrans.figures.static.panels import Panel, Picture, PrintLook, Row
from stentrans.report.results import Results, array_of
from stentrans.report.underlay import print_picture
from stentrans.report.views import VIEWS, label_panel
from stentrans.validate import check_integer, check_names, check_option
from stentrans.words import READINGS, UNITS, Reading

if TYPE_CHECKING:
    from anndata import AnnData

USUAL_VIEWS: Final = ("measured", "enhanced", "imputed")


def gene_figure(
    result: AnnData | Enhancement | Results,
    genes: str | Sequence[str],
    *,
    held_out: HeldOut | None = None,
    views: Sequence[str] | None = None,
    reading: Reading = "composition",
    columns: int | None = None,
    labels: Mapping[str, Sequence[object]] | None = None,
    picture: bool = False,
    **look: Any,
) -> PrintFigure:
    """Draw genes for print: a row per gene, a column per view, and maps of labels below.

    Parameters
    ----------
    result
        An enhancement, or a section, then only what was measured can be shown. Left as it was.
    genes
        Gene names; one name is taken as a list of one. May be empty where there are ``labels``.
    held_out
        The test on hidden spots, for the views ``"imputed"`` and ``"scores"``.
    views
        Names in ``VIEWS``; None for measured, enhanced and imputed, as far as they are there.
    reading
        ``"composition"``, ``"log"`` or ``"counts"``; see `Enhancement.expression`.
    columns
        Genes per row where only one view is drawn; None for up to four.
    labels
        Domains, drawn regions or an annotation by title: a label for each measured spot on
        tissue in the order of the section, or for each site in that of ``result.sites``. Empty
        words say nothing.
    picture
        Draw the stained tissue below the sites; see ``opacity`` and ``marks``.
    **look
        Size and style, see `stentrans.figures.static.panels.PrintLook`: ``width_mm``, ``font_pt``,
        ``colours``, ``marks``, ``sites``, ``scale_bar``, ``letters``, ``opacity``.

    Returns
    -------
    figure
        A matplotlib figure; ``figure.savefig("Mbp.pdf")`` writes PNG, SVG or PDF by the name.

    Raises
    ------
    MissingKeyError
        If a gene is not in the section.
    ParameterError
        If a view, reading or part of the look is unknown, what a view needs is not there, or
        labels are neither one per spot nor one per site.
    """
    results = result if isinstance(result, Results) else Results.of(result, held_out=held_out)
    names = [genes] if isinstance(genes, str) else list(genes)
    check_names("gene", names, results.genes)
    check_option("reading", reading, tuple(READINGS))
    chosen = chosen_views(results, views)
    if len(chosen) == 1 and len(names) > 1:
        panels = [VIEWS[chosen[0]].draw(results, gene, reading) for gene in names]
        rows = _side_by_side(panels, names, columns)
    else:
        rows = [Row(gene, panels_of(results, gene, chosen, reading)) for gene in names]
    rows += _label_rows(results, labels or {}, len(rows[0].panels) if rows else columns)
    return draw_rows(
        rows,
        results.screen,
        look=_look(look),
        picture=_picture(results) if picture else None,
        title=", ".join([*names, *(labels or {})]),
        about=_about(results, reading),
    )


def panels_of(
    results: Results, gene: str, views: Sequence[str], reading: Reading
) -> tuple[Panel, ...]:
    """Return one panel per view of a gene; ``views`` as from `chosen_views`."""
    return tuple(VIEWS[view].draw(results, gene, reading) for view in views)


def _side_by_side(panels: list[Panel], genes: list[str], columns: int | None) -> list[Row]:
    """Put one panel per gene into rows, each under the name of its gene."""
    named = [
        replace(panel, title=gene, is_gene=True) for panel, gene in zip(panels, genes, strict=True)
    ]
    return _wrapped(named, columns)


def _label_rows(
    results: Results, labels: Mapping[str, Sequence[object]], columns: int | None
) -> list[Row]:
    """Put maps of labels into rows."""
    places = {len(results.array): results.array}
    if results.enhancement is not None:
        places[len(results.enhancement.sites)] = array_of(results.enhancement.sites)
    for title, given in labels.items():
        if len(given) not in places:
            raise ParameterError(
                f"`labels` must be one per spot or one per site ({' or '.join(map(str, places))}); "
                f"{title!r} has {len(given)}. Leave out spots off the tissue."
            )
    return _wrapped(
        [label_panel(title, places[len(given)], given) for title, given in labels.items()], columns
    )


def _wrapped(panels: Sequence[Panel], columns: int | None) -> list[Row]:
    """Put panels into rows of so many; None for up to four."""
    if not panels:
        return []
    width = min(len(panels), 4) if columns is None else check_integer("columns", columns, low=1)
    filled = [*panels, *[None] * (-len(panels) % width)]
    return [Row("", tuple(filled[at : at + width])) for at in range(0, len(filled), width)]


def chosen_views(results: Results, views: Sequence[str] | None) -> list[str]:
    """Return the names of the views to draw; None stands for the usual ones that can be drawn.

    Raises ParameterError for a view that is unknown, or that the results do not suffice for.
    """
    if views is None:
        return [view for view in USUAL_VIEWS if VIEWS[view].is_there(results)]
    for view in views:
        check_option("view", view, tuple(VIEWS))
        missing = [need for need in VIEWS[view].needs if getattr(results, need) is None]
        if missing:
            needed = {
                "enhancement": "an enhancement of the section",
                "held_out": "the test on hidden spots (`held_out`)",
            }
            raise ParameterError(
                f"The view {view!r} needs {needed[missing[0]]}; it is not there. Give it, or "
                "leave the view out."
            )
    return list(views)


def _picture(results: Results) -> Picture:
    if results.picture is None or results.to_pixels is None:
        raise ParameterError(
            "`picture` must be False for a section without a picture of its tissue, or whose "
            "positions in it are not known; got True."
        )
    return print_picture(results.picture, results.to_pixels)


def _about(results: Results, reading: Reading) -> str:
    """Say in a few words how the values were made."""
    told = UNITS[reading]
    if results.enhancement is None:
        return told
    made = results.enhancement.provenance
    return (
        f"{told}; method {made['method']}, factor {made.get('factor')}, seed {made['seed']}, "
        f"stentrans {made['version']}, section {made['section']}"
    )


def _look(given: dict[str, Any]) -> PrintLook:
    for name in given:
        check_option("A part of the look", name, tuple(one.name for one in fields(PrintLook)))
    return PrintLook(**given)
