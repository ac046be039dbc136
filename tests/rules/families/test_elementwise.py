"""Rules of sums, products, quotients, powers and roots."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.edges import assert_kinks_hold
from tests.rules.proving import leaf, prove

Function = Callable[..., torch.Tensor]
FUNCTIONS: list[tuple[str, Function, int]] = [
    ("AddBackward0", lambda a, b: torch.add(a, b, alpha=-1.3), 2),
    ("SubBackward0", lambda a, b: torch.sub(a, b, alpha=0.7), 2),
    ("RsubBackward0", lambda a, b: torch.rsub(a, b, alpha=0.7), 2),
    ("RsubBackward1", lambda a: 1.5 - a, 1),
    ("MulBackward0", lambda a, b: a * b, 2),
    ("DivBackward0", lambda a, b: a / b, 2),
    ("DivBackward2", lambda a, b: torch.div(a, b, rounding_mode=None), 2),
    ("NegBackward0", lambda a: -a, 1),
    ("ReciprocalBackward0", torch.reciprocal, 1),
    ("SqrtBackward0", lambda a: a.abs().sqrt(), 1),
    ("RsqrtBackward0", lambda a: (a.abs() + 0.1).rsqrt(), 1),
    ("PowBackward0", lambda a: a.abs() ** 2.3, 1),
    ("PowBackward0", lambda a: a**3, 1),
    ("PowBackward1", lambda a, b: a.abs() ** b, 2),
    ("PowBackward2", lambda a: 2.5**a, 1),
    ("AddcmulBackward0", lambda a, b, c: torch.addcmul(a, b, c, value=0.3), 3),
    ("AddcdivBackward0", lambda a, b, c: torch.addcdiv(a, b, c, value=0.3), 3),
    ("LerpBackward0", lambda a, b: torch.lerp(a, b, 0.3), 2),
    ("LerpBackward1", torch.lerp, 3),
    ("HypotBackward0", torch.hypot, 2),
    ("FmodBackward0", lambda a: torch.fmod(a, 0.7), 1),
    ("FmodBackward1", torch.fmod, 2),
    ("RemainderBackward0", lambda a: torch.remainder(a, 0.7), 1),
    ("RemainderBackward1", torch.remainder, 2),
    ("FrexpBackward0", lambda a: torch.frexp(a * 9)[0], 1),
    ("LdexpBackward0", torch.ldexp, 2),
    ("Deg2RadBackward0", torch.deg2rad, 1),
    ("Rad2DegBackward0", torch.rad2deg, 1),
]
COMPLEX: list[tuple[str, Function, int]] = [
    row
    for row in FUNCTIONS
    if row[0] in ("MulBackward0", "DivBackward0", "ReciprocalBackward0", "LerpBackward1", "AddcdivBackward0")
] + [
    ("AddBackward0", lambda a, b: torch.add(a, b, alpha=0.5 - 2j), 2),
    ("SubBackward0", lambda a, b: torch.sub(a, b, alpha=0.5 - 2j), 2),
    ("RsubBackward0", lambda a, b: torch.rsub(a, b, alpha=0.5 - 2j), 2),
    ("MulBackward0", lambda a: a * (2 + 1j), 1),
    ("LerpBackward0", lambda a, b: torch.lerp(a, b, 0.3 + 1j), 2),
    ("SqrtBackward0", torch.sqrt, 1),
    ("RsqrtBackward0", torch.rsqrt, 1),
    ("PowBackward0", lambda a: a ** (1.5 + 0.5j), 1),
    ("PowBackward0", lambda a: a**3, 1),
    ("PowBackward1", lambda a, b: a**b, 2),
    ("PowBackward2", lambda a: (1.5 + 1j) ** a, 1),
]  # fmt: skip


def _leaves(count: int, dtype: torch.dtype = torch.float32) -> list[torch.Tensor]:
    shapes = ((3, 4), (3, 1), (2, 3, 4))
    return [leaf(*shapes[number], dtype=dtype, seed=number) for number in range(count)]


@pytest.mark.parametrize(("type_", "function", "count"), FUNCTIONS)
def test_slopes(type_: str, function: Function, count: int) -> None:
    prove(function, *_leaves(count), type_=type_)


@pytest.mark.parametrize(("type_", "function", "count"), COMPLEX)
def test_slopes_of_complex_numbers(type_: str, function: Function, count: int) -> None:
    prove(function, *_leaves(count, torch.complex64), type_=type_)


def test_a_real_operand_gets_the_real_part() -> None:
    prove(torch.mul, leaf(3, 2), leaf(3, 2, dtype=torch.complex64), type_="MulBackward0")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", ["mul", "div"])
def test_half_precision(dtype: torch.dtype, name: str) -> None:
    leaves = [tensor.detach().to(dtype).requires_grad_() for tensor in _leaves(2)]
    prove(lambda a, b: getattr(torch, name)(a, b).float(), *leaves, type_=f"{name.title()}Backward0", tight=0.2)


def test_mixed_precision() -> None:
    prove(torch.mul, leaf(3, dtype=torch.float64), leaf(2, 3), type_="MulBackward0")


def test_a_rounded_quotient_passes_nothing() -> None:
    prove(lambda a, b: torch.div(a, b, rounding_mode="floor"), *_leaves(2), type_="DivBackward2")


def test_nothing_and_a_single_number() -> None:
    prove(torch.mul, leaf(0, 3), leaf(3), type_="MulBackward0")
    prove(torch.div, leaf(), leaf(), type_="DivBackward0")


def test_kinks_of_one_argument() -> None:
    functions: list[Function] = [
        torch.sqrt, torch.rsqrt, torch.reciprocal, lambda a: a**0.5, lambda a: a**2, lambda a: a**-1,
        lambda a: 0.0**a, lambda a: 2.0**a, lambda a: a / 0.0,
    ]  # fmt: skip
    assert_kinks_hold(functions, {"SqrtBackward0", "PowBackward0", "PowBackward2", "RsqrtBackward0"})


def test_kinks_of_two_arguments() -> None:
    functions: list[Function] = [torch.mul, torch.div, torch.hypot, torch.fmod, torch.remainder]
    types = {"MulBackward0", "DivBackward0", "HypotBackward0", "FmodBackward1", "RemainderBackward1"}
    assert_kinks_hold(functions, types, arguments=2)
    assert_kinks_hold([torch.pow, lambda a, b: a**0], {"PowBackward1", "PowBackward0"}, arguments=2, weights=(0.7,))


@settings(max_examples=6, deadline=None)
@given(st.data())
def test_broadcast_operands_get_the_sum(data: st.DataObject) -> None:
    """Any shape that broadcasts against another."""
    shape = data.draw(st.lists(st.integers(1, 4), max_size=3))
    thinner = [1 if data.draw(st.booleans()) else length for length in shape]
    thinner = thinner[data.draw(st.integers(0, len(thinner))) :]
    prove(torch.mul, leaf(*shape), leaf(*thinner, seed=3), type_="MulBackward0")
