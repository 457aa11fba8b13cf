"""Losses of the spot Transformer."""

from __future__ import annotations

import torch
from torch import Tensor


def factor_loss(error: Tensor, metric: Tensor) -> Tensor:
    """Mean squared error of factors in a metric, a scalar.

    Parameters
    ----------
    error
        Shape ``(N, R)``: factor minus its prediction.
    metric
        Shape ``(R, R)``: what an error of each pair of factors costs in log-likelihood of the
        counts.
    """
    return torch.as_tensor(((error @ metric) * error).sum(1).mean())
