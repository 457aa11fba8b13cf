"""Attention of sites over visible spots."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from stentrans.nn.position import DistanceBias


class ContentAttention(nn.Module):
    """Attention weights from likeness and nearness.

    The logit is minus the squared distance between query and key, so that every head measures
    likeness and starts as a kernel on the content, plus a bias from the distance in space.

    Parameters
    ----------
    dim
        Embedding size, divisible by ``num_heads``.
    num_heads
        Number of heads; they start with kernels of different width on the content itself.
    """

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        widths = torch.logspace(-0.7, 0.2, num_heads)
        self.log_sharpness = nn.Parameter(-2 * torch.log(widths))
        self.q = nn.Linear(dim, dim, bias=False)
        self.k = nn.Linear(dim, dim, bias=False)
        self.k.load_state_dict(self.q.state_dict())  # likeness: at first the same measure of both
        self.temperature = nn.Parameter(torch.ones(num_heads))
        self.distance_bias = DistanceBias(num_heads)

    def forward(
        self, x: Tensor, spots: Tensor, near: Tensor, distance: Tensor, unlike_as_known: Tensor
    ) -> Tensor:
        """Weights ``(N, heads, K)`` of ``spots[near]``, (S, D) and (N, K), for sites ``x`` (N, D).

        ``unlike_as_known`` (N, K) is half the squared distance of the content before embedding.
        Spots are projected before they are gathered, which is less work than after.
        """
        q = self.q(x).view(len(x), 1, self.num_heads, -1)
        key = functional.embedding(near, self.k(spots)).view(*near.shape, self.num_heads, -1)
        unlike = ((q - key) ** 2).sum(-1).transpose(1, 2)
        logits = self.distance_bias(distance) - self.temperature.abs()[:, None] * unlike
        logits = logits - self.log_sharpness.exp()[:, None] * unlike_as_known[:, None]
        return torch.softmax(logits, dim=-1)


class NeighbourAttention(nn.Module):
    """Multi-head attention in which every site has its own set of keys.

    Parameters
    ----------
    dim
        Embedding size, divisible by ``num_heads``.
    num_heads
        Number of heads.
    """

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.q = nn.Linear(dim, dim)
        self.kv = nn.Linear(dim, 2 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, keys: Tensor) -> Tensor:
        """Attend from ``x`` (N, D) to ``keys`` (N, K, D)."""
        n, k, dim = keys.shape
        head = dim // self.num_heads
        q = self.q(x).view(n, self.num_heads, 1, head)
        key, value = self.kv(keys).view(n, k, 2, self.num_heads, head).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, key, value)
        return torch.as_tensor(self.proj(mixed.reshape(n, dim)))
