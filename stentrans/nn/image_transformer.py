"""The published image Transformer: patches of an image attend to each other."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from stentrans.nn.blocks import Mlp

_LONGEST_WAVE = 10_000.0
_FINER = 4
"""Cells of the doubled image that one cell becomes."""


@dataclass(frozen=True)
class ImageTransformerConfig:
    """Size of the network; the embedding has ``4 * patch ** 2`` dimensions.

    Parameters
    ----------
    patch
        Cells of the image per side of a patch.
    num_heads
        Attention heads, a divisor of the embedding.
    depth
        Transformer blocks.
    mlp_ratio
        Hidden size of the feed-forward layers per embedding dimension.
    """

    patch: int = 3
    num_heads: int = 4
    depth: int = 12
    mlp_ratio: float = 2.0

    @property
    def dim(self) -> int:
        """Embedding size."""
        return _FINER * self.patch**2


class SelfAttention(nn.Module):
    """Multi-head attention of the patches of one image to each other."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Mix patches, ``(B, N, D)`` to ``(B, N, D)``."""
        head, scale = x.shape[-1] // self.num_heads, (x.shape[-1] // self.num_heads) ** -0.5
        parts = self.qkv(x).split(head, dim=-1)
        q, k, v = (parts[i : i + self.num_heads] for i in range(0, len(parts), self.num_heads))
        # Head by head: with few patches and small heads twice as fast as the fused kernel.
        mixed = [
            torch.softmax(torch.bmm(qh * scale, kh.transpose(1, 2)), dim=-1) @ vh
            for qh, kh, vh in zip(q, k, v, strict=True)
        ]
        y: Tensor = self.proj(torch.cat(mixed, dim=-1))
        return y


class SelfBlock(nn.Module):
    """Pre-norm block: patches attend to each other, then a feed-forward layer."""

    def __init__(self, dim: int, num_heads: int, mlp_ratio: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.attn = SelfAttention(dim, num_heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, mlp_ratio, 0.0)

    def forward(self, x: Tensor) -> Tensor:
        """Update patches ``(B, N, D)``."""
        x = x + self.attn(self.norm1(x))
        y: Tensor = x + self.mlp(self.norm2(x))
        return y


class ImageTransformer(nn.Module):
    """Double the resolution of images of single genes.

    Every cell becomes four: the cell itself, repeated, plus what the network makes of all
    patches. The last layer starts at zero, so that an untrained network repeats its input.
    """

    def __init__(self, config: ImageTransformerConfig) -> None:
        super().__init__()
        self.config = config
        # Two channels: the values, and which cells were measured.
        self.embed = nn.Conv2d(2, config.dim, config.patch, stride=config.patch)
        self.blocks = nn.ModuleList(
            SelfBlock(config.dim, config.num_heads, config.mlp_ratio) for _ in range(config.depth)
        )
        self.head = nn.ConvTranspose2d(config.dim, _FINER, config.patch, stride=config.patch)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(torch.as_tensor(self.head.bias))

    def forward(self, images: Tensor, mask: Tensor, spacing: float) -> Tensor:
        """Images twice as fine; cell (i, j) becomes (2i, 2j) and the three beyond it.

        Parameters
        ----------
        images
            Shape ``(B, H, W)``; cells that were not measured hold an interpolated value.
        mask
            Shape ``(H, W)``, 1 where a cell was measured and 0 elsewhere.
        spacing
            Distance of two cells in steps of the section's own lattice: 2 on the thinned lattice
            of training, 1 in use. A position then means the same place in both.

        Returns
        -------
        doubled
            Shape ``(B, 2H, 2W)``; may be negative.
        """
        height, width = mask.shape
        patch = self.config.patch
        beyond = (0, -width % patch, 0, -height % patch)
        channels = torch.stack([images * mask, mask.expand_as(images)], 1)
        x = self.embed(functional.pad(channels, beyond))  # (B, D, H / P, W / P)
        batch, dim, n_rows, n_cols = x.shape
        places = _encode_places(n_rows, n_cols, dim, spacing / 2).to(x)
        x = x.flatten(2).transpose(1, 2) + places  # (B, N, D)
        for block in self.blocks:
            x = block(x)
        fine = self.head(x.transpose(1, 2).reshape(batch, dim, n_rows, n_cols))
        fine = fine[..., :height, :width] + images[:, None]  # the input, once for each of the four
        return functional.pixel_shuffle(fine, 2)[:, 0]


def _encode_places(n_rows: int, n_cols: int, dim: int, step: float) -> Tensor:
    """Sine and cosine of row and column of the patch centres, ``(n_rows * n_cols, dim)``.

    A quarter of the dimensions each; ``dim`` is a multiple of four.
    """
    quarter = dim // 4
    frequency = _LONGEST_WAVE ** (-torch.arange(quarter) / quarter)
    row = ((torch.arange(n_rows) + 0.5) * step)[:, None, None] * frequency
    col = ((torch.arange(n_cols) + 0.5) * step)[None, :, None] * frequency
    row, col = (part.expand(n_rows, n_cols, quarter) for part in (row, col))
    waves = torch.cat([row.sin(), row.cos(), col.sin(), col.cos()], dim=-1)
    return waves.reshape(n_rows * n_cols, dim)
