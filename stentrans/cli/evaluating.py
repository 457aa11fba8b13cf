"""The command ``evaluate``: scores of methods, computed once and then taken from the store."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from pathlib import Path

import stentrans
from stentrans.cli.progress import ProgressLines
from stentrans.cli.reading import read_quietly
from stentrans.cli.scores import describe_scores
from stentrans.errors import ParameterError
from stentrans.evaluation import DEFAULT_METHODS
from stentrans.evaluation.scored import Scored
from stentrans.jobs.here import result_of
from stentrans.store import Run, Store, section_id
from stentrans.validate import check_option


def evaluate(arguments: Namespace) -> int:
    """Score methods on hidden spots: a summary on standard output, every score in a file."""
    methods = DEFAULT_METHODS if arguments.methods is None else tuple(arguments.methods)
    for name in methods:
        check_option("method", name, stentrans.METHODS)
    if arguments.reference is not None:
        check_option("--reference", arguments.reference, methods)
    if arguments.out is not None:
        # Before the fits, which may take minutes.
        _check_target(arguments.out)
    section = read_quietly(arguments.section, arguments)
    run = Run.of(
        "scores",
        section_id(section),
        seed=arguments.seed,
        methods=methods,
        protocol=arguments.protocol,
        repeats=arguments.repeats,
        null=arguments.null,
    )
    with ProgressLines(arguments.section.name) as on_progress:
        scored: Scored = result_of(
            run,
            section,
            store=Store(),
            on_progress=on_progress,
            warn=lambda sentence: sys.stderr.write(f"{sentence}\n"),
        )
    told = describe_scores(
        scored.summary_against(arguments.reference),
        repeats=int(scored.scores["repeat"].max()) + 1,
        n_left_out=scored.n_left_out,
        reference=arguments.reference,
    )
    print(told, flush=True)
    if arguments.out is not None:
        scored.scores.to_csv(arguments.out, index=False)
    return 0


def _check_target(out: Path) -> None:
    """Refuse a table that could not be written; makes its folder."""
    if out.is_dir():
        raise ParameterError(f"--out must name a file; {out} is a folder.")
    out.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(out if out.exists() else out.parent, os.W_OK):
        raise ParameterError(f"--out must name a file that can be written; {out} cannot.")
