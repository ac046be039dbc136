"""Casts, overlapping views, and writes into views: of what, by what, and with what in between."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.nn import functional

from engine.rules.registry import find_rule
from tests.rules.proving import leaf, prove, recorded


@pytest.mark.parametrize("target", [torch.float16, torch.bfloat16, torch.float64, torch.complex64], ids=str)
@pytest.mark.parametrize("source", [torch.bfloat16, torch.float32, torch.complex128], ids=str)
@pytest.mark.filterwarnings("ignore:Casting complex values:UserWarning")
def test_casts(source: torch.dtype, target: torch.dtype) -> None:
    if source != target:
        prove(lambda x: x.to(target) * 1, leaf(2, 3, dtype=source), type_="ToCopyBackward0", tight=0.05)


def test_copies_and_other_layouts() -> None:
    prove(lambda x: x.clone(), leaf(2, 3), type_="CloneBackward0")
    prove(lambda x: x.to_sparse().to_dense(), leaf(2, 3), type_="ToDenseBackward0")
    prove(lambda x: x.to_sparse().to_dense(), leaf(2, 3), type_="ToSparseBackward1")


WINDOWS: list[tuple[str, Callable[[torch.Tensor], torch.Tensor]]] = [
    ("AsStridedBackward0", lambda x: x.as_strided((4, 3), (2, 1))),
    ("AsStridedBackward0", lambda x: x.as_strided((2, 2), (0, 5), 1)),
    ("AsStridedBackward0", lambda x: x.mT.as_strided((3, 2), (1, 4), 2)),
    ("AsStridedBackward0", lambda x: x[1:, ::2].as_strided((2, 2), (4, 2), 4)),
    ("AsStridedBackward0", lambda x: x[1:].as_strided((3, 4), (4, 1), 0)),
    ("UnfoldBackward0", lambda x: x.unfold(-1, 3, 1)),
    ("UnfoldBackward0", lambda x: x.unfold(0, 2, 2)),
    ("UnfoldBackward0", lambda x: x.unfold(0, 0, 1)),
    ("UnfoldBackwardBackward0", lambda x: torch.ops.aten.unfold_backward(x, [4, 4], 0, 4, 2)[:, :2] * 2),
    ("RepeatBackward0", lambda x: x.repeat(2, 1, 3)),
    ("RepeatBackward0", lambda x: x.repeat(0, 2)),
]


@pytest.mark.parametrize(("type_", "view"), WINDOWS, ids=[f"{name}-{at}" for at, (name, _) in enumerate(WINDOWS)])
def test_numbers_that_stand_in_several_places(type_: str, view: Callable[[torch.Tensor], torch.Tensor]) -> None:
    x = leaf(1, 4, 4) if type_ == "UnfoldBackwardBackward0" else leaf(3, 4)
    prove(view, x, type_=type_)


def test_the_gradient_that_torch_gives_to_what_as_strided_scatter_wrote_over_is_wrong() -> None:
    """torch 2.13 hands back the gradient of the part that was replaced, and none of the rest."""

    def write(x: torch.Tensor) -> torch.Tensor:
        return torch.as_strided_scatter(x, torch.zeros(2), (2,), (1,), 1)

    with recorded(write, leaf(4, dtype=torch.float64), type_="AsStridedScatterBackward0") as found:
        _, proof, values = found[0]
        rule = find_rule("AsStridedScatterBackward0")
        assert rule is not None
        by_hand = rule.vjp(values)[0]
        weights = values.grad()
    x = torch.arange(4, dtype=torch.float64)
    step = 1e-6
    slopes = [
        float(((write(x + step * unit) - write(x - step * unit)) / (2 * step) * torch.tensor(weights)).sum())
        for unit in torch.eye(4, dtype=torch.float64)
    ]
    np.testing.assert_allclose(by_hand, slopes, atol=1e-6)
    assert proof.state == "wrong"


def _part(write: Callable[[torch.Tensor, torch.Tensor], object]) -> Callable[..., torch.Tensor]:
    def run(x: torch.Tensor, s: torch.Tensor) -> torch.Tensor:
        whole = x * 1
        write(whole, s)
        return whole

    return run


def _assign(whole: torch.Tensor, s: torch.Tensor) -> None:
    whole[1:, ::2] = s


WRITES: list[tuple[Callable[[torch.Tensor, torch.Tensor], object], tuple[int, ...]]] = [
    (_assign, (2, 2)),
    (_assign, (2,)),
    (lambda w, s: w[0].zero_(), ()),
    (lambda w, s: w[:, 1].fill_(3.0), ()),
    (lambda w, s: w[:, 1].fill_(s), ()),
    (lambda w, s: w[0].mul_(s), (4,)),
    (lambda w, s: w[0].mul_(2.5), ()),
    (lambda w, s: w.t()[1:3].add_(s, alpha=2), (2, 3)),
    (lambda w, s: w[2].sub_(s), ()),
    (lambda w, s: w.diagonal().div_(s), (3,)),
    (lambda w, s: w[:2].masked_fill_(torch.tensor([True, False, False, True]), 0.0), ()),
    (lambda w, s: w[1].index_put_((torch.tensor([0, 3]),), s), (2,)),
    (lambda w, s: w.view(2, 6)[0].exp_(), ()),
    (lambda w, s: w[1:].sigmoid_(), ()),
    (lambda w, s: w[:, :2].relu_(), ()),
    (lambda w, s: w[0].scatter_add_(0, torch.tensor([1, 1]), s), (2,)),
    (lambda w, s: w[1:].atan2_(s), (2, 4)),
    (lambda w, s: w[1].fmod_(0.7), ()),
    (lambda w, s: w[1].remainder_(s), (4,)),
    (lambda w, s: w[:, 1:].copysign_(s), (3,)),
    (lambda w, s: w[:, 1:].triu_(), ()),
    (lambda w, s: w[1:].cumsum_(0), ()),
    (lambda w, s: w[1:].abs_().log1p_(), ()),
    (lambda w, s: w[1:].addmm_(s, s.t() @ s, beta=0.5), (2, 4)),
    (lambda w, s: w[1:].scatter_reduce_(0, torch.zeros(2, 4, dtype=torch.long), s, "sum"), (2, 4)),
    (lambda w, s: w[1:].put_(torch.tensor([0, 5]), s), (2,)),
    (lambda w, s: w[1:].floor_(), ()),
    (lambda w, s: w[1:].normal_(), ()),
    (lambda w, s: w[1:].bernoulli_(0.5), ()),
    (lambda w, s: functional.leaky_relu_(w[1:], 0.1), ()),
    (lambda w, s: functional.elu_(w[1:], 0.7), ()),
    (lambda w, s: functional.selu_(w[1:]), ()),
    (lambda w, s: functional.celu_(w[1:], 0.7), ()),
    (lambda w, s: functional.hardtanh_(w[1:]), ()),
    (lambda w, s: functional.threshold(w[1:], 0.1, 0.5, inplace=True), ()),
    (lambda w, s: functional.hardswish(w[1:], inplace=True), ()),
    (lambda w, s: functional.silu(w[1:], inplace=True), ()),
    (lambda w, s: functional.mish(w[1:], inplace=True), ()),
]


@pytest.mark.parametrize(("write", "shape"), WRITES, ids=range(len(WRITES)))
def test_writes_into_views(write: Callable[[torch.Tensor, torch.Tensor], object], shape: tuple[int, ...]) -> None:
    run = _part(write)
    prove(lambda x, s: run(x, s) + 0 * s.sum(), leaf(3, 4), leaf(*shape, seed=1), type_="CopySlices")


def test_a_copy_over_a_whole_tensor() -> None:
    prove(lambda x, s: (x * 1).copy_(s), leaf(2, 3), leaf(3, seed=1, dtype=torch.float64), type_="CopyBackwards")
