"""Rules of a gradient's gradient through activation functions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.nn import functional as F

from tests.rules.proving import leaf, prove

Function = Callable[..., torch.Tensor]
FUNCTIONS: list[tuple[str, Function]] = [
    ("Sigmoid", torch.sigmoid),
    ("Tanh", torch.tanh),
    ("Threshold", F.relu),
    ("Hardtanh", F.hardtanh),
    ("Hardshrink", F.hardshrink),
    ("Softshrink", F.softshrink),
    ("LeakyRelu", F.leaky_relu),
    ("RreluWithNoise", lambda a: F.rrelu(a, training=True)),
    ("Hardswish", F.hardswish),
    ("Softplus", lambda a: F.softplus(a, 3, 2)),
    ("LogSigmoid", F.logsigmoid),
    ("Gelu", F.gelu),
    ("Gelu", lambda a: F.gelu(a, approximate="tanh")),
    ("Elu", lambda a: F.elu(a, 1.7)),
    ("Elu", F.celu),
    ("Elu", lambda a: F.elu_(a * 1, 1.7)),
    ("PreluKernel", lambda a: F.prelu(a, torch.full((5,), 0.3, dtype=a.dtype, requires_grad=True))),
    ("Glu", lambda a: F.glu(a, 0)),
]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("name", "function"), FUNCTIONS)
def test_the_gradient_of_a_gradient(name: str, function: Function, dtype: torch.dtype) -> None:
    """The gradient with respect to the input, weighted by something that is learnt too, is what is differentiated."""

    def once(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        y = function(x * 2)
        (gradient,) = torch.autograd.grad((y * weight[: y.shape[0]]).sum(), x, create_graph=True)
        return gradient

    leaves = (leaf(6, 5, dtype=dtype), leaf(6, 5, dtype=dtype, seed=1))
    prove(once, *leaves, type_=f"{name}BackwardBackward0")
