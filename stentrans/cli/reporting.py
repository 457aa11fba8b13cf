"""The command that writes a report: enhance and test, or take both from the store, and tell."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from stentrans.cli.enhancing import run_of
from stentrans.cli.progress import ProgressLines
from stentrans.errors import SectionFormatError
from stentrans.evaluation.parts import part_of
from stentrans.jobs.kinds import load
from stentrans.jobs.work import do_run
from stentrans.report.recipe import Recipe
from stentrans.report.results import Results
from stentrans.report.story import Story, story_of
from stentrans.report.writing import check_report_name, write_report
from stentrans.section import find_genes, is_simulated, on_tissue, refusal_of
from stentrans.store import Run, Store
from stentrans.validate import check_option
from stentrans.words import READINGS

if TYPE_CHECKING:
    from anndata import AnnData

    from stentrans.methods.base import OnProgress


def make_report(arguments: Namespace, section: AnnData) -> None:
    """Write the report of some genes of a section; what is computed stays in the store.

    Parameters
    ----------
    arguments
        Of the command ``report``.
    section
        As read.

    Raises
    ------
    StentransError
        If a gene is not there, the section cannot be enhanced, or the file cannot be written.
    """
    check_report_name(arguments.out)
    check_option("--reading", arguments.reading, tuple(READINGS))
    refusal = refusal_of(section)
    if refusal is not None:
        raise SectionFormatError(refusal)
    genes = find_genes(section, named_genes(arguments.genes, section.var_names))
    with ProgressLines(arguments.section.name) as on_progress:
        story = _story(arguments, section, genes, on_progress)
        write_report(story, arguments.out, part_of(on_progress, "report", start=0.9, share=0.1))
    size = arguments.out.stat().st_size / 1e6
    print(f"{arguments.out}: {len(genes)} genes, {size:.1f} MB, opens without a network")


def named_genes(given: Sequence[str], known: Collection[str]) -> list[str]:
    """Split what is no gene at its commas: ``A,B`` as well as ``A B``."""
    names: list[str] = []
    for name in given:
        parts = [name] if name in known else name.split(",")
        names += [part.strip() for part in parts if part.strip()]
    return list(dict.fromkeys(names))


def _story(
    arguments: Namespace, section: AnnData, genes: list[str], on_progress: OnProgress
) -> Story:
    """Everything that the report tells."""
    label = arguments.section.name
    store = Store()
    run = run_of(arguments, section, store.put_section(section, about={"label": label}))
    first, then = (
        part_of(on_progress, "enhancing", start=0.0, share=0.2),
        part_of(on_progress, "testing", start=0.2, share=0.7),
    )
    enhancement = _result(run, store, first)
    held_out = None if arguments.no_test else _result(run.holdout(), store, then)
    return story_of(
        label,
        Results.of(enhancement, held_out=held_out),
        genes,
        reading=arguments.reading,
        recipe=Recipe.of(
            enhancement.provenance, str(arguments.section), options=reading_options(arguments)
        ),
        is_simulated=is_simulated(on_tissue(section)),
    )


def reading_options(arguments: Namespace) -> tuple[tuple[str, Any], ...]:
    """Return what the command says of the reading of the file, by name."""
    names = ("library", "counts", "first_number", "rotate", "flip")
    given = ((name, getattr(arguments, name)) for name in names)
    return tuple((name, value) for name, value in given if value is not None)


def _result(run: Run, store: Store, on_progress: OnProgress) -> Any:
    """Take the result of a run from the store, computed where it is not there yet."""
    if not store.has("runs", run.id):
        do_run(run, store, on_progress)
    return load(run, store.open("runs", run.id))
