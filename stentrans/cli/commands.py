"""One function per command: arguments in, exit code out."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterable
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

import stentrans
from stentrans import export, keys
from stentrans.cli.describe import describe_methods, describe_note, describe_section
from stentrans.cli.progress import DownloadLines, ProgressLines
from stentrans.cli.scores import describe_scores
from stentrans.errors import ParameterError, SectionFormatError
from stentrans.evaluation import DEFAULT_METHODS, compare, summarise
from stentrans.jobs.here import result_of
from stentrans.methods import registry
from stentrans.methods.base import OnProgress
from stentrans.passwords import hash_password
from stentrans.section import filter_spots, notes_of, on_tissue
from stentrans.store import Run, Store, section_id
from stentrans.validate import check_names, check_option

if TYPE_CHECKING:
    from anndata import AnnData

    from stentrans.enhancement import Enhancement

APP = Path(stentrans.__file__).resolve().parents[1] / "app.py"
REFUSED = 2


def app(arguments: Namespace) -> int:
    """Start the web app as a process of its own and wait for it."""
    if not APP.is_file():
        raise ParameterError(
            f"The app must be started from a copy of the project; {APP} does not exist. "
            "Run this command in a clone of the repository."
        )
    command = [sys.executable, "-m", "streamlit", "run", str(APP)]
    if arguments.port is not None:
        command.append(f"--server.port={arguments.port}")
    if arguments.headless:
        command.append("--server.headless=true")
    # The folder of the app holds its configuration (.streamlit/config.toml).
    with subprocess.Popen(command, cwd=APP.parent) as process:
        return process.wait()


def read(arguments: Namespace) -> int:
    """Print what is found in a section, and the notes of the reader."""
    section = _read(arguments.section, arguments)
    print(describe_section(section))
    return 0


def fetch(arguments: Namespace) -> int:
    """Fetch a public section into the store's folder and say where it is, or list them."""
    from stentrans.section.public import fetch as fetch_section
    from stentrans.section.registry import LICENCE, PUBLIC, SOURCE_PAGE

    if arguments.name is None:
        for one in PUBLIC.values():
            print(f"{one.name:40} {one.title}")
        print(f"\nOf 10x Genomics, {LICENCE}: {SOURCE_PAGE}")
        return 0
    with DownloadLines() as on_progress:
        folder = fetch_section(arguments.name, Store().folder / "public", on_progress=on_progress)
    print(folder)
    return 0


def filter(arguments: Namespace) -> int:
    """Write a section with poor spots set aside."""
    _check_h5ad(arguments.out)
    section = _read_quietly(arguments.section, arguments)
    kept = filter_spots(
        section,
        min_counts=arguments.min_counts,
        min_genes=arguments.min_genes,
        max_mito=arguments.max_mito,
        drop=arguments.drop,
    )
    _write(kept, arguments.out)
    left = int(kept.obs[keys.IN_TISSUE].sum())
    print(f"{arguments.out}: {left} spots stay, {on_tissue(section).n_obs - left} set aside")
    return 0


def _check_h5ad(out: Path) -> None:
    if out.suffix != ".h5ad":
        raise ParameterError(f"--out must end in .h5ad; got {out.name}.")


def _read(path: Path, arguments: Namespace) -> AnnData:
    """Read a section with the options that the command was given."""
    return stentrans.read(
        path,
        library=arguments.library,
        counts=arguments.counts,
        first_number=arguments.first_number,
        rotate=arguments.rotate,
        flip=arguments.flip,
    )


def _read_quietly(path: Path, arguments: Namespace) -> AnnData:
    """Read a section; what was decided on the way goes to standard error."""
    section = _read(path, arguments)
    for note in notes_of(section):
        if note.option:
            sys.stderr.write(f"{path.name}: {describe_note(note)}\n")
    return section


