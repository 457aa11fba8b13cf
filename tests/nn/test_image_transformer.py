"""The published network: residual, shapes, gradients, and what a position means."""

from __future__ import annotations

import pytest
import torch

from stentrans.nn.image_transformer import ImageTransformer, ImageTransformerConfig

B, H, W = 3, 7, 10


def network(patch: int = 3) -> ImageTransformer:
    """A small network whose last layer is not zero."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = ImageTransformer(ImageTransformerConfig(patch=patch, num_heads=2, depth=2))
        torch.nn.init.normal_(net.head.weight)
    return net.eval()


@pytest.fixture
def images() -> torch.Tensor:
    """Images without an edge on a whole number of patches."""
    return torch.rand(B, H, W, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def mask() -> torch.Tensor:
    """All cells measured but a corner."""
    mask = torch.ones(H, W)
    mask[:2, :3] = 0
    return mask


def repeated(images: torch.Tensor) -> torch.Tensor:
    """Each cell four times."""
    return images.repeat_interleave(2, 1).repeat_interleave(2, 2)


def test_untrained_network_repeats_its_input(images, mask):
    net = ImageTransformer(ImageTransformerConfig(depth=2))
    torch.testing.assert_close(net(images, mask, 1.0), repeated(images), rtol=0, atol=0)


def test_input_is_added_to_what_the_blocks_find(images, mask):
    net = network()
    with torch.no_grad():
        found = net(images, mask, 1.0) - repeated(images)
        # Where nothing was measured the blocks see nothing, but the input is still added.
        moved = images + 5 * (1 - mask)
        again = net(moved, mask, 1.0) - repeated(moved)
    assert found.abs().max() > 0.1
    torch.testing.assert_close(found, again, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("patch", [1, 2, 3, 8])
def test_image_of_any_size_becomes_twice_as_fine(patch, images, mask):
    assert network(patch)(images, mask, 2.0).shape == (B, 2 * H, 2 * W)


def test_image_is_padded_only_to_whole_patches():
    net, sizes = network(), []
    net.embed.register_forward_pre_hook(lambda _, given: sizes.append(given[0].shape[-2:]))
    for shape in ((6, 9), (7, 10)):
        net(torch.ones(1, *shape), torch.ones(shape), 1.0)
    assert [tuple(size) for size in sizes] == [(6, 9), (9, 12)]


def test_gradient_reaches_every_parameter(images, mask):
    net = network()
    net(images, mask, 2.0).square().sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        if not name.endswith("qkv.bias"):  # a bias of all keys cancels in the softmax
            assert parameter.grad.abs().max() > 0, name


def test_answer_for_one_image_does_not_depend_on_the_others(images, mask):
    net = network()
    with torch.no_grad():
        torch.testing.assert_close(net(images, mask, 1.0)[1:2], net(images[1:2], mask, 1.0))


def test_position_means_the_same_place_at_both_spacings():
    seen = []
    net = network(patch=2)
    net.blocks[0].register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    with torch.no_grad():
        # Patch 1 of the thinned image is centred on line 6 of the section, as is the border of
        # patches 2 and 3 of the whole one: half way between theirs.
        net(torch.zeros(1, 8, 2), torch.zeros(8, 2), 2.0)
        net(torch.zeros(1, 16, 4), torch.zeros(16, 4), 1.0)
    thinned, whole = seen[0][0], seen[1][0].view(8, 2, -1)
    between = (whole[2] + whole[3]).mean(0) / 2
    slow = 1  # dimension 0 is the fastest wave, which bends over a patch
    torch.testing.assert_close(thinned[1][slow], between[slow], atol=1e-3, rtol=0)
