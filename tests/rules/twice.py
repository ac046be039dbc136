"""The gradient of a gradient: what runs the backward pass of a function as nodes of a graph."""

from __future__ import annotations

from collections.abc import Callable

import torch


def gradient_of(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """All gradients of `function(*leaves)` in one vector; what enters its backward pass depends on the last leaf, so
    that it gets a gradient too."""

    def once(*leaves: torch.Tensor) -> torch.Tensor:
        *inputs, scale = leaves
        result = function(*inputs)
        weights = torch.randn(result.shape, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
        entering = weights.to(result.dtype) * scale
        gradients = torch.autograd.grad(result, inputs, entering, create_graph=True)
        return torch.cat([gradient.reshape(-1) for gradient in gradients])

    return once
