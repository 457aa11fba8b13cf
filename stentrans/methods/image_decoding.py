"""From measured images of genes to values at sites, doubled when a gene is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar, Final, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix

from stentrans.errors import StoreError
from stentrans.methods.base import Prediction, Scale
from stentrans.methods.decoding import LEAST_SD, SCALES
from stentrans.methods.image_raster import Raster
from stentrans.methods.intervals import Interval, interval
from stentrans.validate import check_option

GENES_AT_ONCE: Final = 256
CELLS_AT_ONCE: Final = 2**19
"""Cells of all images that are doubled together: bounds memory on large sections."""
_SPARSE_PARTS: Final = ("data", "indices", "indptr", "shape")


class Upscaler(Protocol):
    """Doubles the resolution of images; holds what it learned."""

    code: ClassVar[int]

    def double(
        self, images: NDArray[np.float32], mask: NDArray[np.bool_], spacing: int
    ) -> NDArray[np.float32]:
        """Images twice as fine, ``(n_genes, n_rows, n_cols)`` to ``(n_genes, 2 n_rows, 2 n_cols)``.

        Cells that were not measured are interpolated; ``mask`` tells them apart.
        ``spacing``: lattice steps between two cells, 1 on the section, 2 on its thinned image.
        The answer for one gene does not depend on the others.
        """
        ...

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Everything needed to rebuild it, as plain numeric arrays."""
        ...


_UPSCALERS: Final = {
    0: "stentrans.methods.edge_directed:EdgeDirected",
    1: "stentrans.methods.image_network:TransformerUpscaler",
    2: "stentrans.methods.image_network:ConvolutionUpscaler",
}


