"""Pieces, and what they are put together to."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.proving import leaf, prove

TAKEN_APART: list[tuple[str, Callable[[torch.Tensor], torch.Tensor]]] = [
    ("UnbindBackward0", lambda x: x.unbind(-1)[1]),
    ("SplitBackward0", lambda x: x.split(3, -1)[0] * 2),
    ("SplitWithSizesBackward0", lambda x: x.split([1, 3], 2)[1]),
    ("UnsafeSplitBackward0", lambda x: torch.unsafe_split(x, 3, 2)[1]),
]


@pytest.mark.parametrize(("type_", "view"), TAKEN_APART, ids=[name for name, _ in TAKEN_APART])
def test_the_gradients_of_pieces_are_joined(type_: str, view: Callable[[torch.Tensor], torch.Tensor]) -> None:
    prove(view, leaf(2, 3, 4, dtype=torch.complex64), type_=type_)


@given(
    lengths=st.lists(st.integers(0, 4), min_size=1, max_size=4),
    dim=st.sampled_from([0, 1, -1, -2]),
    constant=st.booleans(),
)
@settings(max_examples=15, deadline=None)
def test_joined_tensors_get_their_own_parts(lengths: list[int], dim: int, constant: bool) -> None:
    shapes = [(length, 3) if dim in (0, -2) else (3, length) for length in lengths]
    tensors = [leaf(*shape, seed=place) for place, shape in enumerate(shapes)]
    extra = [torch.ones(2, 3) if dim in (0, -2) else torch.ones(3, 2)] if constant else []
    prove(lambda *given: torch.cat([*extra, *given], dim), *tensors, type_="CatBackward0")


def test_many_pieces_whose_sizes_are_not_recorded() -> None:
    prove(lambda x: torch.stack(x.split([1] * 20, 1)[3:5]), leaf(2, 20), type_="SplitWithSizesBackward0")


def test_stacked_tensors_of_real_and_complex_numbers() -> None:
    real, other = leaf(2, 3), leaf(2, 3, dtype=torch.complex64, seed=1)
    prove(lambda a, b: torch.stack([a, b], -2), real, other, type_="StackBackward0")
    prove(lambda a, b: torch.cat([a, b], 1), real, other, type_="CatBackward0")
