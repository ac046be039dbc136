"""Rules of exponentials, logarithms and angles."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from tests.rules.edges import assert_kinks_hold
from tests.rules.proving import leaf, prove

Function = Callable[..., torch.Tensor]
ONE: dict[str, Function] = {
    "ExpBackward0": torch.exp,
    "Exp2Backward0": torch.exp2,
    "Expm1Backward0": torch.expm1,
    "LogBackward0": torch.log,
    "Log2Backward0": torch.log2,
    "Log10Backward0": torch.log10,
    "Log1PBackward0": torch.log1p,
    "SinBackward0": torch.sin,
    "CosBackward0": torch.cos,
    "TanBackward0": torch.tan,
    "SinhBackward0": torch.sinh,
    "CoshBackward0": torch.cosh,
    "AsinBackward0": torch.asin,
    "AcosBackward0": torch.acos,
    "AtanBackward0": torch.atan,
    "AsinhBackward0": torch.asinh,
    "AcoshBackward0": torch.acosh,
    "AtanhBackward0": torch.atanh,
}
TWO: dict[str, Function] = {
    "Atan2Backward0": torch.atan2,
    "LogaddexpBackward0": torch.logaddexp,
    "Logaddexp2Backward0": torch.logaddexp2,
    "XlogyBackward0": torch.xlogy,
    "SpecialXlog1PyBackward0": torch.special.xlog1py,
}
SCALARS: dict[str, Function] = {
    "XlogyBackward1": lambda a: torch.xlogy(1.5, a),
    "XlogyBackward2": lambda a: torch.xlogy(a, 1.5),
    "SpecialXlog1PyBackward1": lambda a: torch.special.xlog1py(1.5, a),
    "SpecialXlog1PyBackward2": lambda a: torch.special.xlog1py(a, 1.5),
    "SincBackward0": torch.sinc,
}


def _inside(type_: str, values: torch.Tensor) -> torch.Tensor:
    """Numbers at which the function is defined."""
    fraction = torch.sigmoid(values) * 0.9
    return fraction + 1.5 if type_ == "AcoshBackward0" else fraction


@pytest.mark.parametrize("type_", ONE | SCALARS)
def test_of_one_number(type_: str) -> None:
    prove(lambda a: (ONE | SCALARS)[type_](_inside(type_, a)), leaf(4, 5), type_=type_)


@pytest.mark.parametrize("type_", TWO)
def test_of_two_numbers(type_: str) -> None:
    prove(lambda a, b: TWO[type_](a, _inside(type_, b)), leaf(4, 5), leaf(5, seed=1), type_=type_)


@pytest.mark.parametrize("type_", ONE)
def test_of_complex_numbers(type_: str) -> None:
    prove(ONE[type_], leaf(4, dtype=torch.complex128), type_=type_)


def test_kinks() -> None:
    assert_kinks_hold(list(ONE.values()), set(ONE))
    assert_kinks_hold(list(TWO.values()), set(TWO), arguments=2, weights=(0.7,))
    assert_kinks_hold(list(SCALARS.values()), set(SCALARS), weights=(0.7,))


def test_a_large_difference_overflows_in_single_precision_only() -> None:
    assert_kinks_hold([torch.logaddexp], {"LogaddexpBackward0"}, arguments=2, numbers=(0.0, 87.0, 89.0, 100.0, 800.0))
