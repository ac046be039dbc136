"""Reading between pixels, with places inside the image, far outside, and exactly on pixels and borders."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from engine.rules.registry import find_rule
from tests.rules.proving import leaf, prove, recorded


@pytest.mark.parametrize("corners", [False, True])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_every_mode(mode: str, padding: str, corners: bool) -> None:
    def sample(image: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
        return functional.grid_sample(image, 1.5 * grid, mode, padding, corners)

    prove(sample, leaf(2, 3, 6, 5), leaf(2, 4, 7, 2), type_="GridSampler2DBackward0")
    if mode != "bicubic":
        image, grid = leaf(1, 2, 3, 4, 5), leaf(1, 2, 3, 4, 3)
        prove(sample, image, grid, type_="GridSampler3DBackward0")


@pytest.mark.parametrize("corners", [False, True])
@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_the_identity_reads_exactly_at_pixels_where_slopes_jump(mode: str, corners: bool) -> None:
    """There either slope is right; the gradient of the image must be known as well as anywhere."""
    theta = torch.eye(2, 3)[None].requires_grad_()

    def sample(image: torch.Tensor, theta: torch.Tensor) -> torch.Tensor:
        grid = functional.affine_grid(theta, [1, 2, 7, 9], align_corners=corners)
        return functional.grid_sample(image, grid, mode, "zeros", corners)

    image = leaf(1, 2, 7, 9)
    with recorded(sample, image, theta, type_="GridSampler2DBackward0") as found:
        (graph, proof, _), = found  # fmt: skip
        assert proof.state == "proved", proof
        values, rule = graph.values(graph.recording.node(proof.node)), find_rule("GridSampler2DBackward0")
        assert values is not None
        assert rule is not None
        gradient = rule.vjp(values)[0]
        assert gradient.errors.max() < 1e-4 * abs(gradient.value).max()


@pytest.mark.parametrize("corners", [False, True])
def test_affine_grid(corners: bool) -> None:
    node = "AffineGridGeneratorBackward0"
    prove(
        lambda t: functional.affine_grid(t, [2, 1, 5, 2 if corners else 1], align_corners=corners),
        leaf(2, 2, 3),
        type_=node,
    )
    prove(lambda t: functional.affine_grid(t, [2, 1, 4, 5, 3], align_corners=corners), leaf(2, 3, 4), type_=node)
