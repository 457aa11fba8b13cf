"""What can be asked of a worker: every kind of work by name, a line each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, cast

from stentrans.errors import MissingKeyError

if TYPE_CHECKING:
    from stentrans.methods.base import OnProgress
    from stentrans.store import Run


class Result(Protocol):
    """What a kind of work makes.

    A mapping ``summary`` of names to numbers, where there is one, is noted beside the result, so
    that a list of runs can show it without reading them.
    """

    def save(self, folder: Path) -> None:
        """Write it into an empty folder, as npz, csv and JSON; nothing is ever pickled."""
        ...


Compute = Callable[[Any, "Run", "OnProgress"], Result]


@dataclass(frozen=True)
class Kind:
    """A kind of work.

    Parameters
    ----------
    compute
        ``module:function`` that is called as ``function(section, run, on_progress)`` on a worker
        and returns a `Result`. What the run says beside the section is all that it may depend on.
        With ``needs="run"`` the first argument is a stored result instead of the section.
    result
        ``module:Class`` whose ``load(folder)`` reads a saved result.
    doing
        What the progress line says while it goes on.
    priority
        Among waiting jobs the higher goes first.
    needs
        ``"section"``, or ``"run"`` for work on the result of another run, whose id the settings
        name as ``source``; ``"evidence"`` and ``"lists"``: see `stentrans.jobs.evidence`.
    can_keep
        Whether its result is valid when learning is stopped early, and says so (``stopped_early``).
    """

    compute: str
    result: str
    doing: str
    priority: int = 1
    needs: Literal["section", "run", "evidence", "lists"] = "section"
    can_keep: bool = False


KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "enhance": Kind(
            "stentrans.jobs.computing:enhance",
            "stentrans.enhancement:Enhancement",
            "Enhancing",
            can_keep=True,
        ),
        "holdout": Kind(
            "stentrans.jobs.computing:holdout",
            "stentrans.evaluation.holdout:HeldOut",
            "Testing on hidden spots",
            # What somebody asked for goes before the tests that follow by themselves.
            priority=0,
        ),
        "evaluate": Kind(
            "stentrans.jobs.computing:evaluate",
            "stentrans.evaluation.judgement:Judgement",
            "Comparing methods",
        ),
        "scores": Kind(
            "stentrans.jobs.computing:scores",
            "stentrans.evaluation.scored:Scored",
            "Comparing methods",
        ),
        "reveal": Kind(
            "stentrans.jobs.computing:reveal",
            "stentrans.evaluation.revealed:Revealed",
            "Predicting hidden spots",
        ),
        "fill": Kind(
            "stentrans.jobs.computing:fill",
            "stentrans.evaluation.lost:Filled",
            "Filling lost areas",
        ),
        "markers": Kind(
            "stentrans.jobs.computing:markers",
            "stentrans.patterns.regions:Markers",
            "Comparing regions",
        ),
        "patterns": Kind(
            "stentrans.jobs.computing:patterns",
            "stentrans.patterns.tables:Tables",
            "Looking for patterns",
        ),
        "before_after": Kind(
            "stentrans.jobs.computing:before_after",
            "stentrans.patterns.tables:Tables",
            "Comparing before and after",
            needs="evidence",
        ),
        "pathways": Kind(
            "stentrans.jobs.computing:pathways",
            "stentrans.patterns.tables:Tables",
            "Comparing with the gene sets",
            needs="lists",
        ),
        "replicate": Kind(
            "stentrans.jobs.computing:replicate",
            "stentrans.patterns.tables:Tables",
            "Looking in the other section",
            needs="lists",
        ),
        "export": Kind(
            "stentrans.jobs.computing:export",
            "stentrans.export:Exported",
            "Writing the file",
            needs="run",
        ),
    }
)
"""Every kind of work by its name, which is `Run.work`."""


def kind_of(run: Run) -> Kind:
    """Return the kind of work that a run asks for.

    Raises
    ------
    MissingKeyError
        If there is none of this name.
    """
    if run.work not in KINDS:
        raise MissingKeyError(
            f"The work of a run must be one of {', '.join(KINDS)}; got {run.work!r}."
        )
    return KINDS[run.work]


def compute(given: Any, run: Run, on_progress: OnProgress) -> Result:
    """Do the work of a run on what it needs, see `Kind`; raises what that work raises."""
    function = cast(Compute, _named(kind_of(run).compute))
    return function(given, run, on_progress)


def load(run: Run, folder: Path) -> Any:
    """Read the saved result of a run; raises StoreError if it cannot be read."""
    return _named(kind_of(run).result).load(folder)


def _named(home: str) -> Any:
    """Import what ``module:name`` stands for."""
    module, _, name = home.partition(":")
    return getattr(import_module(module), name)
