"""Batch, layer, group and instance norm, and root mean squares."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from engine.arithmetic import exact
from engine.arithmetic.bounded import value_of
from engine.arithmetic.normalization import expanded_gradient, normalized_gradient
from engine.rules.registry import find_rule
from engine.rules.terms import break_down
from tests.rules.handmade import assert_gradients, node_values
from tests.rules.proving import leaf, prove, recorded

BATCH, LAYER, GROUP = "NativeBatchNormBackward0", "NativeLayerNormBackward0", "NativeGroupNormBackward0"


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("training", [True, False])
def test_batch_norm(training: bool, affine: bool) -> None:
    for shape in ((5, 3), (2, 3, 4), (2, 3, 2, 3)):
        weights = (leaf(3, seed=1), leaf(3, seed=2)) if affine else (None, None)
        leaves = [tensor for tensor in weights if tensor is not None]

        def norm(x: torch.Tensor, *affine: torch.Tensor) -> torch.Tensor:
            mean, variance = torch.tensor([0.1, -0.2, 0.3]), torch.tensor([1.1, 0.7, 2.0])
            weight, bias = affine or (None, None)
            return functional.batch_norm(x, mean, variance, weight, bias, training=training)

        prove(norm, leaf(*shape), *leaves, type_=BATCH)


def test_one_image_of_four_pixels() -> None:
    prove(lambda x, w: functional.batch_norm(x, None, None, w, training=True), leaf(1, 6, 2, 2), leaf(6), type_=BATCH)


def test_instance_norm_is_a_batch_norm() -> None:
    prove(lambda x, w, b: functional.instance_norm(x, None, None, w, b), leaf(2, 3, 7), leaf(3), leaf(3), type_=BATCH)


def test_layer_norm() -> None:
    for shape, size in (((4, 5), (5,)), ((2, 3, 4), (3, 4)), ((2, 3, 2, 5), (5,)), ((6,), (6,))):
        prove(
            lambda x, w, b, size=size: functional.layer_norm(x, size, w, b),
            leaf(*shape), leaf(*size, seed=1), leaf(*size, seed=2), type_=LAYER,
        )  # fmt: skip
        prove(lambda x, size=size: functional.layer_norm(x, size), leaf(*shape), type_=LAYER)


@pytest.mark.parametrize("groups", [1, 2, 6])
def test_group_norm(groups: int) -> None:
    for shape in ((2, 6, 5), (3, 6, 2, 3)):
        affine = leaf(6, seed=1), leaf(6, seed=2)
        prove(lambda x, w, b: functional.group_norm(x, groups, w, b), leaf(*shape), *affine, type_=GROUP)
    prove(lambda x: functional.group_norm(x, groups), leaf(2, 6, 4), type_=GROUP)


def test_the_saved_statistics_of_group_norm_pass_gradients_on() -> None:
    def norm(x: torch.Tensor) -> torch.Tensor:
        y, mean, invstd = torch.native_group_norm(x, None, None, 2, 4, 3, 2, 1e-5)
        return torch.cat([y.flatten(), mean.flatten(), invstd.flatten()])

    prove(norm, leaf(2, 4, 3), type_=GROUP)


def test_rms_norm() -> None:
    x, weight = leaf(3, 4, dtype=torch.float64), leaf(4, dtype=torch.float64, seed=1)
    invrms = (x.pow(2).mean(-1, keepdim=True) + 1e-6).rsqrt()
    g, of_invrms = torch.randn_like(x), torch.randn_like(invrms)
    total = (functional.rms_norm(x, (4,), weight, 1e-6) * g).sum() + (invrms * of_invrms).sum()
    gradients = dict(enumerate(torch.autograd.grad(total, (x, weight))))
    saved = {"input": x, "weight": weight, "result1": invrms}
    values = node_values("FusedRmsNormBackward0", {0: g, 1: of_invrms}, saved, gradients, {"normalized_shape": [4]})
    assert_gradients(values, gradients)


def test_the_parts_of_an_input_have_names() -> None:
    with recorded(lambda x: functional.batch_norm(x, None, None, training=True), leaf(4, 3), type_=BATCH) as found:
        [(_, _, values)] = found
        rule = find_rule(BATCH)
        assert rule is not None
        terms = break_down(rule, values, 0, (2, 1))
        gradient = value_of(rule.vjp(values)[0])[2, 1]
    assert {term.label for term in terms.listed} == {"by itself", "through the mean", "through the variance"}
    assert terms.count == 9
    np.testing.assert_allclose(terms.total, gradient)


def test_the_expanded_formula_knows_that_a_large_mean_costs_digits() -> None:
    """Both are the same number, but in single precision torch's has to subtract large numbers."""
    rng = np.random.default_rng(0)
    g, x = rng.standard_normal((2, 8)), 1000 + rng.standard_normal((2, 8))
    mean, invstd = x.mean(1, keepdims=True), 1 / x.std(1, keepdims=True)
    np.testing.assert_allclose(
        expanded_gradient(g, x, mean, invstd, (1,)), normalized_gradient(g, x, mean, invstd, (1,)), atol=1e-9
    )
    bounded = [exact(array, 2.0**-24) for array in (g, x, mean, invstd)]
    functions: tuple[Any, ...] = (normalized_gradient, expanded_gradient)
    small, large = (function(*bounded, (1,)).errors.max() for function in functions)
    assert large > 100 * small
