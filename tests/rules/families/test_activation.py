"""Rules of activation functions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.nn import functional as F

from tests.rules.edges import assert_kinks_hold, faults, proofs
from tests.rules.proving import leaf, prove

Function = Callable[..., torch.Tensor]
FUNCTIONS: list[tuple[str, Function]] = [
    ("ReluBackward0", F.relu),
    ("ThresholdBackward0", lambda a: F.threshold(a, 0.3, 2.0)),
    ("ThresholdBackward1", lambda a: torch.threshold_(a * 1, 0.3, 2.0)),
    ("HardtanhBackward0", F.relu6),
    ("HardtanhBackward0", F.hardtanh),
    ("HardshrinkBackward0", F.hardshrink),
    ("SoftshrinkBackward0", F.softshrink),
    ("HardsigmoidBackward0", F.hardsigmoid),
    ("HardswishBackward0", F.hardswish),
    ("LeakyReluBackward0", F.leaky_relu),
    ("LeakyReluBackward1", lambda a: F.leaky_relu_(a * 1, 0.1)),
    ("RreluWithNoiseBackward0", F.rrelu),
    ("SigmoidBackward0", torch.sigmoid),
    ("TanhBackward0", torch.tanh),
    ("LogitBackward0", torch.logit),
    ("LogitBackward0", lambda a: torch.logit(a, 0.2)),
    ("LogSigmoidBackward0", F.logsigmoid),
    ("SoftplusBackward0", F.softplus),
    ("SoftplusBackward0", lambda a: F.softplus(a, 3, 2)),
    ("SiluBackward0", F.silu),
    ("MishBackward0", F.mish),
    ("GeluBackward0", F.gelu),
    ("GeluBackward0", lambda a: F.gelu(a, approximate="tanh")),
    ("EluBackward0", lambda a: F.elu(a, 1.7)),
    ("EluBackward0", F.selu),
    ("EluBackward1", lambda a: F.elu_(a * 1, 1.7)),
    ("CeluBackward0", lambda a: F.celu(a, 0.7)),
    ("CeluBackward1", lambda a: torch.celu_(a * 1, 0.7)),
]
DRAWN: list[tuple[str, Function]] = [  # of the running random state: one number each time
    ("RreluWithNoiseBackward0", lambda a: F.rrelu(a, training=True)),
    ("RreluWithNoiseBackward1", lambda a: F.rrelu_(a * 1, training=True)),
]


@pytest.mark.parametrize(("type_", "function"), FUNCTIONS + DRAWN)
def test_slopes(type_: str, function: Function) -> None:
    inside = torch.sigmoid if type_ == "LogitBackward0" else lambda a: 3 * a
    prove(lambda a: function(inside(a)), leaf(6, 5), type_=type_)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_precisions(dtype: torch.dtype) -> None:
    tight = 0.3 if dtype.itemsize == 2 else 1e-12
    for type_, function in FUNCTIONS:
        if type_ in ("GeluBackward0", "ReluBackward0", "SiluBackward0", "TanhBackward0", "SigmoidBackward0"):
            x = leaf(6, 5).detach().to(dtype).requires_grad_()
            prove(lambda a, f=function: f(a).float(), x, type_=type_, tight=tight)


def test_complex_sigmoid_and_tanh() -> None:
    prove(torch.sigmoid, leaf(6, dtype=torch.complex64), type_="SigmoidBackward0")
    prove(torch.tanh, leaf(6, dtype=torch.complex64), type_="TanhBackward0")


@pytest.mark.parametrize("axis", [0, -1, 1])
def test_gates(axis: int) -> None:
    prove(lambda a: F.glu(a, axis), leaf(4, 6, 2), type_="GluBackward0")


def test_a_learnt_slope_gathers_what_was_off() -> None:
    prove(F.prelu, leaf(4, 3, 5), leaf(3, seed=1), type_="PreluKernelBackward0")
    prove(F.prelu, leaf(4, 3, 5), leaf(1, seed=1), type_="PreluKernelBackward0")


@pytest.mark.parametrize("weight", [0.7, torch.nan])
@pytest.mark.parametrize("length", [1, 16, 40])
def test_what_a_limited_logit_makes_of_nan_depends_on_the_processor(length: int, weight: float) -> None:
    leaves = [torch.full((length,), torch.nan)]
    assert not faults(proofs([lambda a: torch.logit(a, 0.2)], leaves, torch.tensor(weight)))


def test_kinks() -> None:
    smooth = ("GeluBackward0", "MishBackward0", "SiluBackward0")
    assert_kinks_hold([f for _, f in FUNCTIONS], {type_ for type_, _ in FUNCTIONS})
    masks = [
        (type_, f)
        for type_, f in FUNCTIONS
        if type_.startswith(("Relu", "Thres", "Hard", "Soft")) and type_ not in smooth
    ]
    assert_kinks_hold([f for _, f in masks], {type_ for type_, _ in masks}, weights=(torch.inf,))
