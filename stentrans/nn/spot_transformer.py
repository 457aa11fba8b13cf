"""The spot Transformer: sites look at visible spots and correct the spatial prior."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from stentrans.nn.attention import ContentAttention
from stentrans.nn.blocks import Block


@dataclass(frozen=True)
class SpotTransformerConfig:
    """Size of the network.

    Parameters
    ----------
    rank
        Number of factors.
    content
        The factors by which sites recognise spots like themselves: those that space predicts.
    n_kernels
        Widths of kernels whose means are given with each site.
    dim
        Embedding size, divisible by ``num_heads``.
    depth
        Blocks that refine the embeddings before the final attention; 0 in small sections.
    num_heads
        Attention heads.
    mlp_ratio, drop
        Of the blocks.
    """

    rank: int
    content: tuple[int, ...]
    n_kernels: int
    dim: int = 48
    depth: int = 0
    num_heads: int = 6
    mlp_ratio: float = 1.0
    drop: float = 0.1


class SpotTransformer(nn.Module):
    """Correct kriged factors at sites from visible spots, near ones and similar ones.

    Sites are embedded by what the prior says there, spots by what it would have said of them, so
    both are known equally well. Each head's attention then mixes what the spots really showed:
    their factors as they are, and what the prior had missed of them. How much of either mixture
    corrects which factor starts at zero, so that an untrained network leaves the prior as it is.
    Sites attend to spots only: the answer at a site does not depend on which others are asked for.
    """

    def __init__(self, config: SpotTransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Linear(len(config.content), config.dim, bias=False)
        self.blocks = nn.ModuleList(
            Block(config.dim, config.num_heads, config.mlp_ratio, config.drop)
            for _ in range(config.depth)
        )
        self.attention = ContentAttention(config.dim, config.num_heads)
        self.from_factors = nn.Parameter(torch.zeros(config.num_heads, config.rank))
        self.from_kernels = nn.Parameter(torch.zeros(config.n_kernels, config.rank))
        self.from_residuals = nn.Parameter(torch.zeros(config.num_heads, config.rank))

    def forward(self, sites: Tensor, spots: Tensor, near: Tensor, distance: Tensor) -> Tensor:
        """Corrections of the factors.

        Parameters
        ----------
        sites
            Shape ``(N, (2 + W) R)``: prior mean, prior standard deviation, and for each of the W
            kernel widths the mean factors of all spots weighted by likeness.
        spots
            Shape ``(n_spots, 2R)``: factors, what the prior says of them from other spots.
        near
            Shape ``(N, K)``, int64: rows of ``spots`` that each site attends to.
        distance
            Shape ``(N, K)``: distance to them in spacings of the visible spots.

        Returns
        -------
        correction
            Shape ``(N, R)``, to be added to the prior mean.
        """
        rank = self.config.rank
        prior, sd, kernels = sites[:, :rank], sites[:, rank : 2 * rank], sites[:, 2 * rank :]
        factors, expected = spots[:, :rank], spots[:, rank:]
        known = list(self.config.content)
        ours, theirs = prior[:, known], expected[:, known]
        # Gathered as rows of one table: several times faster than indexing, and back as well.
        table = torch.cat([factors, factors - expected, theirs], dim=1)
        shown = functional.embedding(near, table)  # (N, K, 2R + content)
        unlike = 0.5 * ((ours[:, None] - shown[..., 2 * rank :]) ** 2).sum(-1)
        x, keys = self.embed(ours), self.embed(theirs)
        for block in self.blocks:
            x = block(x, functional.embedding(near, keys))
        weights = self.attention(x, keys, near, distance, unlike)  # (N, heads, K)
        mixed, missed = (weights @ shown[..., : 2 * rank]).split(rank, dim=-1)
        mixed = mixed - prior[:, None]
        # In units of what the prior does not know: where it is sure, little is to be corrected.
        of_all = kernels.view(len(sites), self.config.n_kernels, rank) - prior[:, None]
        correction: Tensor = self.from_factors * mixed + self.from_residuals * missed
        total = correction.sum(1) + (self.from_kernels * of_all).sum(1)
        in_units: Tensor = sd * total
        return in_units
