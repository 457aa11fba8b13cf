"""Sections as files, for the command line."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import pytest


@pytest.fixture
def square_file(square_section: ad.AnnData, tmp_path: Path) -> Path:
    path = tmp_path / "square.h5ad"
    square_section.write_h5ad(path)
    return path


@pytest.fixture
def hexagonal_file(hexagonal_section: ad.AnnData, tmp_path: Path) -> Path:
    path = tmp_path / "hexagonal.h5ad"
    hexagonal_section.write_h5ad(path)
    return path
