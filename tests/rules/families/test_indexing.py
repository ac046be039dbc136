"""Picking and putting by index and mask: repeated, negative and empty indices, masks that broadcast."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.rules.registry import find_rule
from engine.rules.terms import break_down
from tests.rules.proving import leaf, prove, recorded

I = torch.tensor  # noqa: E741 - short, as it stands in every line
MASK = torch.tensor([[True, False, True, True], [False, False, True, False], [True, True, False, False]])

PICKS: list[tuple[str, Callable[[torch.Tensor], torch.Tensor]]] = [
    ("IndexBackward0", lambda x: x[I([0, 2, 2, -1])]),
    ("IndexBackward0", lambda x: x[:, I([[0], [3]]), I([1, 1, 0])]),
    ("IndexBackward0", lambda x: x[I([0, 1, 1]), :, I([0, 0, -2])]),
    ("IndexBackward0", lambda x: x[MASK]),
    ("IndexBackward0", lambda x: x[I([], dtype=torch.int64)]),
    ("UnsafeIndexBackward0", lambda x: torch.ops.aten._unsafe_index(x, [None, I([3, 3])])),
    ("IndexSelectBackward0", lambda x: x.index_select(-1, I([1, 0, 1, 1]))),
    ("GatherBackward0", lambda x: x.gather(1, I([[[0, 1], [0, 0]]]))),
    ("GatherBackward0", lambda x: torch.take_along_dim(x, I([[[2, 2]]]), 1)),
    ("TakeBackward0", lambda x: x.take(I([[0, -1], [5, 5]]))),
    ("MaskedSelectBackward0", lambda x: x.masked_select(MASK[..., None])),
    ("MaskedSelectBackward0", lambda x: x[0, 0].masked_select(I([[True, False], [True, True]]))),
]


@pytest.mark.parametrize(("type_", "pick"), PICKS, ids=[f"{name}-{place}" for place, (name, _) in enumerate(PICKS)])
def test_what_was_picked_gets_the_gradients(type_: str, pick: Callable[[torch.Tensor], torch.Tensor]) -> None:
    prove(pick, leaf(3, 4, 2, dtype=torch.complex64), type_=type_)


PUTS: list[tuple[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor], tuple[int, ...]]] = [
    ("IndexPutBackward0", lambda x, s: x.index_put((I([0, 2]),), s), (2, 4)),
    ("IndexPutBackward0", lambda x, s: x.index_put((I([0, 2, 0]), I([1, 1, 1])), s, accumulate=True), (3,)),
    ("IndexPutBackward0", lambda x, s: x.index_put((MASK,), s), ()),
    ("IndexPutBackward0", lambda x, s: x.index_put((I([0, -1]),), s), (4,)),
    ("IndexAddBackward0", lambda x, s: x.index_add(-1, I([1, 1, 0]), s, alpha=-2.5), (3, 3)),
    ("IndexCopyBackward0", lambda x, s: x.index_copy(1, I([3, 0]), s), (3, 2)),
    ("IndexFillBackward1", lambda x, s: x.index_fill(1, I([3, 0, 3]), s), ()),
    ("ScatterBackward0", lambda x, s: x.scatter(1, I([[0, 2], [1, 3]]), s), (2, 2)),
    ("ScatterAddBackward0", lambda x, s: x.scatter_add(0, I([[0, 0, 1], [0, 2, 1]]), s), (2, 3)),
    ("PutBackward0", lambda x, s: x.put(I([0, -1, 5]), s), (3,)),
    ("PutBackward0", lambda x, s: x.put(I([[0, -1], [0, 0]]), s, accumulate=True), (2, 2)),
    ("MaskedFillBackward1", lambda x, s: x.masked_fill(MASK, s), ()),
    ("MaskedFillBackward1", lambda x, s: x[0].masked_fill(MASK, s), ()),
    ("MaskedScatterBackward0", lambda x, s: x.masked_scatter(MASK, s), (3, 4)),
    ("MaskedScatterBackward0", lambda x, s: x.masked_scatter(MASK[0], s), (12,)),
    ("FillBackward1", lambda x, s: torch.fill(x, s), ()),
]


@pytest.mark.parametrize(
    ("type_", "put", "shape"), PUTS, ids=[f"{name}-{place}" for place, (name, _, _) in enumerate(PUTS)]
)
def test_what_was_put_gets_the_gradient_of_its_place(
    type_: str, put: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], shape: tuple[int, ...]
) -> None:
    prove(put, leaf(3, 4), leaf(*shape, seed=1), type_=type_)


@pytest.mark.filterwarnings("ignore:index_reduce:UserWarning")
@pytest.mark.parametrize("how", ["sum", "prod", "mean", "amax", "amin"])
@pytest.mark.parametrize("included", [True, False])
def test_groups_share(how: str, included: bool) -> None:
    index = I([[0, 0, 1, 2], [0, 2, 1, 2], [1, 2, 1, 2]])
    x, s = leaf(3, 4), leaf(3, 4, seed=1)
    with torch.no_grad():
        s[0, 0] = s[1, 0] = x[0, 0] = 1.5  # equal ones share
    prove(lambda x, s: x.scatter_reduce(0, index, s, how, include_self=included), x, s, type_="ScatterReduceBackward0")
    if how != "sum":
        prove(
            lambda x, s: x.index_reduce(1, I([0, 2, 0]), s[:, :3], how, include_self=included),
            x,
            s,
            type_="IndexReduceBackward0",
        )


def test_a_single_zero_gets_the_product_of_the_others() -> None:
    x, s = leaf(2, 2), leaf(2, 2, seed=1)
    with torch.no_grad():
        s[0, 1] = 0.0
    index = I([[0, 0], [1, 0]])
    prove(lambda x, s: x.scatter_reduce(1, index, s, "prod"), x, s, type_="ScatterReduceBackward0")


@pytest.mark.parametrize("how", ["sum", "mean", "max", "min", "prod"])
def test_segments_share(how: str) -> None:
    x = leaf(2, 6, 3)
    with torch.no_grad():
        x[0, 1] = x[0, 0]
        x[1, 4, 0] = 0.0
    lengths = I([[2, 0, 4], [1, 3, 2]])
    prove(
        lambda x: torch.segment_reduce(x, how, lengths=lengths, axis=1, initial=1.0 if how == "prod" else None),
        x,
        type_="SegmentReduceBackward0",
    )


def test_out_of_reach_behind_a_mask() -> None:
    index = [I([[0], [9], [2]]), I([[1, -7]])]
    mask = I([[True, False], [False, False], [True, False]])
    picked = torch.ops.aten._unsafe_masked_index
    put = torch.ops.aten._unsafe_masked_index_put_accumulate
    prove(lambda x: picked(x, mask, index, 3.0), leaf(3, 4), type_="UnsafeMaskedIndexBackward0")
    type_ = "UnsafeMaskedIndexPutAccumulateBackward0"
    prove(lambda x, s: put(x, mask, index, s), leaf(3, 4), leaf(3, 2, seed=1), type_=type_)


@given(st.lists(st.integers(-5, 4), max_size=12))
@settings(max_examples=15, deadline=None)
def test_terms_are_the_places_that_an_element_was_picked_for(places: list[int]) -> None:
    rule = find_rule("IndexBackward0")
    assert rule is not None
    with recorded(lambda x: x[I(places, dtype=torch.int64)], leaf(5), type_="IndexBackward0") as found:
        _, proof, values = found[0]
        assert proof.state == "proved"
        for element in range(5):
            terms = break_down(rule, values, 0, (element,))
            expected = [at for at, place in enumerate(places) if place % 5 == element]
            assert sorted(term.index[0] for term in terms.listed) == expected


@pytest.mark.parametrize(
    ("type_", "write"), [("ZeroBackward0", torch.Tensor.zero_), ("FillBackward2", lambda x: x.fill_(2.0))]
)
def test_what_was_written_over_as_a_whole_gets_nothing(
    type_: str, write: Callable[[torch.Tensor], torch.Tensor]
) -> None:
    with recorded(lambda x: write(x * 1) + x, leaf(3), type_=type_) as found:
        assert [proof.state for _, proof, _ in found] == ["not_differentiable"]
