"""Views of every kind, proved on random numbers, with negative dimensions, nothing to move, and single numbers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.nn import functional

from engine.rules.registry import find_rule
from engine.rules.terms import break_down
from tests.rules.proving import leaf, prove, recorded

VIEWS: list[tuple[str, Callable[[torch.Tensor], torch.Tensor]]] = [
    ("ViewBackward0", lambda x: x.view(4, -1)),
    ("ReshapeAliasBackward0", lambda x: torch.ops.aten._reshape_alias(x, [12, 2], [2, 1])),
    ("UnsafeViewBackward0", lambda x: torch.ops.aten._unsafe_view(x, [6, 4])),
    ("SqueezeBackward1", lambda x: x[:, :1].squeeze(-2)),
    ("UnsqueezeBackward0", lambda x: x.unsqueeze(-1)),
    ("TransposeBackward0", lambda x: x.transpose(-1, 0)),
    ("TBackward0", lambda x: x[0].t()),
    ("PermuteBackward0", lambda x: x.permute(2, -3, 1)),
    ("FlipBackward0", lambda x: x.flip(0, -1)),
    ("RollBackward0", lambda x: x.roll(5)),
    ("RollBackward0", lambda x: x.roll((1, -2), (0, -1))),
    ("Rot90Backward0", lambda x: x.rot90(3, (0, -1))),
    ("TrilBackward0", lambda x: x.tril(-1)),
    ("TriuBackward0", lambda x: x.triu(1)),
    ("ExpandBackward0", lambda x: x[:, :1].expand(5, 2, 3, 4)),
    ("ChannelShuffleBackward0", lambda x: torch.channel_shuffle(x.reshape(2, 6, 2), 3)),
    ("PixelShuffleBackward0", lambda x: functional.pixel_shuffle(x.reshape(1, 12, 1, 2), 2)),
    ("PixelUnshuffleBackward0", lambda x: functional.pixel_unshuffle(x.reshape(2, 1, 2, 6), 2)),
]


@pytest.mark.parametrize(("type_", "view"), VIEWS, ids=[f"{name}-{place}" for place, (name, _) in enumerate(VIEWS)])
def test_a_view_is_moved_back(type_: str, view: Callable[[torch.Tensor], torch.Tensor]) -> None:
    prove(view, leaf(2, 3, 4, dtype=torch.complex64), type_=type_)


def test_half_precision_is_moved_without_rounding_and_summed_with() -> None:
    prove(lambda x: x.mT, leaf(2, 3, dtype=torch.bfloat16), type_="TransposeBackward0", tight=0.01)
    prove(lambda x: x.expand(4, 3), leaf(1, 3, dtype=torch.bfloat16), type_="ExpandBackward0", tight=0.05)


SCALARS: list[tuple[str, Callable[[torch.Tensor], torch.Tensor]]] = [
    ("ViewBackward0", lambda x: x.view(1, 1)),
    ("PermuteBackward0", lambda x: x.permute(())),
    ("TransposeBackward0", lambda x: x.transpose(0, -1)),
    ("FlipBackward0", lambda x: x.flip(())),
    ("ExpandBackward0", lambda x: x.expand(2, 3)),
    ("SqueezeBackward1", lambda x: x.squeeze(0)),
]


@pytest.mark.parametrize(("type_", "view"), SCALARS, ids=[name for name, _ in SCALARS])
def test_a_single_number_has_no_dimensions_to_move(type_: str, view: Callable[[torch.Tensor], torch.Tensor]) -> None:
    prove(view, leaf(), type_=type_)


@pytest.mark.parametrize("shape", [(0, 3), (2, 0), (0, 0)])
def test_nothing_is_moved_where_there_is_nothing(shape: tuple[int, int]) -> None:
    x = leaf(*shape)
    for type_, view in [
        ("TBackward0", lambda x: x.t()),
        ("CatBackward0", lambda x: torch.cat([x, x, torch.ones(0)], -1)),
        ("DiagonalBackward0", lambda x: x.diagonal()),
        ("ConstantPadNdBackward0", lambda x: functional.pad(x, (1, 1, 1, 1))),
    ]:
        prove(view, x, type_=type_)


def test_the_sum_over_copies_is_broken_down_into_all_of_them() -> None:
    with recorded(lambda x: x.expand(3, 2, 4), leaf(2, 1), type_="ExpandBackward0") as found:
        _, _, values = found[0]
        rule = find_rule("ExpandBackward0")
        assert rule is not None
        terms = break_down(rule, values, 0, (1, 0), shown=5)
    assert terms.count == 12
    assert len(terms.listed) == 5
    assert {term.index[1] for term in terms.listed} == {1}
