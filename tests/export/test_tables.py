"""Tables hold the numbers of the result, for every method and however genes are named."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import stentrans
from stentrans import export
from stentrans.export import contents, rows

ODD_NAMES = ["HLA/A", "a<b>", 'say "x"', "x,y", "NA", "1-Mar", "long" * 15, "ü", "=1+1", "a\tb"]


def test_wide_table_holds_the_values_of_the_result(enhancement, tmp_path):
    enhancement.write(tmp_path / "out.csv")
    table = pd.read_csv(tmp_path / "out.csv", index_col=0)
    assert table.index.name == "barcode"
    assert list(table.index) == list(enhancement.sites.index)
    expected = enhancement.expression(list(table.columns))
    np.testing.assert_allclose(table.to_numpy(np.float32), expected, rtol=1e-6, atol=1e-6)


def test_positions_stand_beside_the_wide_table(enhancement, tmp_path):
    enhancement.write(tmp_path / "out.csv", genes=["GENE3"])
    places = pd.read_csv(tmp_path / "out_positions.csv", index_col="barcode")
    sites = enhancement.sites
    np.testing.assert_array_equal(places["array_row"], sites["array_row"])
    np.testing.assert_allclose(places["pxl_col_in_fullres"], sites["x_px"])
    assert list(places["origin"]) == list(sites["origin"])


@pytest.mark.parametrize("name", ["out.parquet", "out.long.csv"])
def test_long_table_has_a_row_per_gene_and_site(enhancement, tmp_path, name):
    enhancement.write(tmp_path / name, genes=["GENE9", "GENE2"])
    path = tmp_path / name
    table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    assert len(table) == 2 * len(enhancement.sites)
    for gene in ("GENE9", "GENE2"):
        mine = table[table["gene"] == gene].set_index("barcode").loc[enhancement.sites.index]
        np.testing.assert_allclose(
            mine["value"], enhancement.expression(gene)[:, 0], rtol=1e-6, atol=1e-6
        )
        np.testing.assert_allclose(mine["sd"], enhancement.sd(gene)[:, 0], rtol=1e-6, atol=1e-6)
        np.testing.assert_array_equal(mine["measured"].isna(), mine["origin"] != "measured")


def test_parquet_says_where_it_came_from(enhancement, tmp_path):
    enhancement.write(tmp_path / "out.parquet", genes=["GENE0"])
    told = json.loads(pq.read_schema(tmp_path / "out.parquet").metadata[b"stentrans"])
    assert told["provenance"]["method"] == enhancement.provenance["method"]


@pytest.mark.parametrize("suffix", [".csv", ".long.csv", ".parquet", ".h5ad"])
def test_odd_gene_names_survive(hexagonal_section, tmp_path, suffix):
    odd = [*ODD_NAMES, "GENE10", "GENE11"]
    hexagonal_section.var_names = odd
    stentrans.enhance(hexagonal_section, method="linear").write(tmp_path / f"out{suffix}")
    if suffix == ".csv":
        found = list(pd.read_csv(tmp_path / "out.csv", index_col=0).columns)
    elif suffix == ".long.csv":
        table = pd.read_csv(tmp_path / "out.long.csv", keep_default_na=False)
        found = list(dict.fromkeys(table["gene"]))
    elif suffix == ".parquet":
        found = list(dict.fromkeys(pd.read_parquet(tmp_path / "out.parquet")["gene"]))
    else:
        found = list(stentrans.read(tmp_path / "out.h5ad").var_names)
    assert found == odd


def test_tables_in_small_blocks_are_the_same(enhancement, tmp_path, monkeypatch):
    made = {}
    for size in ("whole", "parts"):
        if size == "parts":
            monkeypatch.setattr(contents, "_VALUES_PER_BLOCK", 28)
            monkeypatch.setattr(contents, "_LEAST_SITES", 1)
            monkeypatch.setattr(rows, "_VALUES_AT_ONCE", 20)
        for suffix in (".csv", ".parquet"):
            enhancement.write(tmp_path / f"{size}{suffix}")
        long = pd.read_parquet(tmp_path / f"{size}.parquet").astype({"gene": str, "barcode": str})
        wide = pd.read_csv(tmp_path / f"{size}.csv", index_col=0)
        made[size] = wide, long.sort_values(["gene", "barcode"])["value"].to_numpy()
    for one, other in zip(made["whole"], made["parts"], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_wide_table_of_counts_is_on_the_scale_of_counts(enhancement, tmp_path):
    export.write(enhancement, tmp_path / "out.csv", ["GENE8"], scale="counts")
    table = pd.read_csv(tmp_path / "out.csv", index_col=0)
    expected = enhancement.expression("GENE8", "counts")[:, 0]
    np.testing.assert_allclose(table["GENE8"], expected, rtol=1e-6, atol=1e-6)
