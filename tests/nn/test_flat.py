"""Weights as one array."""

from __future__ import annotations

import pytest
import torch

from stentrans.nn.flat import flatten, restore


def test_restored_network_answers_as_before():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        first, second = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    restore(second, flatten(first))
    given = torch.ones(1, 3)
    torch.testing.assert_close(second(given), first(given), rtol=0, atol=0)


def test_flat_weights_are_a_copy():
    net = torch.nn.Linear(3, 2)
    before = flatten(net)
    torch.nn.init.constant_(net.weight, 7.0)
    assert before.max() < 7


def test_wrong_number_of_weights_is_refused():
    net = torch.nn.Linear(3, 2)
    with pytest.raises(KeyError, match=r"shape \(8,\), got \(7,\)"):
        restore(net, flatten(net)[1:])
