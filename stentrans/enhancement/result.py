"""Expression at sites, kept as factors until a gene is read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from stentrans import export
from stentrans.keys import ORIGIN, ORIGINS
from stentrans.methods.base import Decoder, Prediction, Scale
from stentrans.methods.progress import STOPPED_EARLY
from stentrans.validate import check_names, check_option

if TYPE_CHECKING:
    from anndata import AnnData


class Enhancement:
    """Expression at sites, kept as factors; any gene on demand. Made by `enhance`.

    Parameters
    ----------
    sites
        One row per site: array_row, array_col (fractional), x_um, y_um, x_px, y_px where pixels
        are known, origin (measured, inserted or gap). Measured spots keep their barcode as index.
    genes
        Gene names.
    prediction, decoder
        Factors at the sites and what turns them into expression.
    measured
        Counts of the measured spots, CSR, shape ``(n_spots, n_genes)``; row i belongs to the
        i-th measured site.
    provenance
        What was done, ready for JSON.
    gene_ids
        Ids of the genes, where the section has them.
    slide
        Pictures and their scale, for exports; None for none.
    """

    def __init__(
        self,
        *,
        sites: pd.DataFrame,
        genes: pd.Index,
        prediction: Prediction,
        decoder: Decoder,
        measured: csr_matrix,
        provenance: dict[str, Any],
        gene_ids: Sequence[str] | None = None,
        slide: export.Slide | None = None,
    ) -> None:
        self.sites, self.genes = sites, genes
        self.prediction, self.decoder = prediction, decoder
        self.measured, self.provenance = measured, provenance
        self.gene_ids = gene_ids
        self.slide = export.Slide() if slide is None else slide

    def __repr__(self) -> str:
        """Say how large the result is and where it came from."""
        counted = self.sites[ORIGIN].value_counts()
        parts = ", ".join(f"{counted.get(origin, 0)} {origin}" for origin in ORIGINS)
        return (
            f"Enhancement by {self.provenance['method']}: {parts} sites x {len(self.genes)} genes"
        )

    @property
    def stopped_early(self) -> str:
        """How far training had come when it was told to stop; empty for a whole run."""
        return str(self.provenance.get(STOPPED_EARLY, ""))

    def expression(self, genes: str | Sequence[str], scale: Scale = "log") -> NDArray[np.float32]:
        """Expression of chosen genes at every site.

        Parameters
        ----------
        genes
            Gene names as in ``genes``; one name is taken as a list of one.
        scale
            ``"log"``: expected natural log1p of counts scaled to the section's median library, at
            the interpolated library, comparable with measured values. ``"composition"``: the same
            at the median library everywhere, so that depth plays no part. ``"counts"``: expected
            counts.

        Returns
        -------
        values
            Shape ``(n_sites, n_genes_asked)``, float32, finite, non-negative.

        Raises
        ------
        MissingKeyError
            If a gene is not in the section.
        ParameterError
            If ``scale`` is not one of the three.
        """
        check_option("scale", scale, ("log", "counts", "composition"))
        return self.decoder.decode(self.prediction, self._positions(genes), scale)

    def sd(self, genes: str | Sequence[str]) -> NDArray[np.float32]:
        """Standard deviation of ``"log"`` values, shape ``(n_sites, n_genes_asked)``, float32.

        It covers what a measurement at the site would show, counting noise included. Raises
        MissingKeyError for unknown genes.
        """
        return self.decoder.sd(self.prediction, self._positions(genes))

    def interval(
        self, genes: str | Sequence[str], level: float = 0.95
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Bounds that hold a share ``level`` of what measurements at the sites would show.

        Parameters
        ----------
        genes
            Gene names; one name is taken as a list of one.
        level
            0.5, 0.8 or 0.95.

        Returns
        -------
        low, high
            Bounds of ``"log"`` values, each of shape ``(n_sites, n_genes_asked)``, float32,
            at least 0.

        Raises
        ------
        MissingKeyError
            If a gene is not in the section.
        ParameterError
            If ``level`` is none of the three.
        """
        return self.decoder.interval(self.prediction, self._positions(genes), level)

    def to_anndata(self, genes: Sequence[str] | None = None) -> AnnData:
        """Make an AnnData of some genes (None: all), dense: ``X`` log values.

        Layers are ``counts`` (expected), ``sd`` and ``measured`` (NaN where nothing was measured);
        for many genes on many sites `write` needs less memory.
        """
        return export.Contents.of(self, genes).to_anndata()

    def write(self, path: str | Path, genes: Sequence[str] | None = None) -> None:
        """Write some genes (None: all) in the format that the file's name ends in.

        In chunks of bounded memory; ``.h5ad`` holds what `to_anndata` gives. Other scales than
        log, fewer layers, progress and cancelling: `stentrans.export.write`, which also says what
        is raised.
        """
        export.write(self, path, genes)

    def save(self, folder: str | Path) -> None:
        """Save into a new or empty folder, as factors; `load` is the inverse."""
        export.save(self, Path(folder))

    @classmethod
    def load(cls, folder: str | Path) -> Enhancement:
        """Load what `save` wrote; raises StoreError if something is missing or damaged."""
        return cls(**export.load(Path(folder)))

    def _positions(self, genes: str | Sequence[str]) -> NDArray[np.int64]:
        names = [genes] if isinstance(genes, str) else list(genes)
        check_names("gene", names, self.genes)
        return self.genes.get_indexer(pd.Index(names)).astype(np.int64)
