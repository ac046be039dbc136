"""Weight normalization, of linear layers and convolutions."""

from __future__ import annotations

import pytest
import torch

from tests.rules.proving import leaf, prove

TYPE = "WeightNormInterfaceBackward0"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(5, 4), (3, 2, 3), (4, 2, 3, 3)])
def test_one_length_for_each_output(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    lengths = leaf(shape[0], *[1] * (len(shape) - 1), dtype=dtype, seed=1)
    prove(lambda v, g: torch._weight_norm(v, g, 0), leaf(*shape, dtype=dtype), lengths, type_=TYPE)


def test_along_the_last_axis() -> None:
    prove(lambda v, g: torch._weight_norm(v, g, 1), leaf(5, 4), leaf(1, 4, seed=1), type_=TYPE)


def test_only_the_length_is_learnt() -> None:
    prove(lambda g: torch._weight_norm(torch.linspace(-1, 2, 20).reshape(5, 4), g, 0), leaf(5, 1), type_=TYPE)
