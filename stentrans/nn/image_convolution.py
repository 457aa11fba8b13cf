"""The network of DIST: convolutions before and after an image is made twice as fine."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class ImageConvolutionConfig:
    """Size of the network.

    Parameters
    ----------
    width
        Channels of every layer.
    depth
        Convolutions before the image is made finer, and as many after.
    """

    width: int = 64
    depth: int = 5


class ImageConvolution(nn.Module):
    """Double the resolution of images of single genes.

    Features of the coarse image are made finer by a transposed convolution; the layers after it
    turn them into a correction of the input, repeated. The last layer starts at zero, so that an
    untrained network repeats its input.
    """

    def __init__(self, config: ImageConvolutionConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        # Two channels: the values, and which cells were measured.
        self.extract = nn.Sequential(*_layers(2, width, width, config.depth))
        self.finer = nn.ConvTranspose2d(width, width, 2, stride=2)
        self.reconstruct = nn.Sequential(*_layers(width, width, 1, config.depth)[:-1])
        last = self.reconstruct[-1]
        nn.init.zeros_(torch.as_tensor(last.weight))
        nn.init.zeros_(torch.as_tensor(last.bias))

    def forward(self, images: Tensor, mask: Tensor, spacing: float) -> Tensor:
        """Images twice as fine; cell (i, j) becomes (2i, 2j) and the three beyond it.

        Parameters
        ----------
        images
            Shape ``(B, H, W)``; cells that were not measured hold an interpolated value.
        mask
            Shape ``(H, W)``, 1 where a cell was measured and 0 elsewhere.
        spacing
            Plays no part: one set of filters serves every spacing.

        Returns
        -------
        doubled
            Shape ``(B, 2H, 2W)``; may be negative.
        """
        channels = torch.stack([images, mask.expand_as(images)], 1)
        fine = self.reconstruct(functional.relu(self.finer(self.extract(channels))))[:, 0]
        repeated = images.repeat_interleave(2, dim=1).repeat_interleave(2, dim=2)
        doubled: Tensor = fine + repeated
        return doubled


def _layers(first: int, width: int, last: int, depth: int) -> list[nn.Module]:
    """``depth`` convolutions of 3 x 3, each followed by a rectifier."""
    sizes = [first, *[width] * (depth - 1), last]
    layers: list[nn.Module] = []
    for given, made in pairwise(sizes):
        layers += [nn.Conv2d(given, made, 3, padding=1), nn.ReLU()]
    return layers
