"""Write small Space Ranger folders from a section, the way the instruments' software does."""

from __future__ import annotations

import gzip
import json
import shutil
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pandas as pd
from PIL import Image
from scipy.io import mmwrite
from scipy.sparse import csc_matrix, csr_matrix

from stentrans.section import simulate

COLUMNS = "barcode,in_tissue,array_row,array_col,pxl_row_in_fullres,pxl_col_in_fullres"
SCALE = {"tissue_hires_scalef": 0.05, "tissue_lowres_scalef": 0.015, "spot_diameter_fullres": 90.0}


def write_tenx_h5(path: Path, section: ad.AnnData, **changes: object) -> None:
    """Write a version-3 matrix; ``changes`` replaces datasets (barcodes, feature_type, genome)."""
    by_gene = csc_matrix(section.X.T)
    n_genes = section.n_vars
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix")
        group["data"] = by_gene.data.astype(np.int32)
        group["indices"] = by_gene.indices.astype(np.int64)
        group["indptr"] = by_gene.indptr.astype(np.int64)
        group["shape"] = np.array(changes.get("shape", by_gene.shape), dtype=np.int32)
        group["barcodes"] = np.array(changes.get("barcodes", list(section.obs_names)), dtype="S")
        features = group.create_group("features")
        features["id"] = np.array(list(section.var["gene_ids"]), dtype="S")
        features["name"] = np.array(changes.get("name", list(section.var_names)), dtype="S")
        kinds = changes.get("feature_type", ["Gene Expression"] * n_genes)
        features["feature_type"] = np.array(kinds, dtype="S")
        features["genome"] = np.array(changes.get("genome", ["INVENTED1"] * n_genes), dtype="S")


def write_legacy_h5(path: Path, section: ad.AnnData, genomes: list[str]) -> None:
    """Write a version-2 matrix: one group per genome, genes dealt out in turn."""
    with h5py.File(path, "w") as file:
        for number, genome in enumerate(genomes):
            part = section[:, number :: len(genomes)]
            by_gene = csc_matrix(part.X.T)
            group = file.create_group(genome)
            group["data"], group["indices"] = by_gene.data.astype(np.int32), by_gene.indices
            group["indptr"], group["shape"] = by_gene.indptr, np.array(by_gene.shape)
            group["barcodes"] = np.array(list(part.obs_names), dtype="S")
            group["genes"] = np.array(list(part.var["gene_ids"]), dtype="S")
            group["gene_names"] = np.array(list(part.var_names), dtype="S")


def write_triplet(folder: Path, section: ad.AnnData, *, genes_tsv: bool = False) -> None:
    """Write matrix.mtx, features or genes and barcodes, gzip unless ``genes_tsv``."""
    folder.mkdir(parents=True, exist_ok=True)
    mmwrite(folder / "matrix.mtx", csc_matrix(section.X.T).astype(np.int32))
    rows = zip(section.var["gene_ids"], section.var_names, strict=True)
    if genes_tsv:
        (folder / "genes.tsv").write_text("\n".join(f"{i}\t{s}" for i, s in rows) + "\n")
        (folder / "barcodes.tsv").write_text("\n".join(section.obs_names) + "\n")
        return
    features = "\n".join(f"{i}\t{s}\tGene Expression" for i, s in rows) + "\n"
    (folder / "features.tsv.gz").write_bytes(gzip.compress(features.encode()))
    names = "\n".join(section.obs_names) + "\n"
    (folder / "barcodes.tsv.gz").write_bytes(gzip.compress(names.encode()))
    matrix = folder / "matrix.mtx"
    (folder / "matrix.mtx.gz").write_bytes(gzip.compress(matrix.read_bytes()))
    matrix.unlink()


def positions_text(
    section: ad.AnnData, *, header: bool, names: list[str] | None = None, digits: int = 0
) -> str:
    """Lines of a positions file, one background spot included."""
    lines = [COLUMNS] if header else []
    barcodes = list(section.obs_names) if names is None else names
    array = section.obs[["array_row", "array_col"]].to_numpy()
    for barcode, (row, col), (x, y) in zip(barcodes, array, section.obsm["spatial"], strict=True):
        lines.append(f"{barcode},1,{row},{col},{y:.{digits}f},{x:.{digits}f}")
    lines.append(f"BACKGROUND-1,0,{array[:, 0].max() + 3},{array[0, 1] + 3},0,0")
    return "\n".join(lines) + "\n"


def write_pictures(folder: Path, section: ad.AnnData) -> None:
    """Write scale factors and two pictures that hold all spots."""
    (folder / "scalefactors_json.json").write_text(json.dumps(SCALE))
    width, height = section.obsm["spatial"].max(axis=0) + 400
    for name in ("hires", "lowres"):
        scale = SCALE[f"tissue_{name}_scalef"]
        size = (int(np.ceil(width * scale)), int(np.ceil(height * scale)))
        Image.new("RGB", size, "pink").save(folder / f"tissue_{name}_image.png")


