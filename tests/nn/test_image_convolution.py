"""The network of DIST: residual, shapes and gradients."""

from __future__ import annotations

import torch

from stentrans.nn.image_convolution import ImageConvolution, ImageConvolutionConfig

SMALL = ImageConvolutionConfig(width=6, depth=2)


def test_untrained_network_repeats_its_input():
    images = torch.rand(2, 5, 7, generator=torch.Generator().manual_seed(0))
    doubled = ImageConvolution(SMALL)(images, torch.ones(5, 7), 1.0)
    torch.testing.assert_close(doubled[:, 1::2, ::2], images, rtol=0, atol=0)
    assert doubled.shape == (2, 10, 14)


def test_depth_counts_the_layers_on_either_side():
    net = ImageConvolution(ImageConvolutionConfig())
    convolutions = [part for part in net.modules() if isinstance(part, torch.nn.Conv2d)]
    assert len(convolutions) == 2 * 5
    assert {part.kernel_size for part in convolutions} == {(3, 3)}
    assert {part.out_channels for part in convolutions[:-1]} == {64}


def test_gradient_reaches_every_parameter():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = ImageConvolution(SMALL)
        torch.nn.init.normal_(net.reconstruct[-1].weight)
        net(torch.rand(2, 5, 7), torch.ones(5, 7), 1.0).square().sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name
