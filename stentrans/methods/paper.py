"""stEnTrans as published: an image Transformer learns each section from a quarter of itself.

Notes
-----
Written anew from the article (arXiv 2407.08224). As there: the genes' counts on the lattice are
images; every second line of both axes is given and the whole section is the target; genes seen
in more than a tenth of the spots, 512 per step; patches embedded in ``4 * patch ** 2``
dimensions, twelve pre-norm blocks, the input repeated and added to what they find; Adam with
rate 0.001, betas 0.5 and 0.6. The trained network is then shown the whole section.

Deliberately unlike the released program:

- The residual is on.
- The loss is taken at measured spots only. A second channel tells measured cells from others,
  and cells without a spot are added to as interpolated, not as zero.
- A lattice is thinned along its own two axes, the hexagonal one included.
- A position means the same place of the tissue in training and in use, and the image is padded
  only to a whole number of patches.
- Values below 0 become 0.

Where the article leaves it open, or raw counts learn too slowly:

- Each image is divided by the root mean square of its measured cells, and the answer multiplied
  by it again; the error of a gene counts as a share of its mean square. Seldom genes weigh as
  much as frequent ones.
- The last layer starts at zero. The given quarter is part of its own target, and the input is
  added to the answer: the network never learns to change a measured value.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from scipy.sparse import csr_matrix

from stentrans.errors import ParameterError
from stentrans.lattice import Lattice
from stentrans.methods.base import FitOptions
from stentrans.methods.image_fitting import ImageFitted, ImageTask, fit_image
from stentrans.methods.image_network import TransformerUpscaler, learn
from stentrans.methods.image_raster import full_raster
from stentrans.methods.inputs import check_settings
from stentrans.nn.image_transformer import ImageTransformer, ImageTransformerConfig
from stentrans.training import ImageTraining, images_at_once, resolve_device
from stentrans.validate import check_integer

SMALL: Final = {"patch": 3, "heads": 4, "epochs": 50}
"""Published for legacy ST."""
LARGE: Final = {"patch": 8, "heads": 8, "epochs": 10}
"""Published for Visium."""
SMALL_CELLS: Final = 1_500
"""Legacy ST arrays have some 1,000 positions; more are taken for Visium."""
CELLS_AT_ONCE: Final = 2**13
"""Of thinned images: keeps what a step remembers below half a gigabyte."""
_LIMITS: Final = {
    "patch": (1, 16),
    "heads": (1, 64),
    "epochs": (1, 1_000),
    "depth": (1, 24),
    "batch": (1, 100_000),
}


class Paper:
    """The published image Transformer, with its residual.

    Settings: ``patch`` (cells per side), ``heads`` and ``epochs``, by default (or 0) 3, 4 and 50,
    on images of more than 1,500 cells 8, 8 and 10; ``depth`` (12); ``batch`` (512 genes).
    """

    name = "paper"

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
        check_settings(self.name, options.settings, _LIMITS)

        def make(task: ImageTask) -> tuple[TransformerUpscaler, dict[str, Any]]:
            chosen = _settings(options, lattice)
            config = ImageTransformerConfig(chosen["patch"], chosen["heads"], chosen["depth"])
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(options.seed)
                net = ImageTransformer(config)
            device = resolve_device(options.device)
            net.to(device)
            training = ImageTraining(
                epochs=chosen["epochs"],
                genes_per_epoch=max(len(task.genes), 1),
                batch=chosen["batch"],
                genes_at_once=images_at_once(CELLS_AT_ONCE, task.thinned.mask.size, device),
            )
            facts = learn(net, task, training, options)
            return TransformerUpscaler(net.cpu()), chosen | facts

        return fit_image(counts, lattice, options, make)


def _settings(options: FitOptions, lattice: Lattice) -> dict[str, int]:
    """All settings, checked; those not given, or 0, as published for this size of section."""
    n_rows, n_cols = full_raster(lattice).shape
    published = SMALL if n_rows * n_cols <= SMALL_CELLS else LARGE
    given = published | {"depth": 12, "batch": 512} | dict(options.settings)
    is_open = {name for name in published if given[name] == 0 and given[name] is not False}
    given |= {name: published[name] for name in is_open}
    chosen = {
        name: check_integer(name, given[name], low=low, high=high)
        for name, (low, high) in _LIMITS.items()
    }
    dim = 4 * chosen["patch"] ** 2
    if dim % chosen["heads"]:
        raise ParameterError(f"heads must divide 4 × patch², here {dim}; got {chosen['heads']}.")
    return chosen
