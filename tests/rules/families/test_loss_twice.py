"""Rules of a gradient's gradient through losses: Hessians, and learning through a step of learning."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.nn import functional as F

from tests.rules.proving import leaf, prove
from tests.rules.twice import gradient_of

REDUCTIONS = ["mean", "sum", "none"]
DTYPES = [torch.float32, torch.float64]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", ["MseLoss", "HuberLoss", "SmoothL1Loss"])
def test_distances(name: str, reduction: str, dtype: torch.dtype) -> None:
    losses: dict[str, Callable[..., torch.Tensor]] = {
        "MseLoss": F.mse_loss,
        "HuberLoss": lambda x, t, reduction: F.huber_loss(x, t, reduction=reduction, delta=0.7),
        "SmoothL1Loss": lambda x, t, reduction: F.smooth_l1_loss(x, t, reduction=reduction, beta=0.7),
    }
    leaves = (leaf(5, 4, dtype=dtype), leaf(5, 4, dtype=dtype, seed=1), leaf(1, dtype=dtype, seed=2)[0])
    once = gradient_of(lambda x, t: losses[name](x, t, reduction=reduction))
    prove(once, *leaves, type_=f"{name}BackwardBackward0")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_two_classes(reduction: str, dtype: torch.dtype) -> None:
    x, scale = leaf(5, 4, dtype=dtype), leaf(1, dtype=dtype, seed=2)[0]
    target = torch.sign(leaf(5, 4, dtype=dtype, seed=1)).detach()
    once = gradient_of(lambda x: F.soft_margin_loss(x, target, reduction=reduction))
    prove(once, x, scale, type_="SoftMarginLossBackwardBackward0")
    for weight in (None, torch.rand(4, dtype=dtype)):
        likely = gradient_of(
            lambda x, t, weight=weight: F.binary_cross_entropy(
                x.sigmoid(), t.sigmoid(), weight=weight, reduction=reduction
            )
        )
        prove(likely, x, leaf(5, 4, dtype=dtype, seed=3), scale, type_="BinaryCrossEntropyBackwardBackward0")


def test_beyond_what_a_number_can_hold() -> None:
    """Torch divides by an infinite square there, and gets a curvature of zero."""
    x = torch.tensor([-50.0, -30.0, 0.5, 80.0], requires_grad=True)
    once = gradient_of(lambda x: F.soft_margin_loss(x, torch.ones(4), reduction="none"))
    prove(once, x, leaf(1, seed=2)[0], type_="SoftMarginLossBackwardBackward0")


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
def test_many_classes(reduction: str, weighted: bool) -> None:
    weight = torch.rand(3) + 0.1 if weighted else None
    scale = leaf(1, seed=2)[0]
    target = torch.tensor([0, 2, -100, 1, 1])
    once = gradient_of(lambda x: F.nll_loss(x, target, weight=weight, reduction=reduction))
    prove(once, leaf(5, 3), scale, type_="NllLossBackwardBackward0")
    image = torch.tensor([[[0, 2], [1, -100]], [[1, 1], [-100, 2]]])
    twice = gradient_of(lambda x: F.nll_loss(x, image, weight=weight, reduction=reduction))
    prove(twice, leaf(2, 3, 2, 2), scale, type_="NllLoss2DBackwardBackward0")
    single = gradient_of(lambda x: F.nll_loss(x, torch.tensor(1), weight=weight, reduction=reduction))
    prove(single, leaf(3), scale, type_="NllLossBackwardBackward0")
