"""The line that repeats a run without the app."""

from __future__ import annotations

import shlex

from stentrans.app import cache
from stentrans.section import is_simulated
from stentrans.store import Run


def command_line(run: Run, label: str) -> str:
    """Return the command for a terminal; ``label`` is the file as the user named it."""
    if is_simulated(cache.section(run.section)):
        return _simulated(run)
    line = ["python", "-m", "stentrans", "enhance", label, "--factor", str(run.factor)]
    line += ["--method", run.method, "--seed", str(run.seed)]
    return shlex.join(line + ([] if run.fill_gaps else ["--no-fill-gaps"]))


def _simulated(run: Run) -> str:
    """Return a line of Python: an example has no file to name."""
    kind = "square" if cache.lattice(run.section).kind == "square" else "hexagonal"
    settings = f"factor={run.factor}, method='{run.method}', seed={run.seed}"
    if not run.fill_gaps:
        settings += ", fill_gaps=False"
    return (
        'python -c "import stentrans; '
        f"section = stentrans.simulate(lattice='{kind}'); "
        f"stentrans.enhance(section, {settings}).write('enhanced.h5ad')\""
    )
