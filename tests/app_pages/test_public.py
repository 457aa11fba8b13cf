"""A public section is opened from the start page; without a network the page says so."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from stentrans.app import public_tile
from stentrans.section import simulate
from stentrans.section.public import fetch
from tests.app_pages.test_pages import words
from tests.section.writers import positions_text, write_pictures, write_tenx_h5

NAME = "V1_Adult_Mouse_Brain"


def write_section(folder: Path) -> None:
    """What a fetch leaves in the store's folder."""
    section = simulate(n_rows=10, n_cols=20)
    section.obs_names = [f"SPOT{number:04d}-1" for number in range(section.n_obs)]
    section.var["gene_ids"] = [f"ENSG0000000{number:04d}" for number in range(section.n_vars)]
    (folder / "spatial").mkdir(parents=True)
    write_tenx_h5(folder / "filtered_feature_bc_matrix.h5", section)
    text = positions_text(section, header=False)
    (folder / "spatial" / "tissue_positions_list.csv").write_text(text)
    write_pictures(folder / "spatial", section)


def test_section_that_was_fetched_is_opened(app: AppTest, tmp_path: Path) -> None:
    write_section(tmp_path / "home" / "public" / NAME)
    app.run()
    assert app.button(key="fetch").label == "Open"
    assert "CC BY 4.0" in words(app)
    app.button(key="fetch").click().run()
    assert not app.exception
    assert not app.error
    assert "What we found in V1" in words(app)


def test_offline_the_page_says_so_and_goes_on(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(public_tile, "fetch", partial(fetch, publisher="http://127.0.0.1:9"))
    app.run().button(key="fetch").click().run()
    assert not app.exception
    assert "could not be reached" in app.error[0].value
    assert "What we found in Example" in words(app)
