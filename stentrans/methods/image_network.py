"""Networks as upscalers of images: trained on the thinned section, kept as plain numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from stentrans.methods.base import FitOptions, Progress, report
from stentrans.methods.image_fitting import ImageTask, training_part
from stentrans.methods.progress import STOPPED_EARLY, Preview
from stentrans.nn.flat import flatten, restore
from stentrans.nn.image_convolution import ImageConvolution, ImageConvolutionConfig
from stentrans.nn.image_transformer import ImageTransformer, ImageTransformerConfig
from stentrans.training import ImageTraining, double_images, one_thread, train_on_images

Network = ImageTransformer | ImageConvolution
GENES_AT_ONCE: Final = 64
"""Images that a network doubles together; more do not go faster."""


class _NetworkUpscaler:
    """Shared by both: the network doubles images, its weights and sizes are arrays."""

    code: ClassVar[int]
    cells_at_once: ClassVar[int]

    def __init__(self, net: Network) -> None:
        self.net = net.eval()

    def double(
        self, images: NDArray[np.float32], mask: NDArray[np.bool_], spacing: int
    ) -> NDArray[np.float32]:
        """Images twice as fine; see `stentrans.methods.image_decoding.Upscaler`."""
        n_genes, n_rows, n_cols = images.shape
        doubled = np.empty((n_genes, 2 * n_rows, 2 * n_cols), np.float32)
        with one_thread():
            size = max(1, min(GENES_AT_ONCE, self.cells_at_once // mask.size))
            for start in range(0, n_genes, size):
                genes = slice(start, start + size)
                doubled[genes] = double_images(self.net, images[genes], mask, spacing)
        return doubled

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Sizes of the network and its weights."""
        return {"config": np.array(astuple(self.net.config)), "weights": flatten(self.net)}


class TransformerUpscaler(_NetworkUpscaler):
    """The published image Transformer."""

    code = 1
    cells_at_once = 2**17

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> TransformerUpscaler:
        """Rebuild from `to_arrays`; raises KeyError if an array is missing."""
        patch, heads, depth, ratio = arrays["config"].tolist()
        config = ImageTransformerConfig(int(patch), int(heads), int(depth), float(ratio))
        net = ImageTransformer(config)
        restore(net, arrays["weights"])
        return cls(net)


class ConvolutionUpscaler(_NetworkUpscaler):
    """The network of DIST."""

    code = 2
    cells_at_once = 2**15

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> ConvolutionUpscaler:
        """Rebuild from `to_arrays`; raises KeyError if an array is missing."""
        width, depth = arrays["config"].tolist()
        net = ImageConvolution(ImageConvolutionConfig(int(width), int(depth)))
        restore(net, arrays["weights"])
        return cls(net)


def learn(
    net: Network, task: ImageTask, training: ImageTraining, options: FitOptions
) -> dict[str, Any]:
    """Train a network on the task, in place, and give JSON-ready facts.

    ``options.seed`` orders the genes; the listener may cancel between two steps, or end training
    with the weights of the latest. Where no gene has counts, the network stays as it is.
    """
    mask, n_genes = task.thinned.mask, len(task.genes)
    rng = np.random.default_rng(options.seed)
    n_drawn = min(training.genes_per_epoch, n_genes)
    steps_per_epoch = -(-n_drawn // training.batch)
    n_steps, losses, stopped = training.epochs * steps_per_epoch, [0.0], dict[str, str]()
    listen, preview = training_part(options.on_progress), _preview(net, task)
    report(listen, Progress("training", 0.0))
    with one_thread():
        steps = train_on_images(
            net, task.draw, task.targets, mask, training, n_genes=n_genes, rng=rng
        )
        for step, loss in enumerate(steps, start=1):
            losses.append(loss)
            told = Progress("training", step / n_steps, loss, preview=preview)
            if report(listen, told) and step < n_steps:
                stopped = {STOPPED_EARLY: f"after {step} of {n_steps} steps"}
                break
    net.eval()
    last = losses[-steps_per_epoch:] if n_steps else losses
    return {
        "trained_genes": n_genes,
        "steps": n_steps,
        "loss": round(float(np.mean(last)), 6),
    } | stopped


def _preview(net: Network, task: ImageTask) -> Preview:
    """Show what the network makes of a gene's thinned image by now; see `Progress.preview`."""

    def preview(gene: int) -> NDArray[np.float32]:
        """Log values of the doubled image where the spots are, at the median library."""
        counts = task.counts[:, [gene]].toarray()
        doubled = double_images(net, task.thinned.images(counts), task.thinned.mask, 2)
        scaled = np.maximum(doubled.ravel()[task.targets], 0) * depth
        return np.asarray(np.log1p(scaled), np.float32)

    library = np.maximum(np.asarray(task.counts.sum(1)).ravel(), 1)
    depth = np.median(library) / library
    return preview
