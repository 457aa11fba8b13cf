"""What is written down gives the same numbers again: the command, the code, the notebook."""

from __future__ import annotations

import ast
import os
import shlex
import subprocess
import sys
from pathlib import Path

import anndata as ad
import nbformat
import numpy as np
import pytest

import stentrans
from stentrans.cli.parser import build_parser
from stentrans.evaluation import hidden_folds
from stentrans.keys import ORIGIN
from stentrans.report.recipe import Recipe

LESS = {"steps": 20, "tasks": 4}
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def recipe(enhanced: stentrans.Enhancement) -> Recipe:
    return Recipe.of(enhanced.provenance, "my section/it's mine.h5ad")


def run(command: list[str], folder: Path) -> str:
    """What a command prints in a folder of its own."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "STENTRANS_HOME": str(folder / "home")}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def same_values(file: Path, expected: stentrans.Enhancement) -> None:
    """The written section holds the numbers of the result that it repeats."""
    written = ad.read_h5ad(file)
    genes = list(expected.genes)  # all at once, as written: single precision rounds by shape
    assert list(written.var_names) == genes
    assert np.asarray(written.X) == pytest.approx(expected.expression(genes), abs=1e-6)
    assert list(written.obs[ORIGIN]) == list(expected.sites[ORIGIN])


@pytest.fixture(scope="module")
def learned(named_section: ad.AnnData) -> stentrans.Enhancement:
    """A Transformer is trained, by the default method; less than usual, which is told as well."""
    return stentrans.enhance(named_section, **LESS)


@pytest.mark.slow
def test_command_line_gives_the_same_numbers_again(
    named_section: ad.AnnData, learned: stentrans.Enhancement, tmp_path: Path
) -> None:
    assert learned.provenance["method"] == "stentrans"
    named_section.write_h5ad(tmp_path / "given.h5ad")
    command = shlex.split(Recipe.of(learned.provenance, "given.h5ad").command())
    run([sys.executable, *command[1:]], tmp_path)
    (written,) = (file for file in tmp_path.glob("*.h5ad") if file.name != "given.h5ad")
    same_values(written, learned)


@pytest.mark.slow
def test_notebook_gives_the_same_numbers_again(
    named_section: ad.AnnData, learned: stentrans.Enhancement, tmp_path: Path
) -> None:
    held_out = hidden_folds(named_section, **LESS)
    named_section.write_h5ad(tmp_path / "given.h5ad")
    genes = list(learned.genes[:2])  # the first one has every letter that could do harm
    notebook = nbformat.reads(
        Recipe.of(learned.provenance, "given.h5ad").notebook(genes), as_version=4
    )
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    code += "\nimport numpy; numpy.save('values.npy', values)"
    code += "\nheld_out.scores['pearson'].to_csv('scores.csv')"
    run([sys.executable, "-c", code], tmp_path)
    same_values(tmp_path / "enhanced.h5ad", learned)
    values = np.load(tmp_path / "values.npy")
    assert values == pytest.approx(learned.expression(genes, "composition"), abs=1e-6)
    found = np.loadtxt(tmp_path / "scores.csv", delimiter=",", skiprows=3, usecols=1)
    assert found == pytest.approx(held_out.scores["pearson"].to_numpy()[2:], abs=1e-6, nan_ok=True)
    assert (tmp_path / "genes.pdf").read_bytes().startswith(b"%PDF")


def test_notebook_is_valid_and_complete(recipe: Recipe) -> None:
    notebook = nbformat.reads(recipe.notebook(["GENE1"]), as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.cells[0].cell_type == "markdown"
    for cell in notebook.cells[1:]:
        compile(cell.source, "cell", "exec")


def test_another_section_is_noticed(
    enhanced: stentrans.Enhancement, square_section: ad.AnnData, tmp_path: Path
) -> None:
    square_section.write_h5ad(tmp_path / "given.h5ad")
    code = "\n".join(Recipe.of(enhanced.provenance, "given.h5ad").cells([])[:3])
    with pytest.raises(AssertionError, match="not the section that the result was made from"):
        run([sys.executable, "-c", code], tmp_path)


def test_command_says_all_that_differs_from_the_usual() -> None:
    recipe = Recipe(
        "a b.h5ad",
        options=(("library", "S 1"), ("flip", True)),
        method="kernel",
        factor=3,
        fill_gaps=False,
        seed=7,
        settings=(("rank", 12),),
    )
    words = shlex.split(recipe.command())
    assert words[:3] == ["python", "-m", "stentrans"]
    told = build_parser().parse_args(words[3:])
    assert (str(told.sections[0]), told.method, told.factor, told.seed) == (
        "a b.h5ad",
        "kernel",
        3,
        7,
    )
    assert (told.no_fill_gaps, told.settings, told.library, told.flip) == (
        True,
        [("rank", 12)],
        "S 1",
        True,
    )
    assert 'stentrans.read("a b.h5ad", library="S 1", flip=True)' in "\n".join(recipe.cells([]))
    assert 'method="kernel", seed=7, fill_gaps=False, rank=12' in "\n".join(recipe.cells([]))


def test_example_is_simulated_again() -> None:
    recipe = Recipe("", simulated=(("lattice", "square"),))
    words = shlex.split(recipe.command())
    assert words[:2] == ["python", "-c"]
    compile(words[2], "line", "exec")
    assert 'stentrans.simulate(lattice="square")' in words[2]


@pytest.mark.parametrize("name", ['"', "\\", "é𝛼\u2028", "a\nb", "${HOME}", "%s"])
def test_any_name_is_the_same_name_in_code(name: str) -> None:
    code = next(cell for cell in Recipe("x").cells([name]) if cell.startswith("genes = "))
    assert ast.literal_eval(code.split("\n")[0].removeprefix("genes = ")) == [name]


def test_report_command_is_understood(recipe: Recipe) -> None:
    words = shlex.split(recipe.report_command(["a b", "C,D"], "out.html"))
    told = build_parser().parse_args(words[3:])
    assert told.genes == ["a b", "C,D"]
    assert told.out == Path("out.html")


def test_report_command_makes_the_same_run() -> None:
    own = Recipe("a.h5ad", method="prior", factor=3, fill_gaps=False, settings=(("rank", 7),))
    words = shlex.split(own.report_command(["A"], "out.html"))
    told = build_parser().parse_args(words[3:])
    assert (told.method, told.factor, told.no_fill_gaps) == ("prior", 3, True)
    assert told.settings == [("rank", 7)]


def test_line_for_an_example_reads_without_escapes() -> None:
    example = Recipe("", simulated=(("lattice", "square"),))
    line = example.evaluate_command(["linear", "nearest"], "thinning", repeats=1, null=False)
    assert line.count("'") == 2  # around the code, none inside
    ast.parse(shlex.split(line)[-1])
