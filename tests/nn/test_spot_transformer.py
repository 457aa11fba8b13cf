"""Shapes, gradients, and independence of sites from each other."""

from __future__ import annotations

import pytest
import torch

from stentrans.nn.spot_transformer import SpotTransformer, SpotTransformerConfig

N, K, R, S, W = 9, 7, 5, 30, 2


@pytest.fixture(params=[0, 2], ids=["no blocks", "two blocks"])
def net(request: pytest.FixtureRequest) -> SpotTransformer:
    """A small network in evaluation mode whose mixtures are not zero."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = SpotTransformerConfig(
            rank=R, content=(0, 2), n_kernels=W, dim=12, depth=request.param, num_heads=3
        )
        made = SpotTransformer(config)
        torch.nn.init.normal_(made.from_factors)
        torch.nn.init.normal_(made.from_residuals)
        torch.nn.init.normal_(made.from_kernels)
    return made.eval()


@pytest.fixture
def given() -> tuple[torch.Tensor, ...]:
    """Sites, spots, neighbours and distances."""
    draw = torch.Generator().manual_seed(1)
    sites = torch.rand(N, (2 + W) * R, generator=draw)
    spots = torch.randn(S, 2 * R, generator=draw)
    near = torch.randint(0, S, (N, K), generator=draw)
    return sites, spots, near, 5 * torch.rand(N, K, generator=draw)


def test_correction_has_one_value_per_site_and_factor(net, given):
    assert net(*given).shape == (N, R)


def test_gradient_reaches_every_parameter(net, given):
    net(*given).square().sum().backward()
    silent = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert silent == []


def test_sites_do_not_see_each_other(net, given):
    sites, spots, near, distance = given
    alone = torch.cat(
        [net(sites[i : i + 1], spots, near[i : i + 1], distance[i : i + 1]) for i in range(N)]
    )
    torch.testing.assert_close(net(*given), alone)


def test_order_of_neighbours_does_not_matter(net, given):
    sites, spots, near, distance = given
    order = torch.arange(K).flip(0)
    torch.testing.assert_close(net(*given), net(sites, spots, near[:, order], distance[:, order]))


def test_untrained_network_leaves_the_prior_alone(given):
    config = SpotTransformerConfig(rank=R, content=(1,), n_kernels=W, dim=12, num_heads=3)
    assert not SpotTransformer(config)(*given).any()


def test_nothing_is_corrected_where_the_prior_is_sure(net, given):
    sites = given[0].clone()
    sites[:, R : 2 * R] = 0
    assert not net(sites, *given[1:]).any()
