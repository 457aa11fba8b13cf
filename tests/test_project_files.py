"""Project files that must agree with each other and with the tree."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stentrans import __version__

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
APP_LINE = (
    "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt "
    "&& .venv/bin/streamlit run app.py"
)
TEST_LINE = (
    "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt "
    "&& .venv/bin/python -m pytest"
)


def lines(path: str) -> list[str]:
    """Lines that are neither empty nor a comment."""
    text = (ROOT / path).read_text(encoding="utf-8")
    return [line.strip() for line in text.splitlines() if line.strip() and line[0] != "#"]


@pytest.fixture(scope="module")
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_requirements_are_those_of_pyproject(pyproject: dict[str, Any]) -> None:
    named = [*pyproject["project"]["dependencies"], *pyproject["dependency-groups"]["test"]]
    assert sorted(lines("requirements.txt")) == sorted(named)


def bounds(line: str) -> tuple[str, tuple[int, ...], tuple[int, ...]]:
    """Name, lowest version and first version beyond; a pinned version counts as both."""
    match = re.fullmatch(r"([\w-]+)(?:==([\d.]+)|>=([\d.]+),<([\d.]+))", line)
    assert match is not None, f"{line}: neither pinned nor bounded on both sides"
    name, pinned, low, high = match.groups()
    return name, version(pinned or low), version(pinned or high)


def version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def test_constraints_hold_an_allowed_version_of_every_requirement(
    pyproject: dict[str, Any],
) -> None:
    exact = dict(line.lower().split("==") for line in lines(".ci/constraints.txt"))
    exact = {name.replace("_", "-"): given for name, given in exact.items()}
    for line in [*lines("requirements.txt"), *pyproject["dependency-groups"]["lint"]]:
        name, low, high = bounds(line)
        given = version(exact[name])
        assert low <= given, line
        assert given == low if low == high else given < high, line


def test_constraints_name_versions_and_no_place() -> None:
    for line in [*lines(".ci/constraints.txt"), *lines(".ci/interop.txt")]:
        assert re.fullmatch(r"[\w.-]+==[\w.]+", line), line


PACKAGE_OF = {"PIL": "pillow", "pptx": "python-pptx", "sklearn": "scikit-learn"}
# Found by plotly, scanpy and pytest themselves when installed.
USED_UNSEEN = {"igraph", "orjson", "pytest-timeout", "pytest-xdist"}


def test_what_is_imported_and_what_is_required_are_the_same() -> None:
    required = {bounds(line)[0] for line in lines("requirements.txt")} - USED_UNSEEN
    assert third_party_imports() - USED_UNSEEN == required


def third_party_imports() -> set[str]:
    """Packages imported anywhere by the app, the library or the tests.

    Those of tests/interop stand in a list of their own.
    """
    tests = [path for path in (ROOT / "tests").rglob("*.py") if path.parent.name != "interop"]
    files = [ROOT / "app.py", *(ROOT / "pages").glob("*.py"), *(ROOT / "stentrans").rglob("*.py")]
    names = {name.split(".")[0] for path in files + tests for name in imported(path)}
    ours = {"stentrans", "tests", *(path.stem for path in tests)}
    return {PACKAGE_OF.get(name, name) for name in names - ours - sys.stdlib_module_names}


def imported(path: Path) -> Iterator[str]:
    """Modules that a file imports, those that a test may skip without included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.importorskip":
            yield ast.literal_eval(node.args[0])


def test_interop_shares_the_versions_that_write_and_read_files() -> None:
    ours, theirs = (
        dict(line.lower().split("==") for line in lines(path))
        for path in (".ci/constraints.txt", ".ci/interop.txt")
    )
    assert theirs["squidpy"] == "1.8.2"
    assert {name: theirs[name] for name in ("anndata", "h5py", "zarr")} == {
        name: ours[name] for name in ("anndata", "h5py", "zarr")
    }


def test_readme_holds_both_commands() -> None:
    text = README.read_text(encoding="utf-8").splitlines()
    assert text.count(APP_LINE) == 1
    assert text.count(TEST_LINE) == 1


def test_files_of_the_readme_commands_exist() -> None:
    assert (ROOT / "app.py").is_file()
    assert (ROOT / "requirements.txt").is_file()


def test_readme_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\((?!https?://)([^)#]+)\)", README.read_text(encoding="utf-8"))
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


@pytest.mark.slow
def test_readme_example_runs(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "STENTRANS_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.glob("*.h5ad"))


def test_architecture_lists_every_module_once() -> None:
    listed = listed_modules((ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8"))
    files = [ROOT / "app.py", *(ROOT / "pages").glob("*.py"), *(ROOT / "stentrans").rglob("*.py")]
    # The __init__.py of a room only names what it offers.
    known = [
        path.relative_to(ROOT).as_posix()
        for path in files
        if path.name != "__init__.py" or path.parent.name == "stentrans"
    ]
    assert sorted(listed) == sorted(known)


def listed_modules(text: str) -> list[str]:
    """Paths of the indented tree between the fences after the heading "Modules"."""
    block = text.partition("## Modules")[2].split("```")[1]
    paths: list[str] = []
    folder = ""
    for line in block.splitlines():
        match = re.match(r"(\s*)(\S+)\s+\S", line)
        if match is None:
            continue
        indent, name = match.groups()
        if name.endswith("/"):
            folder = name
        elif name.endswith(".py"):
            paths.append(folder + name if indent else name)
    return paths


@pytest.mark.parametrize(
    ("section", "option", "expected"),
    [
        ("server", "address", "127.0.0.1"),
        ("server", "enableXsrfProtection", True),
        ("server", "showEmailPrompt", False),  # the README's command must not stop at a question
        ("browser", "gatherUsageStats", False),
    ],
)
def test_app_is_private_by_default(section: str, option: str, expected: object) -> None:
    text = (ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text)[section][option] == expected


def test_ci_script_is_executable_and_parses() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", str(script)], check=True)


def test_changelog_opens_with_this_version_or_what_is_unreleased() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert re.match(rf"(Unreleased|{re.escape(__version__)} \(\d{{4}}-\d\d-\d\d\))$", headings[0])
    allowed = {"Added", "Changed", "Changed results", "Fixed", "Removed"}
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= allowed
