"""Rules of complex numbers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from tests.rules.edges import faults, proofs
from tests.rules.proving import leaf, prove

Function = Callable[..., torch.Tensor]
FUNCTIONS: dict[str, Function] = {
    "ConjBackward0": lambda a: a.conj() * 1,
    "ConjPhysicalBackward0": torch.conj_physical,
    "ConjPhysicalBackward1": lambda a: (a * 1).conj_physical_(),
    "AngleBackward0": torch.angle,
    "SgnBackward0": torch.sgn,
    "ViewAsRealBackward0": lambda a: torch.view_as_real(a) * 1.5,
    "NegViewBackward0": lambda a: a.conj().imag * 1.5,
}


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
@pytest.mark.parametrize("type_", FUNCTIONS)
def test_of_complex_numbers(type_: str, dtype: torch.dtype) -> None:
    function = FUNCTIONS[type_]
    prove(lambda a: function(a) * (1 if type_ == "NegViewBackward0" else 2), leaf(3, 4, dtype=dtype), type_=type_)


@pytest.mark.parametrize(("type_", "function"), [("ComplexBackward0", torch.complex), ("PolarBackward0", torch.polar)])
def test_of_two_real_numbers(type_: str, function: Function) -> None:
    prove(lambda a, b: function(a, b) * (2 - 1j), leaf(3, 4), leaf(3, 4, seed=1), type_=type_)


def test_pairs_become_complex_numbers() -> None:
    prove(lambda a: torch.view_as_complex(a) * (2 - 1j), leaf(3, 2), type_="ViewAsComplexBackward0")


def test_a_real_number_has_neither_angle_nor_direction() -> None:
    prove(torch.angle, leaf(3), type_="AngleBackward0")
    prove(torch.sgn, leaf(3), type_="SgnBackward0")


def test_zero_has_neither_angle_nor_direction() -> None:
    numbers = torch.tensor([0j, 1 + 0j, -1j, -2 + 1j]).requires_grad_()
    found = proofs([torch.sgn, torch.angle, torch.abs], [numbers], torch.tensor(0.7))
    assert not faults(found)
    assert {"SgnBackward0", "AngleBackward0", "AbsBackward0"} <= {proof.type for proof in found}
