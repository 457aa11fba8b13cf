"""An exported file drawn by scanpy and squidpy: every spot lies on its place in the picture."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pytest
from numpy.typing import NDArray

import stentrans

matplotlib = pytest.importorskip("matplotlib", reason="drawn in the environment of .ci/interop.txt")
sc = pytest.importorskip("scanpy", reason="runs in the environment of .ci/interop.txt")
sq = pytest.importorskip("squidpy", reason="runs in the environment of .ci/interop.txt")
# Other people's deprecations are not ours to mend.
pytestmark = pytest.mark.filterwarnings("default")
matplotlib.use("agg")


def drawn_colours(axes, centres: NDArray[np.float64]) -> NDArray[np.uint8]:
    """What the screen shows at positions given in data coordinates, shape (n, 3)."""
    figure = axes.figure
    figure.set_dpi(300)
    figure.canvas.draw()
    screen = np.asarray(figure.canvas.buffer_rgba())[:, :, :3]
    place = np.rint(axes.transData.transform(centres)).astype(int)
    return screen[screen.shape[0] - 1 - place[:, 1], place[:, 0]]


def assert_spots_on_their_discs(axes, centres: NDArray[np.float64]) -> None:
    shown = drawn_colours(axes, centres).astype(int)
    expected = np.column_stack(
        [np.arange(len(centres)) % 200, np.full(len(centres), 40), np.full(len(centres), 120)]
    )
    np.testing.assert_allclose(shown, expected, atol=3)


def measured_centres(axes, adata: ad.AnnData) -> NDArray[np.float64]:
    """Where the plot puts the measured spots, which come first in the file."""
    collection = next(c for c in axes.collections if len(c.get_paths()) or len(c.get_offsets()))
    n_measured = int((adata.obs["origin"] == "measured").sum())
    paths = collection.get_paths()
    if len(paths) == adata.n_obs:
        middle = [(path.vertices.max(axis=0) + path.vertices.min(axis=0)) / 2 for path in paths]
        return np.array(middle)[:n_measured]
    return np.asarray(collection.get_offsets())[:n_measured]


def test_squidpy_draws_every_measured_spot_on_its_disc(h5ad: Path):
    adata = ad.read_h5ad(h5ad)
    axes = sq.pl.spatial_scatter(adata, alpha=0, return_ax=True)
    assert_spots_on_their_discs(axes, measured_centres(axes, adata))


def test_scanpy_draws_every_measured_spot_on_its_disc(h5ad: Path):
    adata = ad.read_h5ad(h5ad)
    (axes,) = sc.pl.spatial(adata, alpha=0, return_fig=False, show=False)
    assert_spots_on_their_discs(axes, measured_centres(axes, adata))


def test_squidpy_draws_genes_on_the_picture(h5ad: Path):
    adata = ad.read_h5ad(h5ad)
    axes = sq.pl.spatial_scatter(adata, color=adata.var_names[0], return_ax=True)
    collection = next(c for c in axes.collections if c.get_array() is not None)
    np.testing.assert_allclose(np.asarray(collection.get_array()), adata.X[:, 0], rtol=1e-6)


def test_low_resolution_picture_alone_is_drawn_by_default(section, tmp_path):
    lowres = section.copy()
    (entry,) = lowres.uns["spatial"].values()
    del entry["images"]["hires"], entry["scalefactors"]["tissue_hires_scalef"]
    stentrans.enhance(lowres, method="linear").write(tmp_path / "out.h5ad", genes=[])
    adata = ad.read_h5ad(tmp_path / "out.h5ad")
    axes = sq.pl.spatial_scatter(adata, alpha=0, return_ax=True)
    assert_spots_on_their_discs(axes, measured_centres(axes, adata))


def test_section_without_a_picture_is_drawn_without_one(section, tmp_path):
    bare = section.copy()
    del bare.uns["spatial"]
    stentrans.enhance(bare, method="linear").write(tmp_path / "out.h5ad")
    adata = ad.read_h5ad(tmp_path / "out.h5ad")
    axes = sq.pl.spatial_scatter(adata, color=adata.var_names[0], img=False, return_ax=True)
    assert axes.has_data()


def test_squidpy_computes_on_the_file(h5ad: Path):
    adata = ad.read_h5ad(h5ad)
    sq.gr.spatial_neighbors(adata, coord_type="generic")
    sq.gr.spatial_autocorr(adata, mode="moran", genes=list(adata.var_names[:2]), n_perms=None)
    assert np.isfinite(adata.uns["moranI"]["I"]).all()
