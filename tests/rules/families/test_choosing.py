"""Rules of operators that choose, limit and round."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from engine.rules.registry import reason_not_differentiable
from tests.rules.edges import assert_kinks_hold
from tests.rules.proving import leaf, prove

Function = Callable[..., torch.Tensor]
ONE: dict[str, Function] = {
    "AbsBackward0": torch.abs,
    "FracBackward0": torch.frac,
    "ClampBackward1": lambda a: a.clamp(-1, 2),
    "ClampMinBackward0": lambda a: torch.clamp_min(a, -0.5),
    "ClampMaxBackward0": lambda a: torch.clamp_max(a, 0.7),
    "NanToNumBackward0": torch.nan_to_num,
    "CopysignBackward1": lambda a: torch.copysign(a, -1.0),
    "CeilBackward0": torch.ceil,
    "FloorBackward0": torch.floor,
    "RoundBackward0": torch.round,
    "TruncBackward0": torch.trunc,
    "SignBackward0": torch.sign,
}
TWO: dict[str, Function] = {
    "MaximumBackward0": torch.maximum,
    "MinimumBackward0": torch.minimum,
    "FmaxBackward0": torch.fmax,
    "FminBackward0": torch.fmin,
    "ClampBackward0": lambda a, b: torch.clamp(a, b, -b),
    "ClampMinBackward1": torch.clamp_min,
    "ClampMaxBackward1": torch.clamp_max,
    "NextafterBackward0": torch.nextafter,
    "WhereBackward0": lambda a, b: torch.where(a > b, a, b),
}


@pytest.mark.parametrize("type_", [name for name in ONE if reason_not_differentiable(name) is None])
def test_of_one_number(type_: str) -> None:
    prove(ONE[type_], leaf(4, 5), type_=type_)


@pytest.mark.parametrize("type_", [*TWO, "CopysignBackward0"])
def test_of_two_numbers(type_: str) -> None:
    prove(TWO.get(type_, torch.copysign), leaf(4, 5), leaf(5, seed=1), type_=type_)


def test_limits_that_are_left_out() -> None:
    prove(lambda a, b: torch.clamp(a, max=b), leaf(4, 5), leaf(5, seed=1), type_="ClampBackward0")
    prove(lambda a, b: torch.clamp(a, min=b), leaf(4, 5), leaf(5, seed=1), type_="ClampBackward0")


def test_the_absolute_value_of_a_complex_number() -> None:
    prove(torch.abs, leaf(4, 5, dtype=torch.complex64), type_="AbsBackward0")


def test_kinks() -> None:
    assert_kinks_hold(list(ONE.values()), set(ONE))
    assert_kinks_hold(list(TWO.values()), set(TWO), arguments=2, weights=(0.7, torch.nan, torch.inf))
    assert_kinks_hold([torch.copysign], {"CopysignBackward0"}, arguments=2, weights=(0.7,))


def test_a_limit_is_rounded_as_the_numbers_are() -> None:
    """0.7 in single precision is below 0.7: it is on the border all the same."""
    functions: list[Function] = [lambda a: a.clamp(0.7), torch.nn.Hardtanh(-0.7, 0.7), torch.nn.Softshrink(0.7)]
    assert_kinks_hold(functions, {"ClampBackward1", "HardtanhBackward0", "SoftshrinkBackward0"}, numbers=(0.7, -0.7))
