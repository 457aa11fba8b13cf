"""What each command accepts; imports nothing heavy, so that ``--help`` is instant."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from stentrans import __version__

if TYPE_CHECKING:
    # What add_subparsers returns has no public name.
    Commands: TypeAlias = "argparse._SubParsersAction[OneSentenceParser]"


class OneSentenceParser(argparse.ArgumentParser):
    """An argument parser that refuses in one sentence instead of a page of usage."""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong and where help is, and leave with exit code 2."""
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help.\n")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = OneSentenceParser(
        prog="stentrans",
        description="Raise the resolution of spatial transcriptomics sections and fill lost areas.",
        epilog="A section is an .h5ad file, a Space Ranger folder or a zip of one, "
        "or a table of counts (csv, tsv).",
    )
    parser.add_argument("--version", action="version", version=f"stentrans {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_app(commands)
    _add_read(commands)
    _add_filter(commands)
    _add_fetch(commands)
    _add_enhance(commands)
    _add_impute(commands)
    _add_evaluate(commands)
    _add_patterns(commands)
    _add_report(commands)
    _add_store(commands)
    commands.add_parser(
        "password", help="print what stands for a password in the secrets of a shared server"
    )
    commands.add_parser("methods", help="list the methods and what they are good for")
    return parser


def _add_app(commands: Commands) -> None:
    command = commands.add_parser("app", help="open the web app on this machine")
    command.add_argument("--port", type=int, help="port (default: the first free one from 8501)")
    command.add_argument(
        "--headless", action="store_true", help="start the server, but open no browser"
    )


def _add_read(commands: Commands) -> None:
    command = commands.add_parser("read", help="say what is found in a section")
    command.add_argument("section", type=Path, metavar="SECTION")
    _add_reading(command)


def _add_fetch(commands: Commands) -> None:
    command = commands.add_parser(
        "fetch", help="fetch a public section from its publisher, over the internet"
    )
    command.add_argument("name", nargs="?", metavar="NAME", help="which; without it, list them")


def _add_filter(commands: Commands) -> None:
    command = commands.add_parser("filter", help="set poor spots aside, so that they are filled")
    command.add_argument("section", type=Path, metavar="SECTION")
    command.add_argument("--min-counts", type=int, default=0, help="least counts of a spot")
    command.add_argument("--min-genes", type=int, default=0, help="least genes seen at a spot")
    command.add_argument(
        "--max-mito", type=float, default=1.0, help="largest share of MT- or mt- genes, 0 to 1"
    )
    command.add_argument(
        "--drop", type=_names, default=[], metavar="A,B,...", help="spots to set aside by name"
    )
    command.add_argument("-o", "--out", type=Path, required=True, metavar="H5AD")
    _add_reading(command)


def _add_enhance(commands: Commands) -> None:
    command = commands.add_parser("enhance", help="write enhanced sections, one file each")
    command.add_argument("sections", type=Path, nargs="+", metavar="SECTION")
    command.add_argument(
        "-o", "--out-dir", type=Path, default=Path(), metavar="DIR", help="folder (default: here)"
    )
    command.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="file for the only section; the end of its name says the format",
    )
    command.add_argument(
        "--format",
        default="h5ad",
        metavar="SUFFIX",
        help="end of the names of files in the folder (default: h5ad)",
    )
    command.add_argument(
        "--scale",
        default="log",
        help="what the values are: log, composition (at equal depth) or counts (default: log)",
    )
    command.add_argument(
        "--layers",
        type=_split,
        metavar="A,B,...",
        help="what to write beside the values: counts, sd, measured (default: all)",
    )
    command.add_argument(
        "--genes", type=_names, metavar="A,B,...", help="genes to write (default: all)"
    )
    _add_run(command)
    _add_fit(command)
    _add_reading(command)


def _add_store(commands: Commands) -> None:
    command = commands.add_parser("store", help="what is kept on disk: sections and runs")
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="what is there, with sizes")
    actions.add_parser("verify", help="compare checksums; exit code 1 if anything is damaged")
    prune = actions.add_parser("prune", help="remove what was used longest ago, never pinned runs")
    prune.add_argument("--to", type=float, metavar="GB", help="size to come down to (default: 20)")
    for name, what in (
        ("show", "all that is noted with one entry"),
        ("pin", "never remove a run to make room"),
        ("unpin", "let it be removed again"),
    ):
        actions.add_parser(name, help=what).add_argument("name", metavar="ID")


def _add_run(command: argparse.ArgumentParser) -> None:
    """Add what enhance and report share: what a run depends on beside its method."""
    command.add_argument(
        "--factor",
        type=int,
        help="sites per spot and axis, 1 to 4 (default: 2; 1 for bins that touch)",
    )
    command.add_argument(
        "--no-fill-gaps", action="store_true", help="leave lost areas inside the tissue empty"
    )
    command.add_argument(
        "--set",
        type=setting,
        action="append",
        default=[],
        dest="settings",
        metavar="NAME=VALUE",
        help="a setting of the method; may be given several times",
    )


