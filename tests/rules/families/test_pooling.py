"""Pooling with every option, on shapes where windows overlap, reach over the border, or have nothing in them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn import functional

from tests.rules.proving import leaf, prove, recorded
from tests.rules.twice import gradient_of

DTYPES = [torch.float32, torch.bfloat16]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(
    "options",
    [
        {"kernel_size": 2},
        {"kernel_size": 3, "stride": 2, "padding": 1},
        {"kernel_size": 3, "stride": 1, "dilation": 2},
        {"kernel_size": 2, "ceil_mode": True},
    ],
    ids=str,
)
def test_max_pool(options: dict[str, Any], dtype: torch.dtype) -> None:
    tight = 0.1 if dtype == torch.bfloat16 else 1e-3
    two = "MaxPool2DWithIndicesBackward0"
    prove(lambda x: functional.max_pool2d(x, **options), leaf(2, 3, 9, 7, dtype=dtype), type_=two, tight=tight)
    prove(lambda x: functional.max_pool2d(x, **options), leaf(3, 9, 7, dtype=dtype), type_=two, tight=tight)
    three = "MaxPool3DWithIndicesBackward0"
    prove(lambda x: functional.max_pool3d(x, **options), leaf(1, 2, 5, 7, 6, dtype=dtype), type_=three, tight=tight)


@pytest.mark.parametrize(
    "options",
    [
        {"kernel_size": 2},
        {"kernel_size": 3, "stride": 2, "padding": 1},
        {"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False},
        {"kernel_size": 4, "stride": 3, "padding": 2, "ceil_mode": True},
        {"kernel_size": 4, "stride": 3, "padding": 2, "ceil_mode": True, "count_include_pad": False},
        {"kernel_size": 2, "divisor_override": 3},
        {"kernel_size": 2, "divisor_override": -3},
    ],
    ids=str,
)
def test_average_pool(options: dict[str, Any]) -> None:
    for shape in ((2, 3, 9, 8), (3, 9, 8)):
        prove(lambda x: functional.avg_pool2d(x, **options), leaf(*shape), type_="AvgPool2DBackward0")
    prove(lambda x: functional.avg_pool3d(x, **options), leaf(2, 1, 5, 6, 7), type_="AvgPool3DBackward0")


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 7), (13, 5)])
def test_adaptive_pools(size: tuple[int, int]) -> None:
    x = leaf(2, 3, 10, 9)
    if size != (1, 1):  # that is a mean
        average = "AdaptiveAvgPool2DBackward0"
        prove(lambda x: functional.adaptive_avg_pool2d(x, size), x, type_=average)
    prove(lambda x: functional.adaptive_max_pool2d(x, size), leaf(2, 3, 10, 9), type_="AdaptiveMaxPool2DBackward0")
    volume = (2, *size)
    prove(lambda x: functional.adaptive_avg_pool3d(x, volume), leaf(1, 2, 5, 8, 6), type_="AdaptiveAvgPool3DBackward0")
    prove(lambda x: functional.adaptive_max_pool3d(x, volume), leaf(1, 2, 5, 8, 6), type_="AdaptiveMaxPool3DBackward0")


def test_fractional_pools() -> None:
    two, three = "FractionalMaxPool2DBackward0", "FractionalMaxPool3DBackward0"
    prove(lambda x: functional.fractional_max_pool2d(x, 2, output_ratio=(0.6, 0.5)), leaf(2, 3, 9, 8), type_=two)
    prove(lambda x: functional.fractional_max_pool3d(x, 2, output_size=(2, 3, 4)), leaf(2, 2, 6, 7, 8), type_=three)


def test_unpooling() -> None:
    def there_and_back(x: torch.Tensor) -> torch.Tensor:
        largest, places = functional.max_pool2d(x, 2, return_indices=True)
        return functional.max_unpool2d(largest, places, (2, 2), output_size=x.shape[-2:])

    prove(there_and_back, leaf(2, 3, 7, 8), type_="MaxUnpool2DBackward0")


def test_two_windows_with_the_same_largest_element_both_reach_it() -> None:
    x = torch.zeros(1, 1, 1, 3)
    x[..., 1] = 1.0
    with recorded(
        lambda x: functional.max_pool2d(x, (1, 2), stride=1), x.requires_grad_(), type_="MaxPool2DWithIndicesBackward0"
    ) as found:
        ((_, proof, values),) = found
        assert proof.state == "proved"
        gradient = values.recorded(0)[0, 0, 0]
        assert gradient[0] == gradient[2] == 0
        assert gradient[1] == pytest.approx(values.grad()[0, 0, 0].sum())


@pytest.mark.parametrize(
    ("name", "shape", "function"),
    [
        ("AvgPool2D", (2, 3, 9, 8), lambda x: functional.avg_pool2d(x, 3, 2, 1)),
        ("AvgPool2D", (2, 3, 9, 8), lambda x: functional.avg_pool2d(x, 4, 3, 2, True, False)),
        ("AvgPool3D", (2, 1, 5, 6, 7), lambda x: functional.avg_pool3d(x, 2)),
        ("AdaptiveAvgPool2D", (2, 3, 10, 9), lambda x: functional.adaptive_avg_pool2d(x, (3, 2))),
        ("AdaptiveAvgPool3D", (1, 2, 5, 6, 4), lambda x: functional.adaptive_avg_pool3d(x, (3, 2, 3))),
        ("MaxPool3DWithIndices", (1, 2, 5, 6, 4), lambda x: functional.max_pool3d(x, 3, 1)),
        ("AdaptiveMaxPool2D", (2, 3, 10, 9), lambda x: functional.adaptive_max_pool2d(x, (3, 2))),
        ("AdaptiveMaxPool3D", (1, 2, 5, 6, 4), lambda x: functional.adaptive_max_pool3d(x, (3, 2, 3))),
        ("FractionalMaxPool2D", (2, 3, 10, 9), lambda x: functional.fractional_max_pool2d(x, 2, output_size=(4, 5))),
        ("FractionalMaxPool3D", (1, 2, 5, 6, 4), lambda x: functional.fractional_max_pool3d(x, 2, (2, 3, 2))),
    ],
)  # fmt: skip
def test_a_gradients_gradient(name: str, shape: tuple[int, ...], function: Any) -> None:
    prove(gradient_of(function), leaf(*shape), leaf(1, seed=2)[0], type_=f"{name}BackwardBackward0")
