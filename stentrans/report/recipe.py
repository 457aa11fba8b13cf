"""How to make a result again: a command, lines of Python, a notebook."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from stentrans import __version__
from stentrans.export import LAYERS
from stentrans.words import Reading

RESULT: Final = "enhanced.h5ad"
FIGURE: Final = "genes.pdf"


@dataclass(frozen=True)
class Recipe:
    """Everything that a result depends on.

    Parameters
    ----------
    source
        Path of the section; empty for an example that is simulated.
    simulated
        Arguments of `stentrans.simulate` for an example; empty for a file.
    options
        Arguments of `stentrans.read` beside the path, by name.
    method, factor, fill_gaps, seed, settings
        As in `stentrans.enhance`.
    section
        Id of the spots on tissue, as in the provenance; empty where it is not known.
    """

    source: str
    simulated: tuple[tuple[str, Any], ...] = ()
    options: tuple[tuple[str, Any], ...] = ()
    method: str = "stentrans"
    factor: int = 2
    fill_gaps: bool = True
    seed: int = 0
    settings: tuple[tuple[str, Any], ...] = ()
    section: str = ""

    @classmethod
    def of(cls, provenance: Mapping[str, Any], source: str, **known: Any) -> Recipe:
        """Make it from the provenance of an enhancement and the file it came from.

        ``known`` are fields that the provenance does not hold: ``simulated``, ``options``.
        """
        return cls(
            source,
            method=provenance["method"],
            factor=int(provenance.get("factor", 2)),
            fill_gaps=bool(provenance.get("fill_gaps", True)),
            seed=int(provenance["seed"]),
            settings=tuple((provenance.get("settings") or {}).items()),
            section=str(provenance.get("section", "")),
            **known,
        )

    def command(self) -> str:
        """Return one line for a terminal that writes the enhanced section."""
        if self.simulated:
            return _python([*self._section(), self._enhance(), f"finer.write({_quoted(RESULT)})"])
        return shlex.join(self._enhance_words())

    def export_command(
        self, out: str, genes: Sequence[str] | None, scale: Reading, layers: Sequence[str]
    ) -> str:
        """Return one line for a terminal that writes a file; see `stentrans.export.write`."""
        if self.simulated:
            listed = None if genes is None else list(genes)
            told = _arguments((("genes", listed), ("scale", scale), ("layers", tuple(layers))))
            steps = ["from stentrans.export import write", *self._section(), self._enhance()]
            return _python([*steps, f"write(finer, {_quoted(out)}, {told})"])
        line = [*self._enhance_words(), "--scale", scale, "--out", out]
        line += [] if genes is None else ["--genes", ",".join(genes)]
        line += [] if tuple(layers) == LAYERS else ["--layers", ",".join(layers)]
        return shlex.join(line)

    def filter_command(self, limits: Mapping[str, float], out: str) -> str:
        """Return one line for a terminal that sets poor spots aside.

        Parameters
        ----------
        limits
            Arguments of `stentrans.section.filter_spots` by name.
        out
            File to write.
        """
        if self.simulated:
            filtered = f"filter_spots(section, {_arguments(tuple(limits.items()))})"
            steps = ["from stentrans.section import filter_spots", *self._section()]
            return _python([*steps, f"{filtered}.write_h5ad({_quoted(out)})"])
        line = self._words("filter")
        for name, value in limits.items():
            line += _option(name, f"{value:g}")
        return shlex.join([*line, "-o", out])

    def evaluate_command(self, methods: Sequence[str], protocol: str, **strict: int | bool) -> str:
        """Return one line for a terminal that compares methods on hidden spots.

        Parameters
        ----------
        methods, protocol
            As in `stentrans.evaluate`.
        **strict
            ``repeats`` and ``null`` of a strict protocol.
        """
        out = f"{protocol}.csv"
        if self.simulated:
            told = (("methods", tuple(methods)), ("protocol", protocol), *strict.items())
            given = _arguments((*told, ("seed", self.seed)))
            scored = f"stentrans.evaluate(section, {given}).to_csv({_quoted(out)})"
            return _python([*self._section(), scored])
        line = [*self._words("evaluate"), "--methods", ",".join(methods), "--protocol", protocol]
        for name, value in strict.items():
            line += [] if value is False else _option(name, value)
        return shlex.join([*line, "--seed", str(self.seed), "--out", out])

    def report_command(self, genes: Sequence[str], out: str) -> str:
        """Return one line for a terminal that writes the report of some genes."""
        line = [*self._words("report"), "--genes", *genes, *self._run_words()]
        return shlex.join([*line, "--out", out])

    def cells(self, genes: Sequence[str], reading: Reading = "composition") -> list[str]:
        """Return Python code that makes the result, tests it and draws genes, step by step."""
        listed = ", ".join(_quoted(gene) for gene in genes)
        tested = (("method", self.method), ("seed", self.seed), *self.settings)
        steps = ["import stentrans\nfrom stentrans.evaluation import hidden_folds"]
        steps.append("\n".join(self._section()))
        if self.section:
            steps.append(
                "from stentrans.section import check_section, on_tissue\n"
                "from stentrans.store import section_id\n\n"
                "# The same content gives the same numbers.\n"
                "found = section_id(on_tissue(check_section(section)))\n"
                f"assert found == {_quoted(self.section)}, "
                '"This is not the section that the result was made from."'
            )
        steps.append(f"{self._enhance()}\nprint(finer)")
        steps.append(
            f"held_out = hidden_folds(section, {_arguments(tested)})\n"
            "print(held_out.summary)  # means over genes seen in more than a tenth of the spots"
        )
        if genes:
            steps.append(
                f"genes = [{listed}]\n"
                f"values = finer.expression(genes, {_quoted(reading)})  # (sites, genes)\n"
                "print(held_out.scores.loc[genes])"
            )
            steps.append(
                "figure = stentrans.gene_figure("
                f"finer, genes, held_out=held_out, reading={_quoted(reading)}, width_mm=180)\n"
                f"figure.savefig({_quoted(FIGURE)})\n"
                "figure"
            )
        steps.append(f"finer.write({_quoted(RESULT)})")
        return steps

    def notebook(self, genes: Sequence[str], reading: Reading = "composition") -> str:
        """Return the same as a Jupyter notebook, JSON of nbformat 4.5."""
        intro = (
            f"# Enhanced expression, made again\n\nWritten by stentrans {__version__}. The same "
            "section, settings and version give the same numbers."
        )
        cells: list[dict[str, Any]] = [
            {"cell_type": "markdown", "id": "intro", "metadata": {}, "source": _lines(intro)}
        ]
        for number, code in enumerate(self.cells(genes, reading), start=1):
            cells.append(
                {
                    "cell_type": "code",
                    "execution_count": None,
                    "id": f"step-{number}",
                    "metadata": {},
                    "outputs": [],
                    "source": _lines(code),
                }
            )
        kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
        whole = {
            "cells": cells,
            "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"

    def _words(self, command: str) -> list[str]:
        """Words of a command that reads the section the way it was read."""
        line = ["python", "-m", "stentrans", command, self.source]
        for name, value in self.options:
            line += _option(name, value)
        return line

    def _enhance_words(self) -> list[str]:
        return [*self._words("enhance"), *self._run_words()]

    def _run_words(self) -> list[str]:
        """All that the result depends on beside the section, as options."""
        line = ["--factor", str(self.factor), "--method", self.method, "--seed", str(self.seed)]
        line += [] if self.fill_gaps else ["--no-fill-gaps"]
        for name, value in self.settings:
            line += ["--set", f"{name}={json.dumps(value)}"]
        return line

    def _section(self) -> list[str]:
        """Code that makes ``section``."""
        if self.simulated:
            return [f"section = stentrans.simulate({_arguments(self.simulated)})"]
        given = [_quoted(self.source)]
        given += [_arguments(self.options)] if self.options else []
        return [f"section = stentrans.read({', '.join(given)})"]

    def _enhance(self) -> str:
        """Code that makes ``finer``."""
        given = [("factor", self.factor), ("method", self.method), ("seed", self.seed)]
        given += [] if self.fill_gaps else [("fill_gaps", False)]
        return f"finer = stentrans.enhance(section, {_arguments((*given, *self.settings))})"


def _arguments(given: Sequence[tuple[str, Any]]) -> str:
    return ", ".join(f"{name}={_literal(value)}" for name, value in given)


def _literal(value: Any) -> str:
    """A value as Python code; without single quotes, which a terminal's line would escape."""
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_literal, value))}]"
    return _quoted(value) if isinstance(value, str) else repr(value)


def _python(steps: Sequence[str]) -> str:
    """A line for a terminal that runs some steps."""
    return shlex.join(["python", "-c", "; ".join(["import stentrans", *steps])])


def _quoted(text: str) -> str:
    """Text as a Python literal in double quotes, as our code has it."""
    return json.dumps(text, ensure_ascii=False)


def _option(name: str, value: Any) -> list[str]:
    """An option of reading as the command line takes it."""
    flag = f"--{name.replace('_', '-')}"
    return [flag] if value is True else [flag, str(value)]


def _lines(text: str) -> list[str]:
    """Lines as a notebook keeps them: each with its end, the last without."""
    *ended, last = text.split("\n")
    return [*(f"{line}\n" for line in ended), last]