def _add_impute(commands: Commands) -> None:
    command = commands.add_parser("impute", help="predict expression at chosen positions")
    command.add_argument("section", type=Path, metavar="SECTION")
    command.add_argument(
        "--at", type=Path, required=True, metavar="CSV", help="table with array_row, array_col"
    )
    command.add_argument("--out", type=Path, required=True, metavar="H5AD")
    _add_fit(command)
    _add_reading(command)


def _add_evaluate(commands: Commands) -> None:
    command = commands.add_parser("evaluate", help="score methods on spots hidden from them")
    command.add_argument("section", type=Path, metavar="SECTION")
    command.add_argument(
        "--methods", type=_split, metavar="A,B,...", help="methods to compare (default: a choice)"
    )
    command.add_argument(
        "--protocol",
        default="thinning",
        help="thinning, scattered, holes or counts hide what they score; published trains and "
        "scores on the same pair, measured spots included, and says nothing about unseen spots",
    )
    command.add_argument("--repeats", type=int, help="how often spots are hidden anew")
    command.add_argument(
        "--null",
        action="store_true",
        help="also with the kept spots at each other's positions, where nothing can be found; "
        "for thinning, scattered and holes",
    )
    command.add_argument(
        "--reference", metavar="METHOD", help="also show the others minus this method"
    )
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--out", type=Path, metavar="CSV", help="also write every score")
    _add_reading(command)


def _add_patterns(commands: Commands) -> None:
    command = commands.add_parser(
        "patterns", help="write tables of variable genes, domains, modules and pathways"
    )
    command.add_argument("section", type=Path, metavar="SECTION")
    command.add_argument(
        "-o", "--out-dir", type=Path, required=True, metavar="DIR", help="folder of the tables"
    )
    command.add_argument("--gene-sets", type=Path, metavar="GMT", help="gene sets, for pathways")
    command.add_argument(
        "--ranked",
        action="store_true",
        help="also where sets stand in the ranking of all genes (a minute per list for thousands)",
    )
    command.add_argument("--domains", type=int, help="how many (default: as many as are found)")
    command.add_argument(
        "--enhance",
        action="store_true",
        help="also enhance, ask hidden spots, and do the same with the spots permuted (minutes)",
    )
    command.add_argument("--method", default="stentrans", help="see: stentrans methods")
    command.add_argument(
        "--replicate", type=Path, metavar="SECTION", help="an adjacent section, to look there too"
    )
    command.add_argument("--seed", type=int, default=0)
    _add_reading(command)


def _add_report(commands: Commands) -> None:
    command = commands.add_parser(
        "report", help="write a page or slides of some genes, with scores, method and settings"
    )
    command.add_argument("section", type=Path, metavar="SECTION")
    command.add_argument(
        "--genes", nargs="+", required=True, metavar="GENE", help="genes to show, in this order"
    )
    command.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help=".html opens in any browser without a network; .pptx is a slide per gene",
    )
    command.add_argument(
        "--reading",
        default="composition",
        help="how expression is shown: composition (at equal depth), log or counts",
    )
    command.add_argument(
        "--no-test",
        action="store_true",
        help="leave out the test on hidden spots, five more fits",
    )
    _add_run(command)
    _add_fit(command)
    _add_reading(command)


def _add_fit(command: argparse.ArgumentParser) -> None:
    """Add what enhance and impute share."""
    command.add_argument("--method", default="stentrans", help="see: stentrans methods")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--device", default="auto", help="auto, cpu or cuda")


def _add_reading(command: argparse.ArgumentParser) -> None:
    """Add what a file may leave open; the options of `stentrans.read`."""
    reading = command.add_argument_group("what a file leaves open; otherwise it is found out")
    reading.add_argument(
        "--library", metavar="NAME", help="which sample, where there are several; bins of Visium HD"
    )
    reading.add_argument(
        "--counts", metavar="PLACE", help="where counts are in an h5ad: X, raw.X or a layer"
    )
    reading.add_argument(
        "--first-number", choices=("row", "column"), help="the first number of spots named 10x13"
    )
    reading.add_argument(
        "--rotate", type=int, choices=(90, 180, 270), help="turn the picture clockwise"
    )
    reading.add_argument(
        "--flip", action="store_true", default=None, help="then mirror it left to right"
    )


OPTIONS_OF_THEIR_OWN = frozenset(
    ("section", "factor", "method", "fill_gaps", "seed", "device", "on_progress")
)


def setting(text: str) -> tuple[str, object]:
    """Split ``name=value``; the value is read as JSON where it is JSON, else kept as text."""
    name, separator, value = text.partition("=")
    if not separator or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"a setting is written name=value; got {text!r}")
    if name in OPTIONS_OF_THEIR_OWN:
        raise argparse.ArgumentTypeError(f"{name} is no setting of a method")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def _names(text: str) -> list[str]:
    """Split names at commas, each kept once."""
    return list(dict.fromkeys(_split(text)))


def _split(text: str) -> list[str]:
    """Split names at commas."""
    return [name.strip() for name in text.split(",") if name.strip()]
