"""Losses, the CTC loss, the chunked cross entropy, dropout and random numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn import functional

from tests.rules.handmade import assert_gradients, node_values
from tests.rules.proving import leaf, prove, recorded

CTC: Any = functional.ctc_loss
REDUCTIONS = ("mean", "sum", "none")
DISTANCES: list[tuple[str, Callable[..., torch.Tensor], dict[str, Any]]] = [
    ("MseLossBackward0", functional.mse_loss, {}),
    ("HuberLossBackward0", functional.huber_loss, {"delta": 0.5}),
    ("SmoothL1LossBackward0", functional.smooth_l1_loss, {"beta": 0.7}),
]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(("type_", "loss", "options"), DISTANCES, ids=[case[0] for case in DISTANCES])
def test_distances(type_: str, loss: Callable[..., torch.Tensor], options: dict[str, Any], reduction: str) -> None:
    prove(lambda x, y: loss(x, y, reduction=reduction, **options), leaf(3, 4), leaf(3, 4, seed=1), type_=type_)
    prove(lambda x: loss(x, torch.zeros(3, 4), reduction=reduction, **options), leaf(3, 4), type_=type_)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_two_classes(reduction: str) -> None:
    weight = torch.rand(4, generator=torch.Generator().manual_seed(0))
    options: dict[str, Any] = {"weight": weight, "reduction": reduction}
    for target in (leaf(3, 4, seed=1), torch.tensor([1.0, 0, 1, 0]).expand(3, 4)):
        prove(
            lambda x, y: functional.binary_cross_entropy(x.sigmoid(), y.sigmoid(), **options),
            leaf(3, 4), target, type_="BinaryCrossEntropyBackward0",
        )  # fmt: skip
        for positive in (None, weight + 1):
            prove(
                lambda x, y, p=positive: functional.binary_cross_entropy_with_logits(x, y, pos_weight=p, **options),
                leaf(3, 4), target, type_="BinaryCrossEntropyWithLogitsBackward0",
            )  # fmt: skip
    signs = torch.tensor([1.0, -1, 1, -1])
    prove(
        lambda x: functional.soft_margin_loss(x, signs.expand(3, 4), reduction=reduction),
        leaf(3, 4), type_="SoftMarginLossBackward0",
    )  # fmt: skip


def test_sure_scores_do_not_overflow() -> None:
    x = torch.tensor([800.0, -800.0, 0.0], requires_grad=True)
    target = torch.tensor([1.0, 1.0, 0.0])
    for positive in (None, torch.tensor([2.0, 1.0, 3.0])):
        prove(
            lambda x, p=positive: functional.binary_cross_entropy_with_logits(x, target, pos_weight=p),
            x, type_="BinaryCrossEntropyWithLogitsBackward0",
        )  # fmt: skip
    prove(lambda x: functional.soft_margin_loss(x, 2 * target - 1), x, type_="SoftMarginLossBackward0")


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_the_right_class(reduction: str) -> None:
    weight = torch.rand(4, generator=torch.Generator().manual_seed(0))
    places = torch.tensor([[[0, 3, 2]], [[1, -100, 1]]])
    for w in (None, weight):
        options: dict[str, Any] = {"weight": w, "reduction": reduction}
        for target in (torch.tensor([2, 0, -100]), torch.tensor([1, 1, 3])):
            prove(lambda x, t=target, o=options: functional.nll_loss(x, t, **o), leaf(3, 4), type_="NllLossBackward0")
        prove(lambda x, o=options: functional.nll_loss(x, places, **o), leaf(2, 4, 1, 3), type_="NllLoss2DBackward0")
    prove(lambda x: functional.nll_loss(x, torch.tensor(1), reduction=reduction), leaf(4), type_="NllLossBackward0")


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_margins(reduction: str) -> None:
    weight = torch.rand(4, generator=torch.Generator().manual_seed(0))
    for options in ({}, {"p": 2, "margin": 0.5}, {"weight": weight}):
        given: dict[str, Any] = {"reduction": reduction, **options}
        prove(
            lambda x, g=given: functional.multi_margin_loss(x, torch.tensor([0, 3, 1]), **g),
            leaf(3, 4), type_="MultiMarginLossBackward0",
        )  # fmt: skip
    labels = torch.tensor([[3, 0, -1, 1], [-1, 0, 0, 0], [2, 1, 0, 3]])
    prove(
        lambda x: functional.multilabel_margin_loss(x, labels, reduction=reduction),
        leaf(3, 4), type_="MultilabelMarginLossBackward0",
    )  # fmt: skip


@pytest.mark.parametrize("as_tensors", [False, True])
def test_ctc(as_tensors: bool) -> None:
    lengths = ([9, 6, 2], [3, 2, 3])
    given = [torch.tensor(some) if as_tensors else some for some in lengths]
    type_ = f"CtcLossBackward{int(as_tensors)}"
    targets = torch.tensor([[1, 2, 2], [3, 1, 0], [1, 1, 2]])
    for texts in (targets, torch.tensor([1, 2, 2, 3, 1, 1, 1, 2])):
        prove(
            lambda x, t=texts: CTC(x.log_softmax(2), t, *given, zero_infinity=True),
            leaf(9, 3, 4), type_=type_,
        )  # fmt: skip
    only = torch.tensor([1, 1])
    prove(lambda x: CTC(x.log_softmax(1), only, (7,), (2,)), leaf(7, 3), type_="CtcLossBackward0")


def test_what_ctc_left_uninitialized_is_not_looked_at() -> None:
    scores = leaf(4, 2, 3, dtype=torch.float64).log_softmax(2).detach().requires_grad_()
    given = torch.tensor([[1, 2], [2, 0]]), [4, 3], [2, 1]
    loss, alpha = torch.ops.aten._ctc_loss(scores, *given)
    g = torch.ones_like(loss)
    gradients = {0: torch.autograd.grad(loss, scores, g)[0]}
    alpha[1, :, 3:], alpha[1, 3:] = torch.nan, torch.nan
    saved = {"log_probs": scores, "targets": given[0], "result0": loss, "result1": alpha}
    lengths = {"input_lengths": given[1], "target_lengths": given[2]}
    assert_gradients(node_values("CtcLossBackward0", {0: g}, saved, gradients, lengths), gradients)


def test_a_text_without_letters() -> None:
    prove(
        lambda x: CTC(x.log_softmax(2), torch.zeros((2, 0), dtype=torch.long), [4, 3], [0, 0]),
        leaf(4, 2, 3), type_="CtcLossBackward0",
    )  # fmt: skip


def test_dropout() -> None:
    prove(lambda x: torch.native_dropout(x, 0.5, True)[0], leaf(4, 5), type_="NativeDropoutBackward0")
    prove(lambda x: torch.native_dropout(x, 0.5, False)[0], leaf(4, 5), type_="NativeDropoutBackward0")


def test_random_numbers_have_no_gradient() -> None:
    with recorded(lambda x: torch.bernoulli(x.sigmoid()), leaf(3), type_="BernoulliBackward0") as [(_, proof, _)]:
        assert proof.state == "not_differentiable"
