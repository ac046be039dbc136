"""Convolutions in all forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from engine.arithmetic.convolution import convolve, convolve_input_gradient, convolve_kernel_gradient
from tests.rules.handmade import assert_gradients, node_values
from tests.rules.proving import leaf, prove

TYPE = "ConvolutionBackward0"
CONVOLVE: tuple[Callable[..., torch.Tensor], ...] = (functional.conv1d, functional.conv2d, functional.conv3d)
TRANSPOSED: tuple[Callable[..., torch.Tensor], ...] = (
    functional.conv_transpose1d,
    functional.conv_transpose2d,
    functional.conv_transpose3d,
)
FORMS: list[dict[str, Any]] = [
    {},
    {"stride": 2, "padding": 1},
    {"dilation": 2, "padding": 2},
    {"groups": 2, "stride": 3},
    {"groups": 4, "padding": 1},
]


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_convolutions(dimensions: int, form: dict[str, Any]) -> None:
    x = leaf(2, 4, *(7, 6, 5)[:dimensions])
    weight, bias = leaf(8, 4 // form.get("groups", 1), *(3, 2, 3)[:dimensions], seed=1), leaf(8, seed=2)
    prove(lambda *tensors: CONVOLVE[dimensions - 1](*tensors, **form), x, weight, bias, type_=TYPE)


@pytest.mark.parametrize("form", [*FORMS[:3], {"groups": 2, "stride": 2, "output_padding": 1}], ids=str)
@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_transposed_convolutions(dimensions: int, form: dict[str, Any]) -> None:
    x = leaf(2, 4, *(4, 5, 3)[:dimensions])
    weight = leaf(4, 3, *(3, 2, 3)[:dimensions], seed=1)
    bias = leaf(3 * form.get("groups", 1), seed=2)
    prove(lambda *tensors: TRANSPOSED[dimensions - 1](*tensors, **form), x, weight, bias, type_=TYPE)


def test_each_dimension_has_a_form_of_its_own() -> None:
    form: dict[str, Any] = {"stride": (2, 1), "padding": (0, 3), "dilation": (1, 2)}
    prove(lambda x, w: functional.conv2d(x, w, **form), leaf(1, 2, 7, 6), leaf(3, 2, 2, 3, seed=1), type_=TYPE)
    form = {"stride": (3, 2), "padding": (1, 2), "output_padding": (2, 3), "dilation": 4}
    prove(lambda x, w: functional.conv_transpose2d(x, w, **form), leaf(2, 2, 4, 4), leaf(2, 3, 4, 5), type_=TYPE)


def test_only_what_needs_it_gets_a_gradient() -> None:
    prove(functional.conv2d, leaf(1, 2, 5, 5).detach(), leaf(3, 2, 3, 3), type_=TYPE)
    prove(functional.conv2d, leaf(1, 2, 5, 5), leaf(3, 2, 3, 3).detach(), type_=TYPE)


def test_complex_numbers() -> None:
    form: dict[str, Any] = {"padding": 1, "stride": 2}
    tensors = leaf(2, 2, 5, dtype=torch.complex128), leaf(3, 2, 3, dtype=torch.complex128, seed=1)
    prove(lambda x, w: functional.conv1d(x, w, **form), *tensors, type_=TYPE)


@pytest.mark.parametrize("transposed", [False, True])
def test_the_gradient_of_a_gradient(transposed: bool) -> None:
    def twice(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        convolution = (TRANSPOSED if transposed else CONVOLVE)[1]
        y = convolution(x, weight, bias, stride=2, padding=1)
        found = torch.autograd.grad(y.pow(2).sum(), (x, weight, bias), create_graph=True)
        return torch.cat([part.flatten() for part in found])

    prove(twice, leaf(2, 3, 5, 4), leaf(3, 3, 3, 2, seed=1), leaf(3, seed=2), type_="ConvolutionBackwardBackward0")


def test_kernels_of_other_devices_have_the_same_rule() -> None:
    x, weight = leaf(2, 2, 5, 5, dtype=torch.float64), leaf(3, 2, 3, 3, dtype=torch.float64)
    y = functional.conv2d(x, weight, padding=1)
    g = torch.randn_like(y)
    gradients = dict(enumerate(torch.autograd.grad(y, (x, weight), g)))
    for type_ in ("SlowConv2DBackward0", "CudnnConvolutionBackward0"):
        arguments = {"stride": [1, 1], "padding": [1, 1]}
        values = node_values(type_, {0: g}, {"self": x, "weight": weight}, gradients, arguments)
        assert_gradients(values, gradients)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), dimensions=st.integers(1, 3), groups=st.integers(1, 3))
def test_the_arithmetic_agrees_with_torch(data: st.DataObject, dimensions: int, groups: int) -> None:
    def numbers(low: int, high: int) -> tuple[int, ...]:
        return tuple(data.draw(st.tuples(*[st.integers(low, high)] * dimensions)))

    kernel, stride, padding, dilation = numbers(1, 3), numbers(1, 3), numbers(0, 2), numbers(1, 2)
    shape = tuple(d * (k - 1) + 1 + more for k, d, more in zip(kernel, dilation, numbers(0, 3), strict=True))
    channels, outputs = groups * data.draw(st.integers(1, 2)), groups * data.draw(st.integers(1, 2))
    x = leaf(data.draw(st.integers(1, 2)), channels, *shape, dtype=torch.float64)
    weight = leaf(outputs, channels // groups, *kernel, dtype=torch.float64, seed=1)
    y = CONVOLVE[dimensions - 1](x, weight, None, stride, padding, dilation, groups)
    g = leaf(*y.shape, dtype=torch.float64, seed=2)
    by_torch = torch.autograd.grad(y, (x, weight), g)
    walk = (stride, padding, dilation, groups)
    plain_x, plain_weight, plain_g = (tensor.detach().numpy() for tensor in (x, weight, g))
    np.testing.assert_allclose(convolve(plain_x, plain_weight, *walk), y.detach().numpy(), atol=1e-12)
    by_hand = convolve_input_gradient(plain_g, plain_weight, shape, *walk)
    np.testing.assert_allclose(by_hand, by_torch[0].numpy(), atol=1e-12)
    by_hand = convolve_kernel_gradient(plain_g, plain_x, kernel, *walk)
    np.testing.assert_allclose(by_hand, by_torch[1].numpy(), atol=1e-12)
