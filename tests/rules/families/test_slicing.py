"""Parts read and written over."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from tests.rules.proving import leaf, prove

PARTS: list[tuple[str, Callable[[torch.Tensor], torch.Tensor]]] = [
    ("SelectBackward0", lambda x: x.select(-1, -2)),
    ("SliceBackward0", lambda x: x[..., -3::2]),
    ("NarrowCopyBackward0", lambda x: torch.narrow_copy(x, 2, 1, 2)),
    ("DiagonalBackward0", lambda x: x.diagonal(-1, 2, 0)),
    ("DiagonalBackward0", lambda x: x.diagonal(9)),
    ("DiagEmbedBackward0", lambda x: torch.diag_embed(x, 1, 0, -1)),
]


@pytest.mark.parametrize(("type_", "view"), PARTS, ids=[name for name, _ in PARTS])
def test_a_part_gets_the_gradient_and_the_rest_zero(type_: str, view: Callable[[torch.Tensor], torch.Tensor]) -> None:
    prove(view, leaf(2, 3, 4, dtype=torch.complex64), type_=type_)


WRITES: list[tuple[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor], tuple[int, ...]]] = [
    ("SelectScatterBackward0", lambda x, s: x.select_scatter(s, -3, -1), (3, 4)),
    ("SliceScatterBackward0", lambda x, s: x.slice_scatter(s, -1, 0, None, 2), (2, 3, 2)),
    ("DiagonalScatterBackward0", lambda x, s: x.diagonal_scatter(s, 1, 1, 0), (4, 1)),
]


@pytest.mark.parametrize(("type_", "write", "shape"), WRITES, ids=[name for name, _, _ in WRITES])
def test_what_is_written_over_gets_nothing(
    type_: str, write: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], shape: tuple[int, ...]
) -> None:
    prove(write, leaf(2, 3, 4), leaf(*shape, seed=1), type_=type_)


BACKWARD_OF_BACKWARD: list[tuple[str, Callable[[torch.Tensor], torch.Tensor]]] = [
    ("SelectBackwardBackward0", lambda x: torch.ops.aten.select_backward(x, [4, 3], 0, -1)),
    ("SliceBackwardBackward0", lambda x: torch.ops.aten.slice_backward(x, [3, 7], 1, 1, 7, 2)),
    ("DiagonalBackwardBackward0", lambda x: torch.ops.aten.diagonal_backward(x, [3, 4], 1, 0, 1)),
]


@pytest.mark.parametrize(("type_", "view"), BACKWARD_OF_BACKWARD, ids=[name for name, _ in BACKWARD_OF_BACKWARD])
def test_what_was_put_into_zeros_gets_its_part(type_: str, view: Callable[[torch.Tensor], torch.Tensor]) -> None:
    prove(view, leaf(3, 3) if type_.startswith("Slice") else leaf(3), type_=type_)
