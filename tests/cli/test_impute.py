"""Values at positions of a table."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from tests.cli.calling import Capture, call, check_one_sentence, run


def test_impute_answers_at_every_row_of_the_table(square_file: Path, tmp_path: Path) -> None:
    at = pd.DataFrame({"array_row": [2.5, 0.0, 3.0], "array_col": [3.0, 0.5, 3.5]})
    at.to_csv(tmp_path / "at.csv", index=False)
    target = tmp_path / "new" / "predicted.h5ad"
    done = run(
        "impute", square_file, "--at", tmp_path / "at.csv", "--out", target, "--method", "nearest"
    )
    assert done.returncode == 0, done.stderr
    result = ad.read_h5ad(target)
    np.testing.assert_array_equal(result.obs[["array_row", "array_col"]].to_numpy(), at.to_numpy())
    assert set(result.layers) >= {"counts", "sd"}
    assert [path.name for path in target.parent.iterdir()] == ["predicted.h5ad"]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("x,y\n1,2\n", "array_row is missing"),
        ("", "could not be read"),
        ("array_row,array_col\n1,north\n", "array_col"),
        ("array_row,array_col\n1,\n", "array_col"),
    ],
    ids=["columns", "empty", "text", "hole"],
)
def test_bad_table_of_positions_is_refused_in_one_sentence(
    table: str, expected: str, square_file: Path, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "at.csv").write_text(table)
    where = ("--at", tmp_path / "at.csv", "--out", tmp_path / "out.h5ad")
    assert call("impute", square_file, *where, "--method", "nearest") == 2
    said = capsys.readouterr().err
    check_one_sentence(said)
    assert expected in said


def test_impute_refuses_a_target_that_is_not_h5ad(tmp_path: Path, capsys: Capture) -> None:
    assert call("impute", "any.h5ad", "--at", "any.csv", "--out", tmp_path / "out.csv") == 2
    assert "--out must end in .h5ad; got out.csv" in capsys.readouterr().err
