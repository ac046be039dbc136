"""Rules of a gradient's gradient through normalizations."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from tests.rules.proving import leaf, prove
from tests.rules.twice import gradient_of

DTYPES = [torch.float32, torch.float64]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("affine", [0, 1, 2])
def test_layer_norm(affine: int, dtype: torch.dtype) -> None:
    for shape, kept in (((6, 5), 1), ((3, 4, 5), 2)):
        own = shape[-kept:]
        parts = [leaf(*own, dtype=dtype, seed=seed) for seed in range(3, 3 + affine)]
        once = gradient_of(lambda x, *parts, own=own: F.layer_norm(x, own, *parts))
        scale = leaf(1, dtype=dtype, seed=2)[0]
        prove(once, leaf(*shape, dtype=dtype), *parts, scale, type_="NativeLayerNormBackwardBackward0")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("training", [False, True])
def test_batch_norm(training: bool, affine: bool, dtype: torch.dtype) -> None:
    mean, variance = torch.linspace(-1, 1, 3, dtype=dtype), torch.linspace(0.5, 2, 3, dtype=dtype)
    parts = [leaf(3, dtype=dtype, seed=3), leaf(3, dtype=dtype, seed=4)] if affine else []
    scale = leaf(1, dtype=dtype, seed=2)[0]
    for shape in ((6, 3), (4, 3, 5), (2, 3, 3, 2)):
        once = gradient_of(
            lambda x, w=None, b=None: F.batch_norm(x, mean.clone(), variance.clone(), w, b, training=training)
        )
        prove(once, leaf(*shape, dtype=dtype), *parts, scale, type_="NativeBatchNormBackwardBackward0")


def test_instance_norm() -> None:
    once = gradient_of(lambda x, w, b: F.instance_norm(x, None, None, w, b))
    leaves = (leaf(2, 3, 7), leaf(3, seed=3), leaf(3, seed=4), leaf(1, seed=2)[0])
    prove(once, *leaves, type_="NativeBatchNormBackwardBackward0")


def test_only_what_is_needed() -> None:
    """The gradient of the bias alone, which depends on nothing but what entered."""

    def once(x: torch.Tensor, b: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        y = F.layer_norm(x, (5,), None, b)
        gradient, given = torch.autograd.grad(y, (b, x), torch.ones_like(y) * scale, create_graph=True)
        return gradient + given.detach().sum()

    prove(once, leaf(6, 5), leaf(5, seed=1), leaf(1, seed=2)[0], type_="NativeLayerNormBackwardBackward0")
