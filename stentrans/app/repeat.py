"""The line that repeats a run without the app."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from stentrans.app import cache, demo, state
from stentrans.app.wish import Wish
from stentrans.export import LAYERS
from stentrans.section import ReadOptions, is_simulated
from stentrans.store import Run


def command_line(run: Run, label: str) -> str:
    """Return the command for a terminal; ``label`` is the file as the user named it."""
    kind = example_of(run.section)
    if kind is not None:
        return _python(f'{_simulated(run, kind)}.write("enhanced.h5ad")')
    return shlex.join(_enhance(run, label))


def export_line(run: Run, label: str, wish: Wish, name: str) -> str:
    """Return the command that makes the same file; ``name`` is that of the file."""
    kind = example_of(run.section)
    if kind is not None:
        genes = None if wish.genes is None else json.dumps(wish.genes, ensure_ascii=False)
        told = f'{genes}, scale="{wish.scale}", layers={json.dumps(wish.layers)}'
        return _python(
            "from stentrans.export import write; "
            f"write({_simulated(run, kind)}, {json.dumps(name)}, {told})"
        )
    line = [*_enhance(run, label), "--scale", wish.scale, "--out", name]
    line += [] if wish.genes is None else ["--genes", ",".join(wish.genes)]
    line += [] if wish.layers == LAYERS else ["--layers", ",".join(wish.layers)]
    return shlex.join(line)


def _enhance(run: Run, label: str) -> list[str]:
    """Return the words of the command that repeats a run."""
    line = ["python", "-m", "stentrans", "enhance", label, "--factor", str(run.factor)]
    line += ["--method", run.method, "--seed", str(run.seed)]
    line += [] if run.fill_gaps else ["--no-fill-gaps"]
    line += _reading_of(run.section)
    for name, value in run.settings:
        line += ["--set", f"{name}={json.dumps(value)}"]
    return line


def _reading_of(section_id: str) -> list[str]:
    """Return the arguments that read a file the way it was read here."""
    source = state.source_of(section_id)
    words: list[str] = []
    for name, value in (ReadOptions() if source is None else source.options).given().items():
        flag = f"--{name.replace('_', '-')}"
        words += [flag] if value is True else [flag, str(value)]
    return words


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
    kind = example_of(section_id)
    if kind is not None:
        told = ", ".join(f"{name}={value}" for name, value in limits.items())
        code = (
            "import stentrans; from stentrans.section import filter_spots; "
            f'section = stentrans.simulate(lattice="{kind}"); '
            f"filter_spots(section, {told}).write_h5ad({out!r})"
        )
        return _python(code)
    line = ["python", "-m", "stentrans", "filter", label, *_reading_of(section_id)]
    for name, value in limits.items():
        line += [f"--{name.replace('_', '-')}", f"{value:g}"]
    return shlex.join([*line, "-o", out])


def evaluate_lines(run: Run, label: str) -> list[str]:
    """Return the commands that compare the same methods, strict and as published."""
    told = dict(run.settings)
    protocols = [told["protocol"], *(["published"] if told["published"] else [])]
    return [_evaluate_line(run, label, told, protocol) for protocol in protocols]


def _evaluate_line(run: Run, label: str, told: Mapping[str, Any], protocol: str) -> str:
    kind = example_of(run.section)
    is_strict = protocol != "published"
    if kind is not None:
        strict = f", repeats={told['repeats']}, null={told['null']}" if is_strict else ""
        code = (
            f'import stentrans; section = stentrans.simulate(lattice="{kind}"); '
            f"stentrans.evaluate(section, methods={tuple(told['methods'])!r}, "
            f'protocol="{protocol}"{strict}, seed={run.seed}).to_csv("{protocol}.csv")'
        )
        return _python(code)
    line = ["python", "-m", "stentrans", "evaluate", label, *_reading_of(run.section)]
    line += ["--methods", ",".join(told["methods"]), "--protocol", protocol]
    if is_strict:
        line += ["--repeats", str(told["repeats"]), *(["--null"] if told["null"] else [])]
    return shlex.join([*line, "--seed", str(run.seed), "--out", f"{protocol}.csv"])


def example_of(section_id: str) -> str | None:
    """Return which example a section is; None for a file, even one that was simulated."""
    if not is_simulated(cache.section(section_id)):
        return None
    kind = "square" if cache.lattice(section_id).kind == "square" else "hexagonal"
    return kind if demo.section_id(kind) == section_id else None


def _simulated(run: Run, kind: str) -> str:
    """Return Python for the result: an example has no file to name."""
    arguments = [f"factor={run.factor}", f'method="{run.method}"', f"seed={run.seed}"]
    arguments += [] if run.fill_gaps else ["fill_gaps=False"]
    arguments += [f"{name}={value!r}" for name, value in run.settings]
    section = f'stentrans.simulate(lattice="{kind}")'
    return f"stentrans.enhance({section}, {', '.join(arguments)})"


def _python(code: str) -> str:
    return shlex.join(["python", "-c", f"import stentrans; {code}"])
