"""Numbers rounded as if they were integers: inside the range the gradient passes, outside it does not."""

from __future__ import annotations

import torch

from tests.rules.proving import leaf, prove

RANGE = (-8, 7)


def test_one_scale_for_all() -> None:
    name = "FakeQuantizePerTensorAffineCachemask"
    prove(lambda x: torch.fake_quantize_per_tensor_affine(x, 0.1, 2, *RANGE), leaf(5, 4), type_=f"{name}Backward0")
    scale, zero = torch.tensor(0.1), torch.tensor(2, dtype=torch.int32)
    prove(
        lambda x: torch.fake_quantize_per_tensor_affine(x, scale, zero, *RANGE),
        leaf(5, 4),
        type_=f"{name}TensorQparamsBackward0",
    )


def test_a_scale_for_each_channel() -> None:
    scale, zero = torch.tensor([0.05, 0.1, 0.2, 0.3]), torch.zeros(4, dtype=torch.int32)
    prove(
        lambda x: torch.fake_quantize_per_channel_affine(x, scale, zero, 1, *RANGE),
        leaf(5, 4),
        type_="FakeQuantizePerChannelAffineCachemaskBackward0",
    )