def write_bins(folder: Path, *, sizes_um: tuple[int, ...], n_side: int = 8) -> Path:
    """Write a Visium HD ``outs`` folder: square bins, those of the rim off tissue."""
    rng = np.random.default_rng(0)
    for size in sizes_um:
        n_bins = n_side * 16 // size
        home = folder / f"binned_outputs/square_{size:03d}um"
        (home / "spatial").mkdir(parents=True)
        row, col = (axis.ravel() for axis in np.meshgrid(*[np.arange(n_bins)] * 2, indexing="ij"))
        is_inner = (np.minimum(row, col) > 0) & (np.maximum(row, col) < n_bins - 1)
        frame = pd.DataFrame(
            {
                "barcode": [
                    f"s_{size:03d}um_{r:05d}_{c:05d}-1" for r, c in zip(row, col, strict=True)
                ],
                "in_tissue": is_inner.astype(np.int64),
                "array_row": row,
                "array_col": col,
                "pxl_row_in_fullres": 50.5 + row * size / 0.5,
                "pxl_col_in_fullres": 70.25 + col * size / 0.5,
            }
        )
        frame.to_parquet(home / "spatial/tissue_positions.parquet", index=False)
        (home / "spatial/scalefactors_json.json").write_text(
            json.dumps(SCALE | {"bin_size_um": float(size), "microns_per_pixel": 0.5})
        )
        Image.new("RGB", (40, 40), "pink").save(home / "spatial/tissue_hires_image.png")
        counts = csr_matrix(rng.poisson(1.0, size=(int(is_inner.sum()), 20)).astype(np.float32))
        section = ad.AnnData(counts, obs=pd.DataFrame(index=frame["barcode"][is_inner].to_numpy()))
        section.var_names = [f"GENE{number}" for number in range(20)]
        section.var["gene_ids"] = [f"ENSG0000000{number:04d}" for number in range(20)]
        write_tenx_h5(home / "filtered_feature_bc_matrix.h5", section)
    return folder


@dataclass
class Lab:
    """One section, and the ways in which people hand it over."""

    section: ad.AnnData
    folder: Path

    def outs(self, *, version: int = 1, prefix: str = "") -> Path:
        """A complete ``outs`` folder of Space Ranger 1 or 2."""
        folder = self.folder / "outs"
        spatial = folder / "spatial"
        spatial.mkdir(parents=True)
        write_tenx_h5(folder / f"{prefix}filtered_feature_bc_matrix.h5", self.section)
        name = "tissue_positions_list.csv" if version == 1 else "tissue_positions.csv"
        (spatial / name).write_text(positions_text(self.section, header=version > 1))
        write_pictures(spatial, self.section)
        for path in list(spatial.iterdir()) if prefix else []:
            path.rename(path.with_name(prefix + path.name))
        return folder

    def geo(self, sample: str, folder: Path | None = None) -> Path:
        """Loose files of a GEO record: a matrix, and the spatial folder packed apart."""
        home = self.folder / "record" if folder is None else folder
        home.mkdir(exist_ok=True)
        outs = self.outs()
        for path in (outs / "spatial").iterdir():
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
        with tarfile.open(home / f"{sample}_spatial.tar.gz", "w:gz") as archive:
            archive.add(outs / "spatial", "spatial")
        matrix = outs / "filtered_feature_bc_matrix.h5"
        matrix.rename(home / f"{sample}_filtered_feature_bc_matrix.h5")
        shutil.rmtree(outs)
        return home

    def without(self, outs: Path, name: str) -> Path:
        """The same folder without one of its files."""
        (outs / name).unlink()
        return outs

    def with_positions(self, outs: Path, text: str) -> Path:
        """The same folder with another text of positions."""
        (path,) = (outs / "spatial").glob("tissue_positions*")
        path.write_bytes(text.encode())
        return outs

    def with_matrix(self, outs: Path, **changes: object) -> Path:
        """The same folder with another matrix, see `write_tenx_h5`."""
        write_tenx_h5(outs / "filtered_feature_bc_matrix.h5", self.section, **changes)
        return outs

    def h5ad(self, name: str = "section.h5ad") -> Path:
        """The section as AnnData."""
        self.section.write_h5ad(self.folder / name)
        return self.folder / name

    def table(self, n_genes: int = 20) -> pd.DataFrame:
        """Counts of a square section, spots named 10x13."""
        square = simulate(lattice="square", n_rows=10, n_cols=10)[:, :n_genes]
        names = [name.removeprefix("sim-") for name in square.obs_names]
        return pd.DataFrame(square.X.toarray().astype(int), names, square.var_names)

    def write(self, name: str, content: str | bytes) -> Path:
        """A file of this content."""
        raw = content.encode() if isinstance(content, str) else content
        (self.folder / name).write_bytes(raw)
        return self.folder / name

    def zip(self, folder: Path, below: str = "", *, junk: bool = False) -> Path:
        """A zip of a folder, optionally with what macOS adds; the folder is gone."""
        path = folder.with_suffix(".zip")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(one for one in folder.rglob("*") if one.is_file()):
                archive.write(file, f"{below}{file.relative_to(folder)}")
                if junk:
                    archive.writestr(f"__MACOSX/{below}._{file.name}", b"junk")
        shutil.rmtree(folder)
        return path

    def tar(self, folder: Path, below: str = "", *, suffix: str = ".tar.gz") -> Path:
        """A tar of a folder; the folder is gone."""
        path = folder.with_name(folder.name + suffix)
        with tarfile.open(path, "w:gz" if suffix.endswith("gz") else "w") as archive:
            for file in sorted(one for one in folder.rglob("*") if one.is_file()):
                archive.add(file, f"{below}{file.relative_to(folder)}")
        shutil.rmtree(folder)
        return path
