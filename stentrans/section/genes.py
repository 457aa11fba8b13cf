"""Find genes by symbol or id and put their measured values into frames for figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from stentrans.keys import (
    ARRAY_COL,
    ARRAY_ROW,
    COUNTS,
    GENE_IDS,
    IN_TISSUE,
    SPATIAL,
    STENTRANS,
    X_IS,
)
from stentrans.preprocess import library_size, median_seen
from stentrans.section.names import without_version
from stentrans.validate import check_integer, check_names, check_option

MeasuredScale = Literal["log", "counts", "composition"]
SCALES: Final = ("log", "counts", "composition")
_FEW: Final = 32


def find_genes(adata: AnnData, names: Sequence[str]) -> list[str]:
    """Return the symbols that the given symbols or gene ids stand for.

    Parameters
    ----------
    adata
        A section; left as it was.
    names
        Symbols or ids in any case, with or without the version of an id (``ENSG….4``).

    Returns
    -------
    symbols
        Names in ``adata.var_names``, in the order asked for, each once.

    Raises
    ------
    MissingKeyError
        If a name is neither a symbol nor an id of this section; it names close ones.
    """
    if all(name in adata.var_names for name in names):
        return list(dict.fromkeys(names))
    lookup = _lookup(adata)
    found = [name if name in adata.var_names else _looked_up(name, lookup) for name in names]
    unknown = [name for name, symbol in zip(names, found, strict=True) if symbol is None]
    check_names("gene", unknown, list(adata.var_names))
    return list(dict.fromkeys(symbol for symbol in found if symbol is not None))


def find_gene(adata: AnnData, name: str) -> str:
    """Return the symbol that one symbol or gene id stands for; see `find_genes`."""
    return find_genes(adata, [name])[0]


def gene_positions(adata: AnnData, names: Sequence[str]) -> NDArray[np.int64]:
    """Return the columns of the genes asked for, by symbol or id; see `find_genes`."""
    return np.asarray(adata.var_names.get_indexer(find_genes(adata, names)), dtype=np.int64)


def search_genes(adata: AnnData, text: str, *, limit: int = 20) -> list[str]:
    """Return symbols whose name or id contains ``text``, those that begin with it first.

    Parameters
    ----------
    adata
        A section; left as it was.
    text
        Part of a symbol or id, in any case; an empty text finds the first genes.
    limit
        Most symbols to return, at least 1.

    Raises
    ------
    ParameterError
        If ``limit`` is below 1.
    """
    most = check_integer("limit", limit, low=1)
    wanted = text.strip().lower()
    ranked: dict[str, tuple[int, str]] = {}
    for name, symbol in _names(adata):
        place = name.find(wanted)
        if place >= 0:
            rank = (0 if name == wanted else 1 if place == 0 else 2, symbol.lower())
            ranked[symbol] = min(rank, ranked.get(symbol, rank))
    return sorted(ranked, key=ranked.__getitem__)[:most]


def measured_values(
    adata: AnnData, genes: Sequence[str], scale: MeasuredScale = "log"
) -> NDArray[np.float32]:
    """Return measured values of chosen genes.

    Parameters
    ----------
    adata
        A validated section: counts in ``X``, CSR; left as it was.
    genes
        Symbols or ids.
    scale
        ``"counts"``: as measured. ``"log"`` and ``"composition"``: log1p of counts scaled to the
        section's median library, the measured counterpart of both enhanced scales. A section
        that holds no counts, such as a result that was read again, has its values only.

    Returns
    -------
    values
        Shape ``(n_spots, n_genes_asked)``, float32, new. A spot without counts is all zero.

    Raises
    ------
    MissingKeyError
        If a gene is unknown.
    ParameterError
        If ``scale`` is unknown.
    """
    check_option("scale", scale, SCALES)
    counts = adata.X if isinstance(adata.X, csr_matrix) else csr_matrix(adata.X)
    values = _columns(counts, gene_positions(adata, genes))
    if scale == "counts" or _holds_values(adata):
        return values
    library = library_size(counts)
    target = median_seen(library)
    factor = np.divide(target, library, out=np.zeros_like(library), where=library > 0)
    return np.log1p(values * factor[:, None]).astype(np.float32)


def measured_frame(
    adata: AnnData, genes: Sequence[str], scale: MeasuredScale = "log"
) -> pd.DataFrame:
    """Return positions and measured values of chosen genes, one row per spot, for figures.

    Parameters
    ----------
    adata
        A validated section; left as it was.
    genes
        Symbols or ids; the columns carry the symbols.
    scale
        See `measured_values`.

    Returns
    -------
    frame
        Index: spot names. Columns: array_row, array_col, in_tissue, x_px and y_px where the
        section has pixels, then one float32 column per gene.

    Raises
    ------
    MissingKeyError
        If a gene is unknown.
    ParameterError
        If ``scale`` is unknown.
    """
    frame = adata.obs[[ARRAY_ROW, ARRAY_COL, IN_TISSUE]].copy()
    if SPATIAL in adata.obsm:
        pixels = np.asarray(adata.obsm[SPATIAL], dtype=np.float64)
        frame["x_px"], frame["y_px"] = pixels[:, 0], pixels[:, 1]
    symbols = find_genes(adata, genes)
    values = pd.DataFrame(
        measured_values(adata, symbols, scale), index=frame.index, columns=symbols
    )
    joined: pd.DataFrame = pd.concat([frame, values], axis=1)
    return joined


def _columns(counts: csr_matrix, genes: NDArray[np.int64]) -> NDArray[np.float32]:
    """Some columns, dense; rows are searched for a few, for taking columns reads all of them."""
    if len(genes) > _FEW or not (counts.has_canonical_format and counts.nnz):
        return np.asarray(counts[:, genes].toarray(), dtype=np.float32)
    shape = counts.shape[0], len(genes)
    low = np.broadcast_to(counts.indptr[:-1, None], shape).astype(np.int64)
    end = np.broadcast_to(counts.indptr[1:, None], shape).astype(np.int64)
    high, last = end, counts.nnz - 1
    while (is_open := low < high).any():
        middle = (low + high) // 2
        is_below = is_open & (counts.indices[np.minimum(middle, last)] < genes)
        low, high = np.where(is_below, middle + 1, low), np.where(is_open & ~is_below, middle, high)
    place = np.minimum(low, last)
    is_there = (low < end) & (counts.indices[place] == genes)
    return np.where(is_there, counts.data[place], 0).astype(np.float32)


def _holds_values(adata: AnnData) -> bool:
    """Whether ``X`` holds values that were no counts when they were read."""
    ours = adata.uns.get(STENTRANS)
    return isinstance(ours, Mapping) and str(ours.get(X_IS, COUNTS)) != COUNTS


def _names(adata: AnnData) -> list[tuple[str, str]]:
    """Lower-case symbols and ids, each with its symbol; symbols first."""
    symbols = [str(symbol) for symbol in adata.var_names]
    pairs = [(symbol.lower(), symbol) for symbol in symbols]
    if GENE_IDS in adata.var:
        ids = adata.var[GENE_IDS].astype(str)
        pairs += [(one.lower(), symbol) for one, symbol in zip(ids, symbols, strict=True)]
        pairs += [
            (without_version(one).lower(), symbol) for one, symbol in zip(ids, symbols, strict=True)
        ]
    return pairs


def _looked_up(name: str, lookup: dict[str, str]) -> str | None:
    """Symbol of a name in any case, with or without the version of an id."""
    wanted = name.strip().lower()
    return lookup.get(wanted, lookup.get(without_version(wanted)))


def _lookup(adata: AnnData) -> dict[str, str]:
    """Lower-case name to symbol; where names clash the first symbol wins, ids come last."""
    lookup: dict[str, str] = {}
    for name, symbol in _names(adata):
        lookup.setdefault(name, symbol)
    return lookup
