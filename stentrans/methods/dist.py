"""DIST: a convolutional network that learns each section from a quarter of itself.

Notes
-----
After Zhao, Wang & Hu (Brief. Bioinform. 2023, bbad013), written anew from what the articles
say: 3 x 3 convolutions of width 64, five before the image is made twice as fine and five after,
a correction added to the input, outputs clipped at 0, 200 epochs, the same task as `paper`.

Assumed, because it was not to be found or would not be affordable without a GPU:

- Rectifiers between the layers, a transposed convolution makes the image finer, Adam as in
  `paper`, the squared error at measured spots as loss, no batch normalisation.
- The network learns from the section at hand alone; what the article transfers from other
  sections is not part of it.
- A filter sees its 3 x 3 cells in every place of every gene, so that an epoch need not show all
  genes: it shows as many as have 8,192 cells together, others in every epoch. ``genes`` sets
  another number; with all of them, 200 epochs of a legacy ST section take hours on two cores.
- Images are scaled, masked and thinned as in `paper`.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from scipy.sparse import csr_matrix

from stentrans.lattice import Lattice
from stentrans.methods.base import FitOptions
from stentrans.methods.image_fitting import ImageFitted, ImageTask, fit_image
from stentrans.methods.image_network import ConvolutionUpscaler, learn
from stentrans.methods.inputs import check_settings
from stentrans.nn.image_convolution import ImageConvolution, ImageConvolutionConfig
from stentrans.training import ImageTraining, images_at_once, resolve_device
from stentrans.validate import check_integer

EPOCHS: Final = 200
WIDTH: Final = 64
DEPTH: Final = 5
CELLS_PER_EPOCH: Final = 2**13
STEPS_PER_EPOCH: Final = 4
CELLS_AT_ONCE: Final = 2**12
"""Of thinned images; convolutions remember much more per cell than patches do."""


class Dist:
    """The convolutional network of DIST.

    Settings: ``epochs`` (200), ``width`` (64), ``depth`` (5 layers on either side), ``genes``
    per epoch (0: as many as have 8,192 cells together).
    """

    name = "dist"

    def fit(self, counts: csr_matrix, lattice: Lattice, options: FitOptions) -> ImageFitted:
        """Train the network on the thinned section; genes are doubled when they are read.

        Parameters
        ----------
        counts
            Shape ``(n_spots, n_genes)``, CSR; left as it was.
        lattice
            Where the spots lie.
        options
            ``seed`` starts the network and orders the genes.

        Raises
        ------
        ParameterError
            If a setting is unknown or out of range, or counts are negative or not finite.
        ShapeError
            If counts and lattice do not belong together.
        Cancelled
            If the listener answers False.
        """
        check_settings(self.name, options.settings, ("epochs", "width", "depth", "genes"))
        given = options.settings
        epochs = check_integer("epochs", given.get("epochs", EPOCHS), low=1, high=10_000)
        width = check_integer("width", given.get("width", WIDTH), low=1, high=512)
        depth = check_integer("depth", given.get("depth", DEPTH), low=1, high=20)
        genes = check_integer("genes", given.get("genes", 0), low=0)

        def make(task: ImageTask) -> tuple[ConvolutionUpscaler, dict[str, Any]]:
            n_cells = task.thinned.mask.size
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(options.seed)
                net = ImageConvolution(ImageConvolutionConfig(width, depth))
            device = resolve_device(options.device)
            net.to(device)
            drawn = min(genes or max(1, CELLS_PER_EPOCH // n_cells), max(len(task.genes), 1))
            training = ImageTraining(
                epochs=epochs,
                genes_per_epoch=drawn,
                batch=-(-drawn // STEPS_PER_EPOCH),
                genes_at_once=images_at_once(CELLS_AT_ONCE, n_cells, device),
            )
            facts = learn(net, task, training, options)
            sizes = {"width": width, "depth": depth, "epochs": epochs, "genes_per_epoch": drawn}
            return ConvolutionUpscaler(net.cpu()), sizes | facts

        return fit_image(counts, lattice, options, make)
