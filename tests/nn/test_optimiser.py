"""Steps of the optimiser against torch's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from stentrans.nn.optimiser import AdamW, one_cycle

STEPS = 30


def test_steps_equal_those_of_torch():
    torch.manual_seed(0)
    ours = torch.nn.Linear(4, 3)
    theirs = torch.nn.Linear(4, 3)
    theirs.load_state_dict(ours.state_dict())
    x, y = torch.randn(20, 4), torch.randn(20, 3)
    mine = AdamW(ours.parameters(), weight_decay=0.01)
    reference = torch.optim.AdamW(theirs.parameters(), lr=1.0, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        reference, 0.05, total_steps=STEPS, cycle_momentum=False
    )
    for step in range(STEPS):
        for net in (ours, theirs):
            net.zero_grad()
            ((net(x) - y) ** 2).mean().backward()
        mine.step(one_cycle(step, STEPS, 0.05))
        reference.step()
        schedule.step()
    np.testing.assert_allclose(ours.weight.detach(), theirs.weight.detach(), atol=1e-6)


def test_gradients_are_cut_to_the_longest_allowed():
    long, cut = (torch.nn.Parameter(torch.tensor([3.0, 4.0])) for _ in range(2))
    long.grad, cut.grad = torch.tensor([0.6, 0.8]), torch.tensor([300.0, 400.0])
    for parameter in (long, cut):
        AdamW([parameter], weight_decay=0.0, eps=1.0).step(0.1, longest=1.0)
    torch.testing.assert_close(cut, long)


def test_a_parameter_without_gradient_is_left_alone():
    still = torch.nn.Parameter(torch.ones(2))
    AdamW([still], weight_decay=0.1).step(1.0)
    assert still.tolist() == [1, 1]


@pytest.mark.parametrize("steps", [1, 2, 5, 150])
def test_rate_stays_within_its_bounds_however_few_the_steps(steps: int):
    rates = [one_cycle(step, steps, 1.0) for step in range(steps)]
    assert min(rates) > 0
    assert max(rates) <= 1
