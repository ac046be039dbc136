"""Sorting, choosing and running results, with ties, zeros, nothing, and numbers that do not fit."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.rules.registry import find_rule
from engine.rules.terms import break_down
from engine.rules.values import UnsupportedError
from tests.rules.proving import leaf, prove, recorded

CHOICES: list[tuple[str, Callable[[torch.Tensor], torch.Tensor]]] = [
    ("MaxBackward0", lambda x: x.max(-2).values),
    ("MinBackward0", lambda x: x.min(0, keepdim=True).values),
    ("MedianBackward1", lambda x: x.median(1).values),
    ("NanmedianBackward1", lambda x: x.nanmedian(-1, keepdim=True).values),
    ("ModeBackward0", lambda x: x.mode(1).values),
    ("KthvalueBackward0", lambda x: x.kthvalue(2, 2).values),
    ("TopkBackward0", lambda x: x.topk(2, 1).values),
    ("TopkBackward0", lambda x: x.topk(1, largest=False).values),
    ("SortBackward0", lambda x: x.sort(0, descending=True).values),
    ("SortBackward1", lambda x: x.sort(stable=True).values),
    ("CummaxBackward0", lambda x: x.cummax(-1).values),
    ("CumminBackward0", lambda x: x.cummin(1).values),
    ("CumsumBackward0", lambda x: x.cumsum(-2)),
    ("CumprodBackward0", lambda x: x.cumprod(2)),
    ("LogcumsumexpBackward0", lambda x: x.logcumsumexp(1)),
    ("RenormBackward0", lambda x: x.renorm(2, 1, 1.5)),
]
IDS = [f"{name}-{place}" for place, (name, _) in enumerate(CHOICES)]


@pytest.mark.parametrize(("type_", "choose"), CHOICES, ids=IDS)
def test_on_random_numbers(type_: str, choose: Callable[[torch.Tensor], torch.Tensor]) -> None:
    prove(choose, leaf(3, 4, 5), type_=type_)


@pytest.mark.parametrize(("type_", "choose"), CHOICES, ids=IDS)
def test_where_all_are_equal(type_: str, choose: Callable[[torch.Tensor], torch.Tensor]) -> None:
    prove(choose, torch.ones(3, 4, 5, requires_grad=True), type_=type_)


def test_a_single_number() -> None:
    for type_, choose in [
        ("MaxBackward0", lambda x: x.max(0).values),
        ("SortBackward0", lambda x: x.sort(-1).values),
        ("CumsumBackward0", lambda x: x.cumsum(0)),
        ("CumprodBackward0", lambda x: x.cumprod(-1)),
        ("LogcumsumexpBackward0", lambda x: x.logcumsumexp(0)),
        ("CummaxBackward0", lambda x: x.cummax(0).values),
    ]:
        prove(choose, leaf(), type_=type_)


@given(st.lists(st.sampled_from([0.0, -1.5, 0.5, 2.0]), min_size=2, max_size=6), st.sampled_from([0, 1]))
@settings(max_examples=20, deadline=None)
def test_running_products_with_zeros(numbers: list[float], dim: int) -> None:
    x = torch.tensor([numbers, numbers[::-1]]).requires_grad_()
    prove(lambda x: x.cumprod(dim), x, type_="CumprodBackward0")


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128], ids=str)
def test_complex_numbers(dtype: torch.dtype) -> None:
    for type_, run in [
        ("CumsumBackward0", lambda x: x.cumsum(1)),
        ("CumprodBackward0", lambda x: x.cumprod(0)),
        ("LogcumsumexpBackward0", lambda x: x.logcumsumexp(1)),
    ]:
        prove(run, leaf(3, 4, dtype=dtype), type_=type_)
    with recorded(lambda x: x.renorm(2, 0, 0.5), leaf(3, 4, dtype=dtype), type_="RenormBackward0") as found:
        _, proof, values = found[0]
        assert proof.state == "proved"
        rule = find_rule("RenormBackward0")
        assert rule is not None
        with pytest.raises(UnsupportedError, match="real parts"):  # no factors, as real parts are taken on the way
            break_down(rule, values, 0, (0, 0))


@pytest.mark.parametrize("p", [1, 1.5, 2, 3, torch.inf])
def test_rows_are_shortened_by_any_norm(p: float) -> None:
    prove(lambda x: x.renorm(p, 0, 1.0), leaf(4, 3, 2), type_="RenormBackward0")


def test_a_row_that_is_short_enough_stays() -> None:
    with recorded(lambda x: x.renorm(2, 0, 100.0), leaf(2, 3), type_="RenormBackward0") as found:
        _, proof, values = found[0]
        assert proof.state == "proved"
        assert (values.recorded(0) == values.grad()).all()


def test_running_sums_of_exponentials_that_would_not_fit() -> None:
    x = torch.tensor([[-300.0, 200.0, 500.0], [900.0, -900.0, 0.0]], requires_grad=True)
    prove(lambda x: x.logcumsumexp(1), x, type_="LogcumsumexpBackward0", tight=0.1)


def test_quantiles_go_back_through_the_order() -> None:
    quantiles = torch.tensor([0.2, 0.9])
    for type_ in ("SortBackward0", "GatherBackward0"):
        prove(lambda x: x.quantile(quantiles, 1), leaf(3, 6), type_=type_)