def enhance(arguments: Namespace) -> int:
    """Enhance section after section; one that is refused does not stop the others."""
    check_option("--scale", arguments.scale, tuple(export.VALUES_ARE))
    for name in arguments.layers or ():
        check_option("--layers", name, export.LAYERS)
    targets = _targets(arguments)
    arguments.out_dir.mkdir(parents=True, exist_ok=True)
    # One section is computed here; several, or one for a cluster, by workers.
    if len(targets) > 1 or os.environ.get("STENTRANS_SCHEDULER"):
        from stentrans.cli.cohort import Cohort

        cohort = Cohort(
            targets,
            read=lambda path: _section_to_enhance(arguments, path),
            run_for=lambda section: _run(arguments, section),
            write=lambda result, target: _written(arguments, result, target, None),
        )
        return 0 if cohort.run() else REFUSED
    for path, target in targets.items():
        _enhance_one(arguments, path, target)
    return 0


def _section_to_enhance(arguments: Namespace, path: Path) -> AnnData:
    section = _read_quietly(path, arguments)
    if arguments.genes is not None:
        # Before the fit, which may take minutes.
        check_names("gene", arguments.genes, section.var_names)
    return section


def _run(arguments: Namespace, section: str) -> Run:
    """Return what is asked for; the same as the app would ask for."""
    return Run(
        section=section,
        factor=arguments.factor,
        method=arguments.method,
        fill_gaps=not arguments.no_fill_gaps,
        seed=arguments.seed,
        device=arguments.device,
        settings=tuple(arguments.settings),
    )


def _enhance_one(arguments: Namespace, path: Path, target: Path) -> None:
    section = _section_to_enhance(arguments, path)
    with ProgressLines(path.name) as on_progress:
        enhancement = result_of(
            _run(arguments, section_id(section)),
            section,
            store=Store(),
            on_progress=on_progress,
            warn=lambda sentence: sys.stderr.write(f"{sentence}\n"),
        )
        told = _written(arguments, enhancement, target, on_progress)
    print(told)


def _written(
    arguments: Namespace, enhancement: Enhancement, target: Path, on_progress: OnProgress | None
) -> str:
    """Write an enhancement and say what was written."""
    export.write(
        enhancement,
        target,
        arguments.genes,
        scale=arguments.scale,
        layers=export.LAYERS if arguments.layers is None else arguments.layers,
        on_progress=on_progress,
    )
    counted = enhancement.sites[keys.ORIGIN].value_counts()
    parts = ", ".join(f"{counted.get(origin, 0)} {origin}" for origin in keys.ORIGINS)
    return f"{target}: {len(enhancement.sites)} sites ({parts})"


def store(arguments: Namespace) -> int:
    """See `stentrans.cli.stored`."""
    from stentrans.cli import stored

    return stored.store(arguments)


def password(arguments: Namespace) -> int:
    """Print what stands for a password in the secrets of a shared server."""
    print(hash_password(getpass("Password: ")))
    return 0


def _targets(arguments: Namespace) -> dict[Path, Path]:
    """Name the file written for each section, refusing two sections of one name."""
    if arguments.out is not None:
        if len(arguments.sections) > 1:
            raise ParameterError(
                f"--out names one file; {len(arguments.sections)} sections were given. Use "
                "--out-dir for several."
            )
        export.format_of(arguments.out)
        return {arguments.sections[0]: arguments.out}
    suffix = f".{arguments.format.removeprefix('.')}"
    targets: dict[Path, Path] = {}
    for path in arguments.sections:
        name = export.file_name(
            _section_name(path), arguments.method, arguments.factor, suffix=suffix
        )
        target = arguments.out_dir / name
        export.format_of(target)
        if target in targets.values():
            raise ParameterError(
                f"Every section must have a name of its own in the folder of results; {name} "
                "would be written twice. Enhance these sections into different folders."
            )
        targets[path] = target
    return targets


def _section_name(path: Path) -> str:
    """Name a section after its file or folder; ``sample/outs`` after the sample."""
    resolved = path.resolve()
    return resolved.parent.name if resolved.name == "outs" else resolved.name


