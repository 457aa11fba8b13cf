"""Transformer blocks with timm's argument names."""

from __future__ import annotations

from torch import Tensor, nn

from stentrans.nn.attention import NeighbourAttention


class Mlp(nn.Module):
    """Two linear layers with GELU between them."""

    def __init__(self, dim: int, mlp_ratio: float, drop: float) -> None:
        super().__init__()
        hidden = int(dim * mlp_ratio)
        self.layers = nn.Sequential(
            nn.Linear(dim, hidden), nn.GELU(), nn.Dropout(drop), nn.Linear(hidden, dim)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(..., D)`` to ``(..., D)``."""
        y: Tensor = self.layers(x)
        return y


class Block(nn.Module):
    """Pre-norm block: sites attend to their spots, then a feed-forward layer."""

    def __init__(self, dim: int, num_heads: int, mlp_ratio: float, drop: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.norm_keys = nn.LayerNorm(dim)
        self.attn = NeighbourAttention(dim, num_heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, mlp_ratio, drop)

    def forward(self, x: Tensor, keys: Tensor) -> Tensor:
        """Update sites ``(N, D)`` from their spots ``(N, K, D)``."""
        x = x + self.attn(self.norm1(x), self.norm_keys(keys))
        y: Tensor = x + self.mlp(self.norm2(x))
        return y
