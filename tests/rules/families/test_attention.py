"""Attention as one node."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn import functional

from engine.rules.registry import find_rule
from engine.rules.values import UnsupportedError
from tests.rules.handmade import assert_gradients, node_values
from tests.rules.proving import leaf, prove

TYPE = "ScaledDotProductFlashAttentionForCpuBackward0"
ATTENTION: Any = functional.scaled_dot_product_attention
Tensors = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def heads(queries: int = 4, keys: int = 5, dtype: torch.dtype = torch.float32) -> Tensors:
    """Query, key and value of two images and two heads, with three features."""
    query, key, value = (leaf(2, 2, count, 3, dtype=dtype, seed=count) for count in (queries, keys, keys + 1))
    return query, key, value[:, :, :keys].detach().requires_grad_()


OPTIONS: list[dict[str, Any]] = [
    {},
    {"is_causal": True},
    {"scale": 0.3},
    {"attn_mask": torch.tensor([[True, False, True, True, True]] * 3 + [[False] * 4 + [True]])},
    {"attn_mask": torch.randn(2, 1, 4, 5, generator=torch.Generator().manual_seed(0))},
]


@pytest.mark.parametrize("number", range(len(OPTIONS)))
def test_attention(number: int) -> None:
    prove(lambda *t: ATTENTION(*t, **OPTIONS[number]), *heads(), type_=TYPE)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_heads_that_share_keys_and_values(groups: int) -> None:
    """Grouped-query attention, as Llama has it."""
    query = leaf(2, 4, 5, 3, seed=1)
    key, value = leaf(2, groups, 6, 3, seed=2), leaf(2, groups, 6, 3, seed=3)
    mask = torch.ones(5, 6, dtype=torch.bool).tril()
    prove(lambda *t: ATTENTION(*t, enable_gqa=True), query, key, value, type_=TYPE)
    prove(lambda *t: ATTENTION(*t, attn_mask=mask, enable_gqa=True), query, key, value, type_=TYPE)


def test_many_positions() -> None:
    prove(lambda *t: ATTENTION(*t, is_causal=True), *heads(70, 70), type_=TYPE)


def _by_parts(tensors: Tensors, bias: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    query, key, value = tensors
    scores = query @ key.mT / 3**0.5 + bias
    return scores.softmax(-1) @ value, scores.logsumexp(-1)


def test_kernels_of_other_devices_have_the_same_rule() -> None:
    tensors, bias = heads(dtype=torch.float64), leaf(2, 1, 1, 5, dtype=torch.float64)
    output, total = _by_parts(tensors, bias)
    g = torch.randn_like(output)
    gradients = dict(enumerate(torch.autograd.grad(output, (*tensors, bias), g)))
    saved = dict(zip(("query", "key", "value"), tensors, strict=True))
    saved |= {"output": output, "log_sumexp": total, "attn_bias": bias}
    values = node_values("ScaledDotProductEfficientAttentionBackward0", {0: g}, saved, gradients, {"dropout_p": 0.0})
    assert_gradients(values, gradients)


def test_dropout_is_not_guessed() -> None:
    tensors = heads(dtype=torch.float64)
    output, total = _by_parts(tensors, torch.zeros(()))
    saved = dict(zip(("query", "key", "value"), tensors, strict=True)) | {"output": output, "logsumexp": total}
    gradients = {0: torch.zeros_like(tensors[0])}
    type_ = "ScaledDotProductFlashAttentionBackward0"
    values = node_values(type_, {0: output}, saved, gradients, {"dropout_p": 0.1})
    rule = find_rule(type_)
    assert rule is not None
    with pytest.raises(UnsupportedError, match="dropped at random"):
        rule.vjp(values)
