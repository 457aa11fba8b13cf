"""10x count matrices: HDF5 of all versions and matrix-market triplets."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import pandas as pd
from scipy.io import mmread
from scipy.sparse import csc_matrix, csr_matrix, hstack

from stentrans.errors import SectionFormatError
from stentrans.keys import GENE_IDS
from stentrans.section.assemble import refuse_too_large
from stentrans.section.counts import as_csr
from stentrans.section.files import content, damaged, decode
from stentrans.section.notes import Note

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
    return "matrix" in file or bool(_legacy_genomes(file))


def read_tenx_h5(path: Path) -> TenxMatrix:
    """Read a 10x HDF5 matrix, version 2 (one group per genome) or later.

    Raises
    ------
    SectionFormatError
        R3 if damaged, R13 if too large, R15 if it is another HDF5 file.
    """
    try:
        with h5py.File(path, "r") as file:
            groups = ["matrix"] if "matrix" in file else _legacy_genomes(file)
            if not groups:
                listed = ", ".join(str(one) for one in list(file)[:8]) or "none"
                raise SectionFormatError(
                    f"{path.name} is HDF5, but neither 10x nor h5ad (groups: {listed}). Use "
                    "filtered_feature_bc_matrix.h5 or an h5ad file.",
                    code="R15",
                )
            parts = [_read_group(file[name], name) for name in groups]
            library = _first_text(file.attrs.get("library_ids"))
    except (OSError, KeyError, ValueError, IndexError, TypeError, RuntimeError) as error:
        if isinstance(error, SectionFormatError):
            raise
        raise damaged(path.name) from error
    return _finish(_side_by_side(parts), library)


def read_tenx_mtx(matrix: Path, features: Path, barcodes: Path) -> TenxMatrix:
    """Read a matrix-market triplet, genes in rows; each file plain or gzip.

    Raises
    ------
    SectionFormatError
        R3 if a file is damaged or the three do not fit together.
    """
    raw = content(matrix)
    try:
        genes_by_spots = mmread(io.BytesIO(raw))
    except (ValueError, TypeError, OverflowError, OSError) as error:
        raise damaged(matrix.name) from error
    spots = _lines(barcodes)
    table = [line.split("\t") for line in _lines(features)]
    names = [spot.split("\t")[0] for spot in spots]
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
    counts = as_csr(csr_matrix(genes_by_spots.T), place=matrix.name)
    return _finish((counts, pd.Index(names, dtype=object), var), "")


def _read_group(group: h5py.Group, name: str) -> tuple[csr_matrix, pd.Index, pd.DataFrame]:
    """Counts, barcodes and genes of one group."""
    n_genes, n_spots = (int(size) for size in group["shape"][:2])
    n_values = int(group["data"].shape[0])
    refuse_too_large(n_values, n_spots + n_genes)
    if group["indptr"].shape[0] != n_spots + 1 or group["barcodes"].shape[0] != n_spots:
        raise ValueError("declared shape and stored arrays differ")
    stored = (group["data"][:], group["indices"][:], group["indptr"][:])
    by_spot = csr_matrix(stored, shape=(n_spots, n_genes))
    by_spot.check_format(full_check=True)
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
    spots = pd.Index(_texts(group["barcodes"]), dtype=object)
    return as_csr(by_spot, place=name), spots, var


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
    joined = as_csr(csr_matrix(hstack(blocks)), place="matrix")
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
    return [one.decode() if isinstance(one, bytes) else str(one) for one in stored[:]]


def _first_text(stored: Any) -> str:
    """The first of the stored sample names, an empty string where there is none."""
    names: Any = np.atleast_1d(stored) if stored is not None else []
    if not len(names):
        return ""
    return names[0].decode() if isinstance(names[0], bytes) else str(names[0])


def _lines(path: Path) -> list[str]:
    """Lines of a small text file, plain or gzip, without empty ones at the end."""
    text, _ = decode(content(path))
    return text.rstrip().splitlines()
