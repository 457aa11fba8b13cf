"""The line that repeats a run without the app."""

from __future__ import annotations

import json
import shlex

from stentrans.app import cache, demo, state
from stentrans.section import ReadOptions, is_simulated
from stentrans.store import Run


def command_line(run: Run, label: str) -> str:
    """Return the command for a terminal; ``label`` is the file as the user named it."""
    kind = _example(run.section)
    if kind is not None:
        return _simulated(run, kind)
    line = ["python", "-m", "stentrans", "enhance", label, "--factor", str(run.factor)]
    line += ["--method", run.method, "--seed", str(run.seed)]
    line += [] if run.fill_gaps else ["--no-fill-gaps"]
    source = state.source_of(run.section)
    line += [] if source is None else _reading(source.options)
    for name, value in run.settings:
        line += ["--set", f"{name}={json.dumps(value)}"]
    return shlex.join(line)


def _reading(options: ReadOptions) -> list[str]:
    """Return the arguments that read a file the way it was read here."""
    words: list[str] = []
    for name, value in options.given().items():
        flag = f"--{name.replace('_', '-')}"
        words += [flag] if value is True else [flag, str(value)]
    return words


def _example(section_id: str) -> str | None:
    """Return which example a section is; None for a file, even one that was simulated."""
    if not is_simulated(cache.section(section_id)):
        return None
    kind = "square" if cache.lattice(section_id).kind == "square" else "hexagonal"
    return kind if demo.section_id(kind) == section_id else None


def _simulated(run: Run, kind: str) -> str:
    """Return a line of Python: an example has no file to name."""
    arguments = [f"factor={run.factor}", f'method="{run.method}"', f"seed={run.seed}"]
    arguments += [] if run.fill_gaps else ["fill_gaps=False"]
    arguments += [f"{name}={value!r}" for name, value in run.settings]
    code = (
        f'import stentrans; section = stentrans.simulate(lattice="{kind}"); '
        f'stentrans.enhance(section, {", ".join(arguments)}).write("enhanced.h5ad")'
    )
    return shlex.join(["python", "-c", code])
