"""What a page shows, read off its elements."""

from __future__ import annotations

import json
import re
from pathlib import Path

import anndata as ad
from streamlit.testing.v1 import AppTest


def open_section(app: AppTest, section: ad.AnnData, folder: Path) -> AppTest:
    """Upload a section as ``mine.h5ad`` and stay on Home."""
    path = folder / "given.h5ad"
    section.write_h5ad(path)
    app.run()
    app.file_uploader(key="upload").set_value([("mine.h5ad", path.read_bytes(), "x/y")])
    return app.run()


def figures(app: AppTest) -> list[dict]:
    """All figures of the page, in their order; a row of small maps is none."""
    drawn = [json.loads(one.proto.json) for one in app.get("bidi_component")]
    return [json.loads(one["spec"]) for one in drawn if "spec" in one]


def words(app: AppTest) -> str:
    """All sentences of the page, as a reader sees them."""
    shown = [*app.markdown, *app.caption, *app.info, *app.success, *app.warning, *app.error]
    told = "\n".join(str(element.value) for element in [*app.header, *app.subheader, *shown])
    return re.sub(r"\\([^\w\s])", r"\1", told)


def button(app: AppTest, label: str):
    """The one button of this label."""
    (found,) = [one for one in app.button if one.label == label]
    return found
