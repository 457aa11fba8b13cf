"""The command ``enhance``: one section here, several on the cluster, a file each."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from stentrans import export, keys
from stentrans.cli.progress import ProgressLines
from stentrans.cli.reading import read_quietly
from stentrans.errors import ParameterError
from stentrans.jobs.here import result_of
from stentrans.section import default_factor
from stentrans.store import Run, Store, section_id
from stentrans.validate import check_names, check_option

if TYPE_CHECKING:
    from anndata import AnnData

    from stentrans.enhancement import Enhancement
    from stentrans.methods.base import OnProgress

REFUSED = 2


def enhance(arguments: Namespace) -> int:
    """Enhance section after section; one that is refused does not stop the others."""
    check_option("--scale", arguments.scale, tuple(export.VALUES_ARE))
    for name in arguments.layers or ():
        check_option("--layers", name, export.LAYERS)
    _check_targets(arguments)
    arguments.out_dir.mkdir(parents=True, exist_ok=True)
    # One section is computed here; several, or one for a cluster, by workers.
    if len(arguments.sections) > 1 or os.environ.get("STENTRANS_SCHEDULER"):
        from stentrans.cli.cohort import Cohort

        cohort = Cohort(
            list(dict.fromkeys(arguments.sections)),
            read=lambda path: _section_to_enhance(arguments, path),
            run_for=lambda section, name: run_of(arguments, section, name),
            write=lambda result, path: _written(arguments, result, path, None),
        )
        return 0 if cohort.run() else REFUSED
    _enhance_one(arguments, arguments.sections[0])
    return 0


def run_of(arguments: Namespace, section: AnnData, name: str) -> Run:
    """Return what is asked for; the same as the app would ask for."""
    factor = arguments.factor
    return Run(
        section=name,
        factor=default_factor(section) if factor is None else factor,
        method=arguments.method,
        fill_gaps=not arguments.no_fill_gaps,
        seed=arguments.seed,
        device=arguments.device,
        settings=tuple(arguments.settings),
    )


def _check_targets(arguments: Namespace) -> None:
    """Refuse files that could not be told apart, before anything is read."""
    if arguments.out is not None and len(arguments.sections) > 1:
        raise ParameterError(
            f"--out names one file; {len(arguments.sections)} sections were given. Use "
            "--out-dir for several."
        )
    found: dict[Path, Path] = {}
    for path in arguments.sections:
        # Whatever the factor turns out to be: two sections of one name would only differ by it.
        target = _target(arguments, path, arguments.factor or 2)
        export.format_of(target)
        if found.setdefault(target, path) != path:
            raise ParameterError(
                f"Every section must have a name of its own in the folder of results; "
                f"{target.name} would be written twice. Enhance these sections into different "
                "folders."
            )


def _target(arguments: Namespace, path: Path, factor: int) -> Path:
    """Name the file that is written for a section."""
    if arguments.out is not None:
        return Path(arguments.out)
    suffix = f".{arguments.format.removeprefix('.')}"
    name = export.file_name(_section_name(path), arguments.method, factor, suffix=suffix)
    return Path(arguments.out_dir) / name


def _section_name(path: Path) -> str:
    """Name a section after its file or folder; ``sample/outs`` after the sample."""
    resolved = path.resolve()
    return resolved.parent.name if resolved.name == "outs" else resolved.name


def _section_to_enhance(arguments: Namespace, path: Path) -> AnnData:
    section = read_quietly(path, arguments)
    if arguments.genes is not None:
        # Before the fit, which may take minutes.
        check_names("gene", arguments.genes, section.var_names)
    return section


def _enhance_one(arguments: Namespace, path: Path) -> None:
    section = _section_to_enhance(arguments, path)
    with ProgressLines(path.name) as on_progress:
        enhancement = result_of(
            run_of(arguments, section, section_id(section)),
            section,
            store=Store(),
            on_progress=on_progress,
            warn=lambda sentence: sys.stderr.write(f"{sentence}\n"),
        )
        told = _written(arguments, enhancement, path, on_progress)
    print(told)


def _written(
    arguments: Namespace, enhancement: Enhancement, path: Path, on_progress: OnProgress | None
) -> str:
    """Write an enhancement and say what was written."""
    target = _target(arguments, path, int(enhancement.provenance["factor"]))
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
