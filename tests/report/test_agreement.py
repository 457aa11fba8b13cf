"""The same value wherever it is taken along: file, table, figure, page."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import stentrans
from stentrans import export
from stentrans.evaluation import HeldOut
from stentrans.report.html import html_report
from stentrans.report.results import Results
from stentrans.report.story import story_of


@pytest.mark.parametrize("reading", ["composition", "log", "counts"])
def test_h5ad_csv_figure_and_page_agree(
    enhanced: stentrans.Enhancement, held_out: HeldOut, tmp_path: Path, reading: str
) -> None:
    genes = [str(name) for name in enhanced.genes[:3]]
    for name in ("out.h5ad", "out.csv"):
        export.write(enhanced, tmp_path / name, genes, scale=reading)  # type: ignore[arg-type]
    results = Results.of(enhanced, held_out=held_out)
    file = np.asarray(ad.read_h5ad(tmp_path / "out.h5ad")[:, genes].X)
    table = pd.read_csv(tmp_path / "out.csv", keep_default_na=False)
    page = html_report(story_of("x", results, genes, reading=reading))
    told = json.loads(re.findall(r'id="told">(.*?)</script>', page)[0])
    for number, gene in enumerate(genes):
        figure = stentrans.gene_figure(results, gene, views=["enhanced"], reading=reading)
        (drawn,) = (c for a in figure.axes for c in a.collections if len(c.get_offsets()) > 1)
        packed = np.frombuffer(base64.b64decode(told["genes"][number]["values"][1]), "<f4")
        assert file[:, number] == pytest.approx(np.asarray(drawn.get_array()), rel=1e-6, abs=1e-6)
        assert file[:, number] == pytest.approx(packed, rel=1e-6, abs=1e-6)
        assert file[:, number] == pytest.approx(table[gene].to_numpy(float), rel=1e-6, abs=1e-6)
