"""Write small Space Ranger folders from a section, the way the instruments' software does."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
from PIL import Image
from scipy.io import mmwrite
from scipy.sparse import csc_matrix

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


def positions_text(section: ad.AnnData, *, header: bool, names: list[str] | None = None) -> str:
    """Lines of a positions file, one background spot included."""
    lines = [COLUMNS] if header else []
    barcodes = list(section.obs_names) if names is None else names
    array = section.obs[["array_row", "array_col"]].to_numpy()
    for barcode, (row, col), (x, y) in zip(barcodes, array, section.obsm["spatial"], strict=True):
        lines.append(f"{barcode},1,{row},{col},{y:.0f},{x:.0f}")
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
