"""What methods on images share: the task they learn from, and the fitted method they become."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix

from stentrans.lattice import Lattice
from stentrans.methods.base import FitOptions, OnProgress, Prediction, Progress, report
from stentrans.methods.image_decoding import ImageDecoder, Upscaler, chunks
from stentrans.methods.image_raster import Raster, full_raster, thinned_raster
from stentrans.methods.image_reading import ImageReader
from stentrans.methods.inputs import check_counts, check_positions
from stentrans.methods.interpolation import Linear
from stentrans.methods.progress import part_of
from stentrans.methods.weights import LinearWeights
from stentrans.preprocess import keep_genes, library_size

_BEFORE: Final = 0.05
"""Share of a fit that the error of linear interpolation takes."""


@dataclass(frozen=True)
class ImageTask:
    """The published self-supervised task: the section from a quarter of itself.

    Parameters
    ----------
    counts
        CSC, shape ``(n_spots, n_genes)``.
    thinned
        The image that is given.
    targets
        Cell of the doubled thinned image that each spot lies on, rows after each other, shape
        ``(n_spots,)``.
    genes
        Genes to learn from, ordered by what was counted, so that the order in the file plays no
        part.
    """

    counts: csc_matrix
    thinned: Raster
    targets: NDArray[np.int64]
    genes: NDArray[np.int64]

    def draw(self, genes: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Thinned images, ``(n, n_rows, n_cols)``, and counts at all spots, ``(n, n_spots)``."""
        dense = self.counts[:, self.genes[genes]].toarray()
        return self.thinned.images(dense), np.ascontiguousarray(dense.T)


MakeUpscaler = Callable[[ImageTask], tuple[Upscaler, dict[str, Any]]]


class ImageFitted:
    """Images of one section with what doubles them."""

    def __init__(
        self,
        *,
        decoder: ImageDecoder,
        reader: ImageReader,
        task: ImageTask,
        library: NDArray[np.float64],
        log_library_variance: float,
        summary: Mapping[str, Any],
    ) -> None:
        self.decoder, self.reader, self.task = decoder, reader, task
        self.library, self.log_library_variance = library, log_library_variance
        self.summary = summary

    def predict(self, positions: NDArray[np.float64]) -> Prediction:
        """Weights of the doubled image's cells at ``positions``, ``(n_sites, 2)``, CSR float32.

        The library is an image like any gene's and doubled the same way, so that smoothing by
        the upscaler is not taken for composition.
        """
        array = check_positions(positions)
        weights = self.reader(array)
        return Prediction(
            factors=weights,
            variance=None,
            log_library=np.log(weights @ self.library).astype(np.float32),
            log_library_variance=np.full(len(array), self.log_library_variance, np.float32),
        )

    def predict_from_thinned(self, genes: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """Predict the section from the quarter of itself that the method learned from.

        This is the published protocol, in which the scored pair is the training pair: it shows
        how well a method remembers, not how well it predicts.

        Parameters
        ----------
        genes
            Indices of genes; None: all.

        Returns
        -------
        counts
            Shape ``(n_spots, n_genes_asked)``, float32, at least 0.
        """
        task, upscaler = self.task, self.decoder.upscaler
        asked = np.arange(task.counts.shape[1]) if genes is None else np.asarray(genes)
        counts = np.empty((task.counts.shape[0], len(asked)), np.float32)
        mask = task.thinned.mask
        for part in chunks(len(asked), mask.size):
            images = task.thinned.images(task.counts[:, asked[part]].toarray())
            doubled = upscaler.double(images, mask, 2).reshape(len(images), -1)
            counts[:, part] = np.maximum(doubled[:, task.targets].T, 0)
        return counts


def fit_image(
    counts: csr_matrix, lattice: Lattice, options: FitOptions, make: MakeUpscaler
) -> ImageFitted:
    """Set up images, measure the error of linear interpolation, and let ``make`` learn.

    Parameters
    ----------
    counts
        Shape ``(n_spots, n_genes)``, CSR; left as it was.
    lattice
        Where the spots lie.
    options
        As a method gets them.
    make
        From the task to the upscaler and JSON-ready facts about how it was learned.
    """
    check_counts(counts, lattice)
    listen = part_of(options.on_progress, 0.0, _BEFORE)
    linear = Linear().fit(counts, lattice, FitOptions(seed=options.seed, on_progress=listen))
    task = _task(counts, lattice)
    upscaler, facts = make(task)
    raster = full_raster(lattice)
    decoder = ImageDecoder(
        counts=task.counts,
        raster=raster,
        upscaler=upscaler,
        residual_sd=linear.decoder.residual_sd,
        reach=linear.decoder.reach,
        target=linear.decoder.target,
    )
    weights = LinearWeights(lattice, np.arange(lattice.n_spots))
    summary = {
        "n_spots": lattice.n_spots,
        "target": decoder.target,
        "image": list(raster.shape),
        "thinned_image": list(task.thinned.shape),
        "thinned_axes": sum(size > 1 for size in raster.shape),
        "sd": "error of linear interpolation at left-out spots",
    }
    report(options.on_progress, Progress("done", 1.0))
    return ImageFitted(
        decoder=decoder,
        reader=ImageReader(lattice, weights, raster.shape),
        task=task,
        library=_double_library(counts, raster, upscaler),
        log_library_variance=linear.log_library_variance,
        summary=summary | facts,
    )


def _double_library(counts: csr_matrix, raster: Raster, upscaler: Upscaler) -> NDArray[np.float64]:
    """Library size at all fine cells, within the range of what was measured, at least 1."""
    library = np.maximum(library_size(counts), 1.0)
    images = raster.images(library[:, None].astype(np.float32))
    doubled = upscaler.double(images, raster.mask, 1).astype(np.float64)
    return np.clip(doubled.ravel(), library.min(), library.max())


def training_part(on_progress: OnProgress | None) -> OnProgress | None:
    """Report the progress of `MakeUpscaler` as a part of the whole fit."""
    return part_of(on_progress, _BEFORE, 1.0)


def _task(counts: csr_matrix, lattice: Lattice) -> ImageTask:
    """The thinned image, what is to be predicted from it, and the genes that tell."""
    by_gene = csc_matrix(counts)
    full, thinned = full_raster(lattice), thinned_raster(lattice)
    usual = keep_genes(counts)
    genes = np.flatnonzero(usual if usual.any() else keep_genes(counts, 0.0))
    targets = full.cells @ np.array([2 * thinned.shape[1], 1])
    return ImageTask(by_gene, thinned, targets, genes[_content_order(by_gene, genes)])


def _content_order(counts: csc_matrix, genes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Order of genes that depends on their counts alone; equal genes are exchangeable."""
    keys = []
    for gene in genes:
        part = slice(counts.indptr[gene], counts.indptr[gene + 1])
        content = counts.indices[part].astype(np.int64).tobytes() + counts.data[part].tobytes()
        keys.append(blake2b(content, digest_size=16).digest())
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.int64)
