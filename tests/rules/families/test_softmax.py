"""Softmax and its relatives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.nn import functional

from engine.rules.registry import find_rule
from engine.rules.terms import break_down
from tests.rules.proving import leaf, prove, recorded

FUNCTIONS: list[tuple[str, Callable[..., torch.Tensor]]] = [
    ("SoftmaxBackward0", torch.softmax),
    ("LogSoftmaxBackward0", torch.log_softmax),
    ("LogsumexpBackward0", torch.logsumexp),
    ("SafeSoftmaxBackward0", torch.ops.aten._safe_softmax),
]


@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize(("type_", "function"), FUNCTIONS, ids=[type_ for type_, _ in FUNCTIONS])
def test_rows(type_: str, function: Callable[..., torch.Tensor], dim: int) -> None:
    prove(lambda x: function(x, dim), leaf(3, 4, 2), type_=type_)


@pytest.mark.parametrize(("type_", "function"), FUNCTIONS, ids=[type_ for type_, _ in FUNCTIONS])
def test_a_single_number(type_: str, function: Callable[..., torch.Tensor]) -> None:
    with recorded(lambda x: function(x, 0), leaf(), type_=type_) as [(_, proof, _)]:
        assert proof.state == "proved", proof.reason


def test_the_sum_of_exponentials_over_several_dimensions() -> None:
    for options in ({"dim": (0, 2)}, {"dim": (0, 2), "keepdim": True}, {"dim": (1,), "keepdim": True}):
        prove(lambda x, options=options: torch.logsumexp(x, **options), leaf(2, 3, 4), type_="LogsumexpBackward0")


def test_a_row_without_any_possibility() -> None:
    row = torch.tensor([[-torch.inf, -torch.inf], [0.0, 1.0]])
    with recorded(lambda x: torch.softmax(x + row, 1), leaf(2, 2), type_="SoftmaxBackward0") as [(_, proof, _)]:
        assert proof.state == "proved", proof.reason


def test_other_dtypes() -> None:
    prove(lambda x: torch.softmax(x, 1, dtype=torch.float64), leaf(3, 4), type_="SoftmaxBackward0")
    prove(lambda x: torch.softmax(x, 1), leaf(3, 4, dtype=torch.bfloat16), type_="SoftmaxBackward0", tight=0.2)


@pytest.mark.parametrize("log", [False, True])
def test_the_gradient_of_a_gradient(log: bool) -> None:
    def twice(x: torch.Tensor) -> torch.Tensor:
        y = torch.log_softmax(x, 1) if log else torch.softmax(x, 1)
        return torch.autograd.grad(y.pow(2).sum(), x, create_graph=True)[0]

    prove(twice, leaf(3, 4), type_=f"{'LogSoftmax' if log else 'Softmax'}BackwardDataBackward0")


def test_a_cross_entropy_is_the_probability_less_one_for_the_right_class() -> None:
    target = torch.tensor([2, 0])

    def loss(x: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(x, target, reduction="sum")

    with recorded(loss, leaf(2, 3), type_="LogSoftmaxBackward0") as [(_, _, values)]:
        rule = find_rule(values.type)
        assert rule is not None
        terms = break_down(rule, values, 0, (0, 2))
        gradient = rule.vjp(values)[0]
        y = np.asarray(values.saved("result"))
        scale = -float(np.sum(values.grad()[0]))
    right = np.eye(3)[target.numpy()]
    np.testing.assert_allclose(gradient, scale * (np.exp(y) - right), rtol=1e-6)
    assert {term.label for term in terms.listed} == {"by itself", "through the sum"}