class ImageDecoder:
    """Counts at sites, read off the doubled images of the genes asked for.

    Measured counts are kept sparse, and images exist only for a few genes at a time: the
    upscaler runs when a gene is read. The images read last are kept, so that the same genes on
    another scale, or at other sites, do not ask it again.

    Parameters
    ----------
    counts
        Measured counts, CSC, shape ``(n_spots, n_genes)``.
    raster
        The section as an image.
    upscaler
        What doubles it.
    residual_sd
        Standard deviation of a measured log value around its prediction, shape ``(n_genes,)``.
    reach
        Half-widths of intervals in standard deviations, shape ``(3, n_genes)``.
    target
        Library size that log values are scaled to, usually the section's median.
    """

    kind = "image"

    def __init__(
        self,
        *,
        counts: csc_matrix,
        raster: Raster,
        upscaler: Upscaler,
        residual_sd: NDArray[np.floating],
        reach: NDArray[np.floating],
        target: float,
    ) -> None:
        self.counts, self.raster, self.upscaler = counts.astype(np.float32), raster, upscaler
        self.mask = raster.mask
        self.is_seen = np.asarray(self.counts.sum(axis=0)).ravel() > 0
        self._latest: tuple[bytes, NDArray[np.float32]] = (b"", np.empty((0, 0), np.float32))
        self.residual_sd = np.maximum(residual_sd, LEAST_SD).astype(np.float32)
        self.reach = reach.astype(np.float32)
        self.target = float(target)

    @property
    def genes_at_once(self) -> int:
        """Genes whose images are doubled, and kept, together."""
        return _genes_at_once(self.mask.size)

    def decode(
        self, prediction: Prediction, genes: NDArray[np.int64], scale: Scale
    ) -> NDArray[np.float32]:
        """Values of the genes asked for, shape ``(n_sites, n_genes_asked)``, float32, at least 0.

        ``"counts"`` are what the image shows. ``"log"`` scales them to the median library by the
        interpolated one; ``"composition"`` is the same, because an image of one gene knows no
        depth beside the scaling. A gene that no spot has is 0 everywhere. Raises ParameterError
        if ``scale`` is none of the three.
        """
        check_option("scale", scale, SCALES)
        values = np.empty((prediction.factors.shape[0], len(genes)), np.float32)
        for part in chunks(len(genes), self.mask.size):
            read = prediction.factors @ self._doubled(genes[part]).T
            values[:, part] = np.maximum(read, 0.0)
        if scale == "counts":
            return values
        depth = np.exp(prediction.log_library.astype(np.float64)) / self.target
        return np.log1p(values / depth[:, None]).astype(np.float32)

    def sd(self, prediction: Prediction, genes: NDArray[np.int64]) -> NDArray[np.float32]:
        """Standard deviation of log values around a measurement, the same at every site.

        Images come without uncertainty: this is the error of linear interpolation at left-out
        spots, shape ``(n_sites, n_genes_asked)``, float32, above 0.
        """
        shape = (prediction.factors.shape[0], len(genes))
        return np.broadcast_to(self.residual_sd[genes], shape).astype(np.float32)

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
            "residual_sd": self.residual_sd,
            "reach": self.reach,
            "target": np.array([self.target]),
            "upscaler": np.array([self.upscaler.code]),
        }
        arrays |= {"image": np.array(self.raster.shape), "cells": self.raster.cells}
        for name, matrix in (("counts", self.counts), ("weights", self.raster.weights)):
            parts = {f"{name}_{part}": np.asarray(getattr(matrix, part)) for part in _SPARSE_PARTS}
            arrays |= parts
        return arrays | {f"upscaler_{k}": v for k, v in self.upscaler.to_arrays().items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> ImageDecoder:
        """Rebuild a decoder from `to_arrays`.

        Raises
        ------
        StoreError
            If an array is missing, or the upscaler is none that is known.
        """
        try:
            n_rows, n_cols = arrays["image"].tolist()
            weights = csr_matrix(*_sparse(arrays, "weights"))
            return cls(
                counts=csc_matrix(*_sparse(arrays, "counts")),
                raster=Raster((n_rows, n_cols), arrays["cells"], weights),
                upscaler=_load_upscaler(arrays),
                residual_sd=arrays["residual_sd"],
                reach=arrays["reach"],
                target=float(arrays["target"][0]),
            )
        except KeyError as error:
            raise StoreError(f"A saved image decoder needs the array {error}.") from error

    def _doubled(self, genes: NDArray[np.int64]) -> NDArray[np.float32]:
        """Fine cells of some genes, shape ``(n_genes_asked, 4 * n_rows * n_cols)``.

        Asked for the same genes as before it answers at once.
        """
        key, (latest, doubled) = genes.tobytes(), self._latest
        if key != latest:
            doubled = self._double(genes)
            self._latest = (key, doubled)
        return doubled

    def _double(self, genes: NDArray[np.int64]) -> NDArray[np.float32]:
        """Let the upscaler work; it is not shown genes without counts, which stay 0."""
        doubled = np.zeros((len(genes), 4 * self.mask.size), np.float32)
        is_seen = self.is_seen[genes]
        if is_seen.any():
            images = self.raster.images(self.counts[:, genes[is_seen]].toarray())
            fine = self.upscaler.double(images, self.mask, 1)
            doubled[is_seen] = fine.reshape(len(fine), -1)
        return doubled


def _genes_at_once(n_cells: int) -> int:
    """Images of ``n_cells`` that are in memory together."""
    return max(1, min(GENES_AT_ONCE, CELLS_AT_ONCE // n_cells))


def chunks(n_genes: int, n_cells: int) -> list[slice]:
    """Genes whose images are in memory together."""
    size = _genes_at_once(n_cells)
    return [slice(start, min(start + size, n_genes)) for start in range(0, n_genes, size)]


def _sparse(arrays: Mapping[str, NDArray[Any]], name: str) -> tuple[Any, tuple[int, int]]:
    """Parts and shape of a saved sparse matrix."""
    data, indices, indptr, shape = (arrays[f"{name}_{part}"] for part in _SPARSE_PARTS)
    return (data, indices, indptr), (int(shape[0]), int(shape[1]))


def _load_upscaler(arrays: Mapping[str, NDArray[Any]]) -> Upscaler:
    """Import an upscaler by its code and rebuild it."""
    code = int(arrays["upscaler"][0])
    if code not in _UPSCALERS:
        raise StoreError(f"A saved image decoder must name a known upscaler; got {code}.")
    module, _, name = _UPSCALERS[code].partition(":")
    own = {
        key.removeprefix("upscaler_"): value
        for key, value in arrays.items()
        if key.startswith("upscaler_")
    }
    return cast(Upscaler, getattr(import_module(module), name).from_arrays(own))
