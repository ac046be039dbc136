"""A node's values without a recording, for operators that run only on other devices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from engine.recording.model import Node
from engine.rules.registry import find_rule
from engine.rules.values import NodeValues


def node_values(
    type_: str,
    grads: Mapping[int, torch.Tensor],
    saved: Mapping[str, torch.Tensor],
    gradients: Mapping[int, torch.Tensor],
    arguments: Mapping[str, Any] | None = None,
    *,
    plain: bool = True,
) -> NodeValues:
    """`grads`: what entered, by output; `gradients`: what left, by slot."""
    arrays = {("grad_output", slot, ""): tensor for slot, tensor in grads.items()}
    arrays |= {("saved", 0, name): tensor for name, tensor in saved.items()}
    arrays |= {("grad_input", slot, ""): tensor for slot, tensor in gradients.items()}
    held = [tensor.detach().numpy() for tensor in arrays.values()]
    numbers = {role: number for number, role in enumerate(arrays)}
    node = Node(id=0, graph=0, kind="operation", type=type_, info={"args": dict(arguments or {})})
    return NodeValues(
        node, numbers, lambda tensor: held[tensor], lambda tensor: (held[tensor].shape, str(held[tensor].dtype)),
        plain=plain,
    )  # fmt: skip


def assert_gradients(values: NodeValues, gradients: Mapping[int, torch.Tensor]) -> None:
    """The rule gives what autograd gave."""
    rule = find_rule(values.type)
    assert rule is not None
    found = rule.vjp(values)
    assert found.keys() == gradients.keys()
    for slot, gradient in gradients.items():
        np.testing.assert_allclose(found[slot], gradient.detach().numpy(), rtol=1e-9, atol=1e-9)