def impute(arguments: Namespace) -> int:
    """Predict expression at the positions of a table and write it as one .h5ad."""
    _check_h5ad(arguments.out)
    positions = _positions(arguments.at)
    section = _read_quietly(arguments.section, arguments)
    predicted = stentrans.impute(
        section,
        positions,
        method=arguments.method,
        seed=arguments.seed,
        device=arguments.device,
    )
    _write(predicted, arguments.out)
    print(f"{arguments.out}: {predicted.n_obs} sites, {predicted.n_vars} genes")
    return 0


def _positions(path: Path) -> pd.DataFrame:
    """Read the table of positions; its numbers are checked by `stentrans.impute`."""
    try:
        table = pd.read_csv(path, sep=None, engine="python")
    except (ValueError, csv.Error) as error:  # not a table, empty, or not text
        raise SectionFormatError(
            f"{path.name} must be a table with the columns array_row, array_col; "
            f"it could not be read ({error})."
        ) from error
    missing = [name for name in (keys.ARRAY_ROW, keys.ARRAY_COL) if name not in table]
    if missing:
        raise SectionFormatError(
            f"{path.name} must have the columns array_row, array_col; {missing[0]} is missing "
            f"among {', '.join(map(str, table.columns[:6]))}."
        )
    return table


def _write(predicted: AnnData, target: Path) -> None:
    """Write under another name first, so that an interrupted run leaves no half file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.part")
    try:
        predicted.write_h5ad(unfinished)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def evaluate(arguments: Namespace) -> int:
    """Score methods on hidden spots: a summary on standard output, every score in a file."""
    chosen: dict[str, Any] = {
        "protocol": arguments.protocol,
        "null": arguments.null,
        "seed": arguments.seed,
    }
    if arguments.methods is not None:
        _check_methods(arguments.methods)
        chosen["methods"] = tuple(arguments.methods)
    if arguments.reference is not None:
        scored = chosen.get("methods", DEFAULT_METHODS)
        check_option("--reference", arguments.reference, scored)
    if arguments.repeats is not None:
        chosen["repeats"] = arguments.repeats
    if arguments.out is not None:
        # Before the fits, which may take minutes.
        _check_target(arguments.out)
    section = _read_quietly(arguments.section, arguments)
    with ProgressLines(arguments.section.name) as on_progress:
        comparison = compare(section, **chosen, on_progress=on_progress)
    summary = summarise(comparison, reference=arguments.reference, seed=arguments.seed)
    told = describe_scores(
        summary,
        repeats=int(comparison.scores["repeat"].max()) + 1,
        n_left_out=comparison.n_left_out,
        reference=arguments.reference,
    )
    print(told, flush=True)
    if arguments.out is not None:
        comparison.scores.to_csv(arguments.out, index=False)
    return 0


def _check_target(out: Path) -> None:
    """Refuse a table that could not be written; makes its folder."""
    if out.is_dir():
        raise ParameterError(f"--out must name a file; {out} is a folder.")
    out.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(out if out.exists() else out.parent, os.W_OK):
        raise ParameterError(f"--out must name a file that can be written; {out} cannot.")


def _check_methods(names: Iterable[str]) -> None:
    for name in names:
        check_option("method", name, stentrans.METHODS)


def patterns(arguments: Namespace) -> int:
    """Write tables of what varies in space, and say what was found."""
    from stentrans.cli.patterns import write_patterns

    section = _read(arguments.section, arguments)
    other = arguments.replicate and _read(arguments.replicate, arguments)
    with ProgressLines(arguments.section.name) as on_progress:
        lines = write_patterns(section, arguments, other, on_progress)
    print("\n".join([*lines, f"{arguments.out_dir}: tables"]))
    return 0


def report(arguments: Namespace) -> int:
    """Write a page or slides of some genes."""
    from stentrans.cli.reporting import make_report

    make_report(arguments, _read_quietly(arguments.section, arguments))
    return 0


def methods(_arguments: Namespace) -> int:
    """Print what every method does and cannot do."""
    infos = {name: (info.summary, info.limits) for name, info in registry.ABOUT.items()}
    print(describe_methods(infos))
    return 0
