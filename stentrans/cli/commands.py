"""One function per command: arguments in, exit code out."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from argparse import Namespace
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

import stentrans
from stentrans import keys
from stentrans.cli.describe import describe_methods, describe_section
from stentrans.cli.progress import DownloadLines, ProgressLines
from stentrans.cli.reading import read_quietly, read_section
from stentrans.errors import ParameterError, SectionFormatError
from stentrans.methods import registry
from stentrans.passwords import hash_password
from stentrans.section import filter_spots, on_tissue
from stentrans.store import Store
from stentrans.store.sections import write_section

if TYPE_CHECKING:
    from anndata import AnnData

APP = Path(stentrans.__file__).resolve().parents[1] / "app.py"


def app(arguments: Namespace) -> int:
    """Start the web app; this process becomes it, so that whatever ends one ends both."""
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
    os.chdir(APP.parent)
    if os.name == "posix":
        os.execv(command[0], command)
    return subprocess.run(command, check=False).returncode


def read(arguments: Namespace) -> int:
    """Print what is found in a section, and the notes of the reader."""
    section = read_section(arguments.section, arguments)
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
    section = read_quietly(arguments.section, arguments)
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


def store(arguments: Namespace) -> int:
    """See `stentrans.cli.stored`."""
    from stentrans.cli import stored

    return stored.store(arguments)


def password(arguments: Namespace) -> int:
    """Print what stands for a password in the secrets of a shared server."""
    print(hash_password(getpass("Password: ")))
    return 0


def enhance(arguments: Namespace) -> int:
    """See `stentrans.cli.enhancing`."""
    from stentrans.cli import enhancing

    return enhancing.enhance(arguments)


def evaluate(arguments: Namespace) -> int:
    """See `stentrans.cli.evaluating`."""
    from stentrans.cli import evaluating

    return evaluating.evaluate(arguments)


def impute(arguments: Namespace) -> int:
    """Predict expression at the positions of a table and write it as one .h5ad."""
    _check_h5ad(arguments.out)
    positions = _positions(arguments.at)
    section = read_quietly(arguments.section, arguments)
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
        write_section(predicted, unfinished)
        unfinished.replace(target)
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(target)) from error
    finally:
        unfinished.unlink(missing_ok=True)


def patterns(arguments: Namespace) -> int:
    """Write tables of what varies in space, and say what was found."""
    from stentrans.cli.patterns import write_patterns

    section = read_section(arguments.section, arguments)
    other = arguments.replicate and read_section(arguments.replicate, arguments)
    with ProgressLines(arguments.section.name) as on_progress:
        lines = write_patterns(section, arguments, other, on_progress)
    print("\n".join([*lines, f"{arguments.out_dir}: tables"]))
    return 0


def report(arguments: Namespace) -> int:
    """Write a page or slides of some genes."""
    from stentrans.cli.reporting import make_report

    make_report(arguments, read_quietly(arguments.section, arguments))
    return 0


def methods(_arguments: Namespace) -> int:
    """Print what every method does and cannot do."""
    infos = {name: (info.summary, info.limits) for name, info in registry.ABOUT.items()}
    print(describe_methods(infos))
    return 0
