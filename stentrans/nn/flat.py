"""Weights of a network as one array of numbers, and back."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn


def flatten(net: nn.Module) -> NDArray[np.float32]:
    """All weights after each other, float32, shape ``(n_weights,)``, new."""
    flat = nn.utils.parameters_to_vector(net.parameters()).detach().cpu()
    return np.array(flat.numpy(), dtype=np.float32)


def restore(net: nn.Module, weights: NDArray[np.float32]) -> None:
    """Set all weights of ``net``, in place, from what `flatten` gave.

    Raises
    ------
    KeyError
        If there are more or fewer weights than the network has.
    """
    expected = sum(part.numel() for part in net.parameters())
    if weights.shape != (expected,):
        raise KeyError(f"weights of shape ({expected},), got {weights.shape}")
    nn.utils.vector_to_parameters(torch.tensor(weights), net.parameters())
