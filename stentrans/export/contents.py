"""What an export holds: names, places and provenance, and its values some at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix

from stentrans.export.slide import places
from stentrans.keys import (
    COUNTS,
    GENE_IDS,
    IN_TISSUE,
    LIBRARY_ID,
    MEASURED,
    MEASURED_LAYER,
    ORIGIN,
    SD,
    SPATIAL,
    STENTRANS,
)
from stentrans.methods.base import Scale
from stentrans.preprocess import log_normalise, median_library
from stentrans.validate import check_names, check_option

if TYPE_CHECKING:
    from anndata import AnnData

    from stentrans.enhancement import Enhancement

VALUES: Final = "X"
LAYERS: Final = (COUNTS, SD, MEASURED_LAYER)
"""What may stand beside the values, in this order."""
VALUES_ARE: Final = {
    "log": "expected natural log1p of counts scaled to the median library",
    "composition": "expected natural log1p of counts at the median library everywhere",
    "counts": "expected counts",
}
LAYERS_ARE: Final = {
    COUNTS: "expected counts",
    SD: "standard deviation of natural log1p of counts scaled to the median library",
    MEASURED_LAYER: "as measured, on the scale of X; NaN where nothing was measured",
}
_LEAST_SITES = 64
_VALUES_PER_BLOCK = 2**21


@dataclass(frozen=True)
class Block:
    """Values of some sites and genes.

    Parameters
    ----------
    sites, genes
        Which, among those of the export.
    values
        ``"X"`` and layers by name, each of shape ``(n_sites, n_genes)``, float32.
    """

    sites: slice
    genes: slice
    values: dict[str, NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Contents:
    """An enhancement, and what of it is to be written.

    Parameters
    ----------
    enhancement
        Left as it was.
    columns
        Genes to write, by their place in the enhancement.
    scale
        What ``X`` holds.
    layers
        Which of `LAYERS` stand beside it.
    """

    enhancement: Enhancement
    columns: NDArray[np.int64]
    scale: Scale = "log"
    layers: tuple[str, ...] = LAYERS

    @classmethod
    def of(
        cls,
        enhancement: Enhancement,
        genes: Sequence[str] | None,
        *,
        scale: Scale = "log",
        layers: Sequence[str] = LAYERS,
    ) -> Contents:
        """Check what is asked for; a gene named twice is written once.

        Raises
        ------
        MissingKeyError
            If a gene is not in the section.
        ParameterError
            If the scale or a layer is unknown.
        """
        check_option("scale", scale, tuple(VALUES_ARE))
        for name in layers:
            check_option("layer", name, LAYERS)
        kept = tuple(name for name in LAYERS if name in layers)
        if genes is None:
            return cls(enhancement, np.arange(len(enhancement.genes)), scale, kept)
        check_names("gene", genes, enhancement.genes)
        wanted = pd.Index(list(dict.fromkeys(genes)))
        columns = enhancement.genes.get_indexer(wanted).astype(np.int64)
        return cls(enhancement, columns, scale, kept)

    def without_layers(self) -> Contents:
        """Return the same with nothing beside the values."""
        return replace(self, layers=())

    @property
    def shape(self) -> tuple[int, int]:
        """Sites and genes."""
        return len(self.enhancement.sites), len(self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """``"X"`` and the layers."""
        return (VALUES, *self.layers)

    @property
    def genes(self) -> pd.Index:
        """Names of the genes."""
        return self.enhancement.genes[self.columns]

    @property
    def factor(self) -> int:
        """Sites per spot and axis."""
        return int(self.enhancement.provenance.get("factor", 1))

    @property
    def n_spots(self) -> int:
        """Measured spots; they come first among the sites."""
        return int((self.enhancement.sites[ORIGIN] == MEASURED).sum())

    @cached_property
    def gene_ids(self) -> NDArray[np.object_]:
        """Ids of the genes, their names where there are none."""
        known = self.enhancement.gene_ids
        ids = self.enhancement.genes if known is None else known
        return np.asarray(ids, dtype=object)[self.columns]

    def about(self) -> dict[str, Any]:
        """Return what the values are and where they came from, ready for JSON."""
        return {
            "X_is": VALUES_ARE[self.scale],
            "layers": {name: LAYERS_ARE[name] for name in self.layers},
            "provenance": self.enhancement.provenance,
        }

    def frame(self) -> AnnData:
        """Everything but the values."""
        from anndata import AnnData

        sites, slide = self.enhancement.sites, self.enhancement.slide
        obs = sites.drop(columns=["x_px", "y_px"], errors="ignore").copy()
        obs[IN_TISSUE] = 1
        obs[LIBRARY_ID] = pd.Categorical([slide.library] * len(obs))
        var = pd.DataFrame({GENE_IDS: self.gene_ids}, index=pd.Index(self.genes))
        adata = AnnData(obs=obs, var=var)
        adata.obsm[SPATIAL] = places(sites)
        adata.uns[SPATIAL] = {slide.library: slide.entry(sites, self.factor)}
        # h5ad cannot hold lists of records or None; a JSON string survives everywhere.
        adata.uns[STENTRANS] = json.dumps(self.about(), sort_keys=True)
        return adata

    def to_anndata(self) -> AnnData:
        """Return everything, whole in memory."""
        adata = self.frame()
        made = {name: np.empty(self.shape, np.float32) for name in self.names}
        for block in self.blocks():
            for name, values in block.values.items():
                made[name][block.sites, block.genes] = values
        adata.X = made.pop(VALUES)
        adata.layers.update(made)
        return adata

    def blocks(self) -> Iterator[Block]:
        """Compute all values, in the order that costs the decoder least."""
        n_sites, n_genes = block_size(self.enhancement, self.shape)
        yield from self._blocks(n_sites, n_genes)

    def blocks_by_gene(self) -> Iterator[Block]:
        """Compute all values, all sites of some genes at a time."""
        n_sites = self.shape[0]
        most = self.enhancement.decoder.genes_at_once or self.shape[1]
        n_genes = even(self.shape[1], min(most, max(_VALUES_PER_BLOCK // max(n_sites, 1), 1)))
        yield from self._blocks(n_sites, n_genes)

    def _blocks(self, n_sites: int, n_genes: int) -> Iterator[Block]:
        known = self._measured(n_genes)
        for genes in parts(self.shape[1], n_genes):
            asked = self.columns[genes]
            of_genes = known[:, asked].tocsr() if known is not None else None
            for sites in parts(self.shape[0], n_sites):
                yield Block(sites, genes, self._values(sites, asked, of_genes))

    def _values(
        self, sites: slice, asked: NDArray[np.int64], known: csr_matrix | None
    ) -> dict[str, NDArray[np.float32]]:
        decoder, part = self.enhancement.decoder, self.enhancement.prediction.rows(sites)
        values = {}
        if self.scale == "log" and SD in self.layers:
            values[VALUES], values[SD] = decoder.mean_and_sd(part, asked)
        else:
            values[VALUES] = decoder.decode(part, asked, self.scale)
        if COUNTS in self.layers:
            is_same = self.scale == "counts"
            values[COUNTS] = values[VALUES] if is_same else decoder.decode(part, asked, "counts")
        if SD in self.layers and SD not in values:
            values[SD] = decoder.sd(part, asked)
        if known is not None:
            values[MEASURED_LAYER] = _at_spots(known, sites, len(asked))
        return values

    def _measured(self, n_genes: int) -> csr_matrix | csc_matrix | None:
        """What was measured on the scale of X, in the form that parts of genes are taken from."""
        if MEASURED_LAYER not in self.layers:
            return None
        counts = self.enhancement.measured
        known = counts if self.scale == "counts" else log_normalise(counts, median_library(counts))
        return known.tocsc() if n_genes < self.shape[1] else known


def block_size(enhancement: Enhancement, shape: tuple[int, int]) -> tuple[int, int]:
    """Sites and genes whose values are in memory together, as suits the decoder."""
    n_genes = even(shape[1], enhancement.decoder.genes_at_once or shape[1])
    return max(_VALUES_PER_BLOCK // n_genes, _LEAST_SITES), n_genes


def even(total: int, most: int) -> int:
    """Size of the fewest parts of at most ``most``; a chunk takes its room even if half empty."""
    if total == 0:
        return 1
    return -(-total // -(-total // max(most, 1)))


def parts(total: int, size: int) -> list[slice]:
    """Numbers up to ``total``, ``size`` at a time."""
    return [slice(start, min(start + size, total)) for start in range(0, total, size)]


def _at_spots(known: csr_matrix, sites: slice, n_genes: int) -> NDArray[np.float32]:
    """Measured values at sites, NaN where nothing was measured."""
    measured = np.full((sites.stop - sites.start, n_genes), np.nan, np.float32)
    if sites.start < known.shape[0]:
        rows = known[sites.start : min(sites.stop, known.shape[0])].toarray()
        measured[: len(rows)] = rows
    return measured
