"""Who may import whom, read off the syntax tree of every module, and what stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "stentrans"
BASE = {"errors", "keys", "validate", "words", "config", "passwords", "processes"}

# What each room may import beside itself and the base; written out, so that a new arrow is a
# decision and shows in a review.
MAY_IMPORT = {
    "nn": set[str](),
    "training": {"nn"},
    "lattice": set[str](),
    "preprocess": set[str](),
    "section": {"lattice", "preprocess"},
    "figures": set[str](),
    "store": set[str](),
    "methods": {"training", "nn", "lattice", "preprocess"},
}
_INNER = {"methods", "store", "training", "nn", "section", "lattice", "preprocess"}
MAY_IMPORT["enhancement"] = _INNER
MAY_IMPORT["evaluation"] = _INNER | {"enhancement"}
# What is found in a map counts where predictions of hidden spots bear it out.
MAY_IMPORT["patterns"] = _INNER | {"enhancement", "evaluation"}
MAY_IMPORT["report"] = MAY_IMPORT["patterns"] | {"patterns", "figures"}
MAY_IMPORT["jobs"] = MAY_IMPORT["evaluation"] | {"evaluation", "patterns"}
MAY_IMPORT["app"] = MAY_IMPORT["jobs"] | {"jobs", "figures", "report"}
MAY_IMPORT["cli"] = MAY_IMPORT["jobs"] | {"jobs", "report"}
MAY_IMPORT["__main__"] = {"cli"}

# Files beside each other that make one room: export.py is the part of Enhancement that writes.
SAME_ROOM = {"export": "enhancement"}

# Where a library may be imported, as path prefixes.
ONLY_IN = {
    "streamlit": ("app.py", "pages/", "stentrans/app/"),
    "torch": (
        "stentrans/nn/",
        "stentrans/training.py",
        "stentrans/methods/dist.py",
        "stentrans/methods/fold_training.py",
        "stentrans/methods/paper.py",
        "stentrans/methods/stentrans.py",
    ),
    "plotly": ("stentrans/figures/", "stentrans/app/"),
    "matplotlib": ("stentrans/figures/static/",),
    "scanpy": ("stentrans/section/", "stentrans/patterns/"),
    "gseapy": ("stentrans/patterns/",),
    "dask": ("stentrans/jobs/",),
    "distributed": ("stentrans/jobs/",),
    "pickle": (),
    "cloudpickle": (),
    "dill": (),
    "joblib": (),
    "shelve": (),
}
NOT_IN = {
    "anndata": (
        "stentrans/lattice/",
        "stentrans/methods/",
        "stentrans/nn/",
        "stentrans/training.py",
        "stentrans/evaluation/metrics.py",
        "stentrans/evaluation/ceiling.py",
        "stentrans/figures/",
    ),
}

SOURCES = sorted(
    [*ROOT.glob("app.py"), *(ROOT / "pages").glob("*.py"), *PACKAGE.rglob("*.py")],
)
MODULES = [path for path in SOURCES if path.is_relative_to(PACKAGE)]


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def room_of(path: Path) -> str:
    """The folder or module directly below the package."""
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return SAME_ROOM.get(room, room)


def imported(path: Path) -> Iterator[str]:
    """Full dotted names of everything imported anywhere in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_rooms(path: Path) -> set[str]:
    """Rooms of our package that a file imports; a public name counts as the room it lives in."""
    import stentrans

    rooms = set()
    for name in imported(path):
        top, _, rest = name.partition(".")
        if top != "stentrans" or rest == "__version__":
            continue
        room = rest.split(".")[0]
        home = stentrans._HOME_OF.get(room)
        room = home.split(".")[1] if home else room
        rooms.add(SAME_ROOM.get(room, room))
    return rooms


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_room_imports_only_what_lies_to_its_right(path: Path) -> None:
    room = room_of(path)
    if room in {"__init__", *BASE}:
        allowed = set[str]()
        if room == "__init__":
            pytest.skip("the public interface names every room, on first use only")
    else:
        assert room in MAY_IMPORT, f"{relative(path)}: a new room needs a line in MAY_IMPORT"
        allowed = MAY_IMPORT[room] | {room}
    if room in {"app", "cli"}:
        allowed = allowed | {""}  # these call the public interface, "import stentrans"
    beyond = imported_rooms(path) - allowed - BASE
    assert not beyond, f"{relative(path)} may not import {sorted(beyond)}"


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_library_is_imported_only_where_it_belongs(path: Path) -> None:
    place = relative(path)
    for name in imported(path):
        library = name.split(".")[0]
        if library in ONLY_IN:
            assert place.startswith(ONLY_IN[library] or ("nowhere",)), f"{place} imports {library}"
        if library in NOT_IN:
            assert not place.startswith(NOT_IN[library]), f"{place} imports {library}"


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_nothing_is_unpickled(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        given = {word.arg: word.value for word in node.keywords}
        allowed = given.get("allow_pickle")
        assert allowed is None or (isinstance(allowed, ast.Constant) and allowed.value is False)
        assert ast.unparse(node.func) not in {"torch.load", "torch.save", "pd.read_pickle"}


def public_functions(path: Path) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Public functions of a file and public methods of its public classes, with their names."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if is_public(node) and isinstance(node, ast.FunctionDef):
            yield node.name, node
        if is_public(node) and isinstance(node, ast.ClassDef):
            for method in node.body:
                if is_public(method) and isinstance(method, ast.FunctionDef):
                    yield f"{node.name}.{method.name}", method


def is_public(node: ast.stmt) -> bool:
    """Whether this defines something without a leading underscore, overloads aside."""
    if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
        return False
    return "overload" not in map(ast.unparse, node.decorator_list)


def parameters(function: ast.FunctionDef) -> tuple[list[str], list[str]]:
    """Names of the parameters that may be given by position, and of all of them."""
    spec = function.args
    positional = [arg.arg for arg in [*spec.posonlyargs, *spec.args] if arg.arg not in SELF]
    extra = [arg.arg for arg in (spec.vararg, spec.kwarg) if arg is not None]
    return positional, positional + [arg.arg for arg in spec.kwonlyargs] + extra


SELF = {"self", "cls"}


def offered(room: Path) -> set[str]:
    """Names that a room offers to the others, from ``__all__`` of its ``__init__.py``."""
    for node in ast.parse(room.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


@pytest.mark.parametrize("room", sorted(PACKAGE.rglob("__init__.py")), ids=relative)
def test_offered_function_takes_at_most_three_by_position(room: Path) -> None:
    names = offered(room)
    for path in room.parent.rglob("*.py"):
        for name, function in public_functions(path):
            if name.split(".")[0] in names:
                positional, _ = parameters(function)
                assert len(positional) <= 3, f"{relative(path)}: {name}({', '.join(positional)})"


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_public_function_has_a_docstring(path: Path) -> None:
    for name, function in public_functions(path):
        assert ast.get_docstring(function), f"{relative(path)}: {name} has no docstring"


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_documented_parameters_are_those_of_the_signature(path: Path) -> None:
    for name, function in public_functions(path):
        documented = documented_parameters(ast.get_docstring(function) or "")
        if documented is not None:
            _, expected = parameters(function)
            assert documented == expected, f"{relative(path)}: {name}"


def documented_parameters(docstring: str) -> list[str] | None:
    """Names below the heading "Parameters", stars removed; None without that heading."""
    _, heading, rest = docstring.partition("Parameters\n----------\n")
    if not heading:
        return None
    names: list[str] = []
    lines = rest.splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if following and set(following) == {"-"}:
            break
        if line and not line.startswith(" "):
            names += [name.strip().lstrip("*") for name in line.split(",")]
    return names


def loaded_after(statement: str) -> set[str]:
    """Top-level modules in a fresh interpreter after one statement."""
    code = f"{statement}\nimport sys\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_import_stentrans_loads_nothing_heavy() -> None:
    heavy = {"torch", "streamlit", "plotly", "matplotlib", "scanpy", "anndata", "dask", "pandas"}
    assert not loaded_after("import stentrans") & {*heavy, "numpy", "scipy"}


@pytest.mark.parametrize("name", ["METHODS", "read", "simulate", "evaluate", "enhance"])
def test_public_name_loads_no_screen_and_no_torch(name: str) -> None:
    loaded = loaded_after(f"from stentrans import {name}")
    assert not loaded & {"torch", "streamlit", "plotly", "matplotlib", "distributed"}


def test_enhancing_one_section_waits_for_no_cluster() -> None:
    assert "distributed" not in loaded_after("import stentrans.cli.enhancing")


def test_help_of_the_command_line_loads_no_arrays() -> None:
    statement = "import stentrans.cli.parser as parser\nparser.build_parser().format_help()"
    assert not loaded_after(statement) & {"numpy", "pandas", "anndata", "torch", "streamlit"}
