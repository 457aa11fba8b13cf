"""The lines that repeat what a page did without the app: what is known here, told by a recipe."""

from __future__ import annotations

from collections.abc import Mapping

from stentrans.app import cache, demo, state
from stentrans.app.wish import Wish
from stentrans.report.recipe import Recipe
from stentrans.section import is_simulated
from stentrans.store import Run


def recipe(run: Run, label: str) -> Recipe:
    """Return how to make the result of a run again; ``label`` is the file as the user named it."""
    return _of_section(
        run.section,
        label,
        method=run.method,
        factor=run.factor,
        fill_gaps=run.fill_gaps,
        seed=run.seed,
        settings=run.settings,
    )


def command_line(run: Run, label: str) -> str:
    """Return the command for a terminal."""
    return recipe(run, label).command()


def export_line(run: Run, label: str, wish: Wish, name: str) -> str:
    """Return the command that makes the same file; ``name`` is that of the file."""
    return recipe(run, label).export_command(name, wish.genes, wish.scale, wish.layers)


def filter_line(section_id: str, label: str, limits: Mapping[str, float], out: str) -> str:
    """Return the command that sets poor spots aside.

    Parameters
    ----------
    section_id, label
        The section before, and the file as the user named it.
    limits
        Arguments of `stentrans.section.filter_spots` by name.
    out
        File to write.
    """
    return _of_section(section_id, label).filter_command(limits, out)


def evaluate_lines(run: Run, label: str) -> list[str]:
    """Return the commands that compare the same methods, strict and as published."""
    told, again = dict(run.settings), recipe(run, label)
    strict = again.evaluate_command(
        told["methods"], told["protocol"], repeats=told["repeats"], null=told["null"]
    )
    if not told["published"]:
        return [strict]
    return [strict, again.evaluate_command(told["methods"], "published")]


def example_of(section_id: str) -> str | None:
    """Return which example a section is; None for a file, even one that was simulated."""
    if not is_simulated(cache.section(section_id)):
        return None
    kind = "square" if cache.lattice(section_id).kind == "square" else "hexagonal"
    return kind if demo.section_id(kind) == section_id else None


def _of_section(section_id: str, label: str, **run: object) -> Recipe:
    """Name the file of a section and how it was read; an example has no file to name."""
    kind = example_of(section_id)
    if kind is not None:
        return Recipe("", simulated=(("lattice", kind),), **run)  # type: ignore[arg-type]
    source = state.source_of(section_id)
    options = () if source is None else tuple(source.options.given().items())
    return Recipe(label, options=options, **run)  # type: ignore[arg-type]
