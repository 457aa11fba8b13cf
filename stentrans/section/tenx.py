"""10x count matrices: HDF5 of all versions and matrix-market triplets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import pandas as pd
from scipy.sparse import csc_matrix, csr_matrix, hstack

from stentrans.errors import SectionFormatError
from stentrans.keys import GENE_IDS
from stentrans.section.counts import canonical
from stentrans.section.files import content, decode
from stentrans.section.hdf5 import open_hdf5
from stentrans.section.matrix_market import read_market
from stentrans.section.memory import MatrixSize, refuse_too_large
from stentrans.section.notes import Note
from stentrans.section.stored import read_compressed

FEATURE_TYPE: Final = "feature_types"
GENE_EXPRESSION: Final = "Gene Expression"


@dataclass(frozen=True, eq=False)
class TenxMatrix:
    """A count matrix with names, spots in rows.

    Parameters
    ----------
    counts
        Shape ``(n_spots, n_genes)``, CSR float32.
    barcodes
        One per row.
    var
        Symbols in the index; gene_ids, and genome where there are several.
    library
        Sample name written in the file, may be empty.
    notes
        T7 and T9 where they apply.
    """

    counts: csr_matrix
    barcodes: pd.Index
    var: pd.DataFrame
    library: str
    notes: Sequence[Note]


def is_tenx(file: h5py.File) -> bool:
    """Whether an open HDF5 file has the layout of a 10x matrix."""
    return bool(_groups(file))


def read_tenx_h5(path: Path) -> TenxMatrix:
    """Read a 10x HDF5 matrix, version 2 (one group per genome) or later.

    Raises
    ------
    SectionFormatError
        R3 if damaged, R13 if too large, R15 if it is another HDF5 file.
    """
    with open_hdf5(path) as file:
        groups = _groups(file)
        if not groups:
            raise unknown_hdf5(path.name, file)
        refuse_too_large(_size(file))
        parts = [_read_group(file[name], name) for name in groups]
        library = _first_text(file.attrs.get("library_ids"))
    return _finish(_side_by_side(parts), library)


def tenx_size(path: Path) -> MatrixSize:
    """Return what a 10x HDF5 matrix declares about itself, without reading it.

    Raises
    ------
    SectionFormatError
        R3 if damaged.
    """
    with open_hdf5(path) as file:
        return _size(file)


def unknown_hdf5(name: str, file: h5py.File) -> SectionFormatError:
    """Return the refusal (R15) for an HDF5 file of another layout."""
    listed = ", ".join(str(one) for one in list(file)[:8]) or "none"
    return SectionFormatError(
        f"{name} is HDF5, but neither 10x nor h5ad (groups: {listed}). Use "
        "filtered_feature_bc_matrix.h5 or an h5ad file.",
        code="R15",
    )


def read_tenx_mtx(matrix: Path, features: Path, barcodes: Path) -> TenxMatrix:
    """Read a matrix-market triplet, genes in rows; each file plain or gzip.

    Raises
    ------
    SectionFormatError
        R3 if a file is damaged or the three do not fit together, R13 if it is too large.
    """
    genes_by_spots = read_market(matrix)
    table = [line.split("\t") for line in _lines(features)]
    names = [line.split("\t")[0] for line in _lines(barcodes)]
    if names and names[0].lower() in {"barcode", "x"} and len(names) == genes_by_spots.shape[1] + 1:
        names = names[1:]
    if genes_by_spots.shape != (len(table), len(names)):
        raise SectionFormatError(
            f"The three matrix files must fit together; {matrix.name} is "
            f"{genes_by_spots.shape[0]} × {genes_by_spots.shape[1]}, {features.name} names "
            f"{len(table)} genes and {barcodes.name} {len(names)} spots. Copy them again.",
            code="R3",
        )
    var = pd.DataFrame(
        {GENE_IDS: [row[0] for row in table]},
        index=pd.Index([row[1] if len(row) > 1 else row[0] for row in table], dtype=object),
    )
    if table and all(len(row) > 2 for row in table):
        var[FEATURE_TYPE] = [row[2] for row in table]
    counts = canonical(csr_matrix(genes_by_spots.T, dtype=np.float32))
    return _finish((counts, pd.Index(names, dtype=object), var), "")


def _groups(file: h5py.File) -> list[str]:
    """Names of the groups that hold a matrix: one since version 3, before one per genome."""
    return ["matrix"] if isinstance(file.get("matrix"), h5py.Group) else _legacy_genomes(file)


def _size(file: h5py.File) -> MatrixSize:
    """What the matrices of a file declare; several genomes and set-aside features are copied."""
    groups = [file[name] for name in _groups(file)]
    shapes = [[int(size) for size in group["shape"][:2]] for group in groups]
    n_copies = 2.0 if len(groups) > 1 else 1.0
    if groups and "features" in groups[0] and n_copies == 1.0:
        is_gene = np.asarray(groups[0]["features/feature_type"][:]) == GENE_EXPRESSION.encode()
        n_copies += 1.0 if is_gene.any() and not is_gene.all() else 0.0
    return MatrixSize(
        n_spots=max((shape[1] for shape in shapes), default=0),
        n_genes=sum(shape[0] for shape in shapes),
        n_values=sum(int(group["data"].shape[0]) for group in groups),
        n_copies=n_copies,
    )


def _read_group(group: h5py.Group, name: str) -> tuple[csr_matrix, pd.Index, pd.DataFrame]:
    """Counts, barcodes and genes of one group."""
    n_genes, n_spots = (int(size) for size in group["shape"][:2])
    if group["barcodes"].shape != (n_spots,):
        raise ValueError("declared shape and stored arrays differ")
    # Columns are spots, compressed: read as rows, the matrix is already turned.
    counts = read_compressed(
        group["data"], group["indices"], group["indptr"], shape=(n_spots, n_genes), place=name
    )
    features = group.get("features")
    if features is not None:
        columns: Mapping[str, Any] = features
        var = pd.DataFrame(
            {
                GENE_IDS: _texts(columns["id"]),
                FEATURE_TYPE: _texts(columns["feature_type"]),
                "genome": _texts(columns["genome"]) if "genome" in columns else "",
            },
            index=pd.Index(_texts(columns["name"]), dtype=object),
        )
    else:
        var = pd.DataFrame(
            {GENE_IDS: _texts(group["genes"]), "genome": name},
            index=pd.Index(_texts(group["gene_names"]), dtype=object),
        )
    if len(var) != n_genes:
        raise ValueError("declared shape and stored names differ")
    return counts, pd.Index(_texts(group["barcodes"]), dtype=object), var


def _side_by_side(
    parts: list[tuple[csr_matrix, pd.Index, pd.DataFrame]],
) -> tuple[csr_matrix, pd.Index, pd.DataFrame]:
    """Join the genomes of a version-2 file, which share barcodes or part of them."""
    if len(parts) == 1:
        return parts[0]
    spots = pd.Index(sorted(set().union(*(set(part[1]) for part in parts))), dtype=object)
    blocks = []
    for counts, names, _ in parts:
        # Column j of the placing matrix sends row j to its spot in the joint order.
        place = spots.get_indexer(names)
        ones = np.ones(len(names), dtype=np.float32)
        shape = (len(spots), len(names))
        blocks.append(csc_matrix((ones, (place, np.arange(len(names)))), shape=shape) @ counts)
    joined = canonical(csr_matrix(hstack(blocks), dtype=np.float32))
    return joined, spots, pd.concat([part[2] for part in parts])


def _finish(found: tuple[csr_matrix, pd.Index, pd.DataFrame], library: str) -> TenxMatrix:
    """Keep gene expression, tidy genome prefixes, refuse repeated barcodes."""
    counts, barcodes, var = found
    notes: list[Note] = []
    if not barcodes.is_unique:
        twice = barcodes[barcodes.duplicated()][0]
        n_times = int((barcodes == twice).sum())
        raise SectionFormatError(
            f"Every barcode must occur once; {twice} occurs {n_times} times, so counts cannot be "
            "placed. Give one section at a time.",
            code="R10",
        )
    if FEATURE_TYPE in var:
        is_gene = var[FEATURE_TYPE].eq(GENE_EXPRESSION).to_numpy()
        if is_gene.any() and not is_gene.all():
            notes.append(Note("T9", f"{int((~is_gene).sum())} non-gene features set aside."))
            counts, var = counts[:, is_gene], var.loc[is_gene]
        var = var.drop(columns=FEATURE_TYPE)
    var, genome_notes = _without_genome(var)
    return TenxMatrix(counts, barcodes, var, library, [*notes, *genome_notes])


def _without_genome(var: pd.DataFrame) -> tuple[pd.DataFrame, list[Note]]:
    """Strip the prefix of a lone genome; with several keep prefixes and say so (T7)."""
    if "genome" not in var:
        return var, []
    genomes = [genome for genome in var["genome"].unique() if genome]
    if len(genomes) > 1:
        named = [
            name if name.startswith(genome) else f"{genome}_{name}"
            for name, genome in zip(var.index, var["genome"], strict=True)
        ]
        return var.set_axis(named), [Note("T7", "Two genomes; names keep their prefix.")]
    tidy = var.drop(columns="genome")
    if genomes and len(tidy) and all(name.startswith(f"{genomes[0]}_") for name in tidy.index):
        cut = len(genomes[0])
        tidy = tidy.set_axis([name[cut:].lstrip("_") for name in tidy.index])
        tidy[GENE_IDS] = [
            one[cut:].lstrip("_") if one.startswith(f"{genomes[0]}_") else one
            for one in tidy[GENE_IDS]
        ]
    return tidy, []


def _legacy_genomes(file: h5py.File) -> list[str]:
    """Names of the groups of a version-2 file."""
    needed = {"barcodes", "genes", "gene_names", "data", "indices", "indptr", "shape"}
    return [
        name for name, held in file.items() if isinstance(held, h5py.Group) and needed <= set(held)
    ]


def _texts(stored: h5py.Dataset) -> list[str]:
    """Names as str; 10x stores fixed-length bytes."""
    return [
        one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one) for one in stored[:]
    ]


def _first_text(stored: Any) -> str:
    """The first of the stored sample names, an empty string where there is none."""
    names: Any = np.atleast_1d(stored) if stored is not None else []
    if not len(names):
        return ""
    return names[0].decode("utf-8", "replace") if isinstance(names[0], bytes) else str(names[0])


def _lines(path: Path) -> list[str]:
    """Lines of a small text file, plain or gzip, without empty ones at the end."""
    return decode(content(path)).rstrip().splitlines()
