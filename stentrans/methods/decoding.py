"""From factors to values where both are related linearly on the log scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, issparse

from stentrans.errors import ShapeError, StoreError
from stentrans.methods.base import Prediction, Scale
from stentrans.methods.intervals import Interval, interval, normal_reach
from stentrans.validate import check_option

SCALES: Final = ("log", "counts", "composition")
LEAST_SD: Final = 1e-3
"""A gene that never varied may still vary at the next spot."""
GENES_AT_ONCE: Final = 256
"""Sparse loadings are made dense for so many genes at a time."""
_SPARSE_PARTS: Final = ("data", "indices", "indptr", "shape")


class LinearDecoder:
    """Log-normalised values as ``factors @ loadings + mean``.

    Parameters
    ----------
    loadings
        Shape ``(rank, n_genes)``, CSC or dense; kept as float32.
    mean
        Shape ``(n_genes,)``: value where all factors are 0.
    residual_sd
        Shape ``(n_genes,)``: standard deviation of a measured value around a prediction whose
        factors were known; raised to at least 0.001.
    target
        Library size that the log values are scaled to, usually the section's median.
    reach
        Half-widths of intervals in standard deviations, shape ``(3, n_genes)``; None: normal.
    """

    kind = "linear"

    def __init__(
        self,
        loadings: csc_matrix | NDArray[np.floating],
        mean: NDArray[np.floating],
        residual_sd: NDArray[np.floating],
        *,
        target: float,
        reach: NDArray[np.floating] | None = None,
    ) -> None:
        n_genes = loadings.shape[1]
        for name, given in (("mean", mean), ("residual_sd", residual_sd)):
            if given.shape != (n_genes,):
                raise ShapeError(f"{name} must have shape ({n_genes},); got {given.shape}.")
        self.reach = normal_reach(n_genes) if reach is None else reach.astype(np.float32)
        self.loadings = loadings.astype(np.float32)
        self.mean = mean.astype(np.float32)
        self.residual_sd = np.maximum(residual_sd, LEAST_SD).astype(np.float32)
        self.target = float(target)

    @property
    def genes_at_once(self) -> int | None:
        """A few where loadings are sparse: they are made dense whenever a gene is asked for."""
        return GENES_AT_ONCE if issparse(self.loadings) else None

    def decode(
        self, prediction: Prediction, genes: NDArray[np.int64], scale: Scale
    ) -> NDArray[np.float32]:
        """Values of the genes asked for.

        Parameters
        ----------
        prediction
            Factors at the sites.
        genes
            Indices of genes, any order, shape ``(n_genes_asked,)``.
        scale
            ``"counts"`` undoes the logarithm and scales to the predicted library; ``"log"``
            and ``"composition"`` are the same here, because linear methods know no depth
            beside the scaling.

        Returns
        -------
        values
            Shape ``(n_sites, n_genes_asked)``, float32, at least 0.

        Raises
        ------
        ParameterError
            If ``scale`` is none of the three.
        """
        check_option("scale", scale, SCALES)
        values = self._log_values(prediction, genes)
        if scale != "counts":
            return values
        depth = np.exp(prediction.log_library.astype(np.float64)) / self.target
        return np.asarray(np.expm1(values) * depth[:, None], dtype=np.float32)

    def _log_values(self, prediction: Prediction, genes: NDArray[np.int64]) -> NDArray[np.float32]:
        """Linear in the factors, at least 0."""
        values = np.empty((prediction.factors.shape[0], len(genes)), np.float32)
        size = self.genes_at_once or max(len(genes), 1)
        for start in range(0, len(genes), size):
            part = slice(start, start + size)
            values[:, part] = prediction.factors @ self._of(genes[part])
        values += self.mean[genes]
        return np.maximum(values, 0.0, out=values)

    def sd(self, prediction: Prediction, genes: NDArray[np.int64]) -> NDArray[np.float32]:
        """Standard deviation of log values around what a measurement would show.

        Shape ``(n_sites, n_genes_asked)``, float32, above 0: the residual, and what the factors'
        own variance adds where the method knows it.
        """
        residual = np.broadcast_to(
            self.residual_sd[genes], (prediction.factors.shape[0], len(genes))
        )
        if prediction.variance is None:
            return residual.astype(np.float32)
        total = prediction.variance @ self._of(genes) ** 2 + residual**2
        return np.asarray(np.sqrt(total), dtype=np.float32)

    def mean_and_sd(
        self, prediction: Prediction, genes: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Log values and their sd; see `stentrans.methods.base.Decoder`."""
        return self.decode(prediction, genes, "log"), self.sd(prediction, genes)

    def interval(self, prediction: Prediction, genes: NDArray[np.int64], level: float) -> Interval:
        """Bounds of measured log values; see `stentrans.methods.base.Decoder`."""
        mean, sd = self.mean_and_sd(prediction, genes)
        return interval(mean, sd, self.reach[:, genes], level)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Everything as plain numeric arrays; `from_arrays` undoes it."""
        arrays = {
            "reach": self.reach,
            "mean": self.mean,
            "residual_sd": self.residual_sd,
            "target": np.array([self.target]),
        }
        if issparse(self.loadings):
            parts = (getattr(self.loadings, part) for part in _SPARSE_PARTS)
            return arrays | {
                f"loadings_{name}": np.asarray(part)
                for name, part in zip(_SPARSE_PARTS, parts, strict=True)
            }
        return arrays | {"loadings": np.asarray(self.loadings)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> LinearDecoder:
        """Rebuild a decoder from `to_arrays`.

        Raises
        ------
        StoreError
            If an array is missing.
        """
        try:
            loadings = arrays["loadings"] if "loadings" in arrays else _sparse(arrays)
            target = float(arrays["target"][0])
            return cls(
                loadings,
                arrays["mean"],
                arrays["residual_sd"],
                target=target,
                reach=arrays["reach"],
            )
        except KeyError as error:
            raise StoreError(f"A saved linear decoder needs the array {error}.") from error

    def _of(self, genes: NDArray[np.int64]) -> NDArray[np.float32]:
        """Dense loadings of the genes asked for, shape ``(rank, n_genes_asked)``."""
        chosen = self.loadings[:, genes]
        dense: NDArray[np.float32] = chosen.toarray(order="C") if issparse(chosen) else chosen
        return dense


def _sparse(arrays: Mapping[str, NDArray[Any]]) -> csc_matrix:
    """Put saved sparse loadings together."""
    data, indices, indptr, shape = (arrays[f"loadings_{part}"] for part in _SPARSE_PARTS)
    return csc_matrix((data, indices, indptr), shape=(int(shape[0]), int(shape[1])))
