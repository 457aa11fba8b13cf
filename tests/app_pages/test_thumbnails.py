"""Small maps lie as the large ones do."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import anndata as ad
import numpy as np
import pytest
import streamlit as st
from PIL import Image
from scipy.sparse import csr_matrix

from stentrans.app import cache, thumbnails
from stentrans.section import check_section


@pytest.fixture
def corner(
    square_section: ad.AnnData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """A section whose first gene is seen only where row and column are low."""
    counts = square_section.X.toarray()
    is_low = (square_section.obs[["array_row", "array_col"]] < 3).all(axis=1).to_numpy()
    counts[:, 0] = np.where(is_low, 50, 0)
    square_section.X = csr_matrix(counts)
    monkeypatch.setenv("STENTRANS_HOME", str(tmp_path))
    st.cache_resource.clear()
    st.cache_data.clear()
    yield cache.store().put_section(check_section(square_section))
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.mark.parametrize(
    ("turns", "row", "column"),
    [((0, False), 0, 0), ((1, False), 0, -1), ((2, False), -1, -1), ((0, True), 0, -1)],
    ids=["as it is", "turned", "turned twice", "mirrored"],
)
def test_bright_corner_is_where_it_is_on_the_map(
    corner: str, turns: tuple[int, bool], row: int, column: int
) -> None:
    found = thumbnails.gene_thumbnails(corner, None, ("GENE0",), turns=turns, is_dark=False)
    picture = np.asarray(Image.open(BytesIO(found["GENE0"])).convert("RGB")).astype(int)
    brightness = picture.sum(axis=2)[[5, -6]][:, [5, -6]]
    assert brightness[row, column] == brightness.max()
    assert (brightness == brightness.max()).sum() == 1


def test_thumbnail_has_the_proportions_of_the_section(corner: str) -> None:
    found = thumbnails.gene_thumbnails(corner, None, ("GENE1",), turns=(0, False), is_dark=True)
    size = Image.open(BytesIO(found["GENE1"])).size
    assert size == (90, 77)  # 7 columns, 6 rows
