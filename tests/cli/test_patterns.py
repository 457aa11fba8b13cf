"""The command that writes tables of patterns."""

from __future__ import annotations

import pandas as pd
import pytest

import stentrans
from stentrans.__main__ import main


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("patterns") / "section.h5ad"
    stentrans.simulate(lattice="square", n_rows=14, n_cols=14).write_h5ad(path)
    return path


def test_tables_of_the_counts_are_written_and_told(file, tmp_path, capsys):
    out = tmp_path / "tables"
    given = ["patterns", str(file), "-o", str(out), "--domains", "4", "--replicate", str(file)]
    assert main([*given, "--ranked"]) == 0
    told = capsys.readouterr().out
    assert "of 300 tested genes vary in space" in told
    assert "4 domains" in told
    genes = pd.read_csv(out / "genes.csv")
    assert genes["p_value"].is_monotonic_increasing
    assert set(pd.read_csv(out / "spots.csv")["domain"]) == {1, 2, 3, 4}
    pathways = pd.read_csv(out / "pathways.csv")
    assert {"variable", "domain 1", "domain 4", "module 1"} <= set(pathways["list"])
    assert {"q_as_often_seen", "score", "ranked_q_value"} <= set(pathways)
    assert {"markers.csv", "modules.csv", "pathways.csv", "replicated.csv"} <= {
        path.name for path in out.iterdir()
    }


def test_enhanced_tables_hold_the_null(file, tmp_path, capsys):
    given = ["patterns", str(file), "-o", str(tmp_path), "--enhance", "--method", "linear"]
    assert main(given) == 0
    assert "New, borne out by hidden spots" in capsys.readouterr().out
    counted = pd.read_csv(tmp_path / "enhanced" / "counted.csv").set_index("kind")
    assert counted.loc["variable genes", "shown_null"] > 200
    assert counted.loc["variable genes", "supported_null"] <= 2
    genes = pd.read_csv(tmp_path / "enhanced" / "genes.csv")
    only_shown = (genes["verdict"] == "on the map only").sum()
    assert only_shown == counted.loc["variable genes", "unsupported"]
    new = (genes["verdict"] == "new, borne out").sum()
    assert new == counted.loc["variable genes", "new"]
    for kind in ("domains", "modules", "pathways"):
        assert "verdict" in pd.read_csv(tmp_path / "enhanced" / f"{kind}.csv")


def test_empty_gene_sets_are_refused_in_one_sentence(file, tmp_path, capsys):
    empty = tmp_path / "empty.gmt"
    empty.write_text("\n")
    given = ["patterns", str(file), "-o", str(tmp_path), "--gene-sets", str(empty)]
    assert main(given) == 2
    assert "must hold at least one gene set" in capsys.readouterr().err


def test_gene_sets_without_overlap_are_refused_in_one_sentence(file, tmp_path, capsys):
    foreign = tmp_path / "foreign.gmt"
    foreign.write_text("set\t\tFOO\tBAR\n")
    given = ["patterns", str(file), "-o", str(tmp_path), "--gene-sets", str(foreign)]
    assert main(given) == 2
    assert "must share genes with the section" in capsys.readouterr().err
