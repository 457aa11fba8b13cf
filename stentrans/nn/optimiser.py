"""Adam with decoupled weight decay, for networks so small that loading torch's own takes longer."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn


class AdamW:
    """Adam (Kingma & Ba 2015) with decoupled weight decay (Loshchilov & Hutter 2019).

    The same steps as ``torch.optim.AdamW``, whose first use imports torch's compiler: one to two
    seconds, as much as all the training of a small section.

    Parameters
    ----------
    parameters
        Changed in place by `step`.
    weight_decay
        Share of a parameter taken away per step, times the learning rate.
    betas, eps
        Decay of the first and second moments; added to the root of the second.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        *,
        weight_decay: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        self.parameters = list(parameters)
        self.weight_decay, self.betas, self.eps = weight_decay, betas, eps
        self.moments = [(torch.zeros_like(p), torch.zeros_like(p)) for p in self.parameters]
        self.steps = 0

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self, learning_rate: float, *, longest: float = math.inf) -> None:
        """One step along the gradients that the parameters hold, cut to length ``longest``."""
        self.steps += 1
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        if gradients and math.isfinite(longest):
            length = math.sqrt(sum(float(g.square().sum()) for g in gradients))
            if length > longest:
                for gradient in gradients:
                    gradient.mul_(longest / (length + 1e-6))
        first, second = (1 - beta**self.steps for beta in self.betas)
        for parameter, (mean, square) in zip(self.parameters, self.moments, strict=True):
            if parameter.grad is None:
                continue
            mean.lerp_(parameter.grad, 1 - self.betas[0])
            square.mul_(self.betas[1]).addcmul_(
                parameter.grad, parameter.grad, value=1 - self.betas[1]
            )
            spread: Tensor = (square / second).sqrt_().add_(self.eps)
            parameter.mul_(1 - learning_rate * self.weight_decay)
            parameter.addcdiv_(mean, spread, value=-learning_rate / first)


def one_cycle(step: int, steps: int, highest: float) -> float:
    """Learning rate of a step: up along a cosine for three tenths of the steps, then down.

    Smith & Topin 2018, with the starting and final shares that torch uses.
    """
    rise = max(0.3 * steps - 1, 1)
    low, end = highest / 25, highest / 25 / 1e4
    if step <= rise:
        return low + (highest - low) * (1 - math.cos(math.pi * step / rise)) / 2
    done = (step - rise) / max(steps - 1 - rise, 1)
    return end + (highest - end) * (1 + math.cos(math.pi * min(done, 1.0))) / 2
