"""Relative position of a spot as seen from a site."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_CENTRES = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 9.0, 14.0)


class DistanceBias(nn.Module):
    """Attention bias per head from the distance between site and spot.

    No absolute position and no direction enters, so that what is learned in one place or one
    orientation of the slide holds in all others. Heads start from "everywhere alike" to "the
    nearest only".
    """

    def __init__(self, num_heads: int) -> None:
        super().__init__()
        self.centres: Tensor
        self.register_buffer("centres", torch.tensor(_CENTRES))
        self.slope = nn.Parameter(torch.linspace(0.0, 1.0, num_heads))
        self.radial = nn.Linear(len(_CENTRES), num_heads, bias=False)
        nn.init.zeros_(self.radial.weight)

    def forward(self, distance: Tensor) -> Tensor:
        """Bias ``(N, heads, K)`` from distances ``(N, K)`` in spacings of the visible spots."""
        width = 0.5 + 0.25 * self.centres
        bumps = torch.exp(-(((distance[..., None] - self.centres) / width) ** 2))
        bias: Tensor = self.radial(bumps) - self.slope.abs() * distance[..., None]
        return bias.transpose(1, 2)
