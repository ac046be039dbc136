"""Reductions over any dimensions, with ties, zeros, numbers that are not numbers, and more freedom than numbers."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.rules.registry import find_rule
from tests.rules.proving import leaf, prove, recorded

REDUCTIONS: list[tuple[str, Callable[[torch.Tensor], torch.Tensor]]] = [
    ("SumBackward1", lambda x: x.sum((0, -1))),
    ("SumBackward1", lambda x: x.sum((), keepdim=True)),
    ("MeanBackward1", lambda x: x.mean(1, keepdim=True)),
    ("ProdBackward1", lambda x: x.prod(-2)),
    ("VarBackward0", lambda x: x.var((0, 2), correction=2)),
    ("StdBackward0", lambda x: x.std(-1, keepdim=True)),
    ("StdBackward0", lambda x: x.std(0, correction=0)),
    ("LinalgVectorNormBackward0", lambda x: torch.linalg.vector_norm(x, 3, (0, 1))),
    ("LinalgVectorNormBackward0", lambda x: torch.linalg.vector_norm(x, torch.inf, 2)),
    ("LinalgVectorNormBackward0", lambda x: torch.linalg.vector_norm(x, -1.5, 2, keepdim=True)),
    ("LinalgVectorNormBackward0", lambda x: torch.linalg.vector_norm(x, 0.5)),
    ("LinalgVectorNormBackward0", lambda x: torch.linalg.vector_norm(x, 1.5, 0)),
    ("LinalgVectorNormBackward0", lambda x: torch.linalg.vector_norm(x, 1)),
]
REAL: list[tuple[str, Callable[[torch.Tensor], torch.Tensor]]] = [
    ("NansumBackward0", lambda x: x.nansum((0, 2))),
    ("AmaxBackward0", lambda x: x.amax((1, -1))),
    ("AminBackward0", lambda x: x.amin(())),
    ("AminmaxBackward0", lambda x: torch.stack(torch.aminmax(x, dim=-2))),
    ("AminmaxBackward0", lambda x: torch.aminmax(x).max),
    ("MaxBackward1", lambda x: x.max()),
    ("MinBackward1", lambda x: x.min()),
    ("MedianBackward0", lambda x: x.median()),
    ("NanmedianBackward0", lambda x: x.nanmedian()),
    ("NormBackward0", lambda x: torch.ops.aten.norm.Scalar(x, 2)),
    ("NormBackward3", lambda x: torch.ops.aten.norm.ScalarOpt_dim_dtype(x, None, [1], True, dtype=torch.float64)),
    ("TraceBackward0", lambda x: x[0, :, :2].trace()),
]


def _names(table: list[tuple[str, Callable[[torch.Tensor], torch.Tensor]]]) -> list[str]:
    return [f"{name}-{place}" for place, (name, _) in enumerate(table)]


@pytest.mark.parametrize(("type_", "reduce"), REDUCTIONS + REAL, ids=_names(REDUCTIONS + REAL))
def test_reductions(type_: str, reduce: Callable[[torch.Tensor], torch.Tensor]) -> None:
    prove(reduce, leaf(2, 3, 4), type_=type_)


@pytest.mark.parametrize(("type_", "reduce"), REDUCTIONS, ids=_names(REDUCTIONS))
def test_reductions_of_complex_numbers(type_: str, reduce: Callable[[torch.Tensor], torch.Tensor]) -> None:
    prove(reduce, leaf(2, 3, 4, dtype=torch.complex64), type_=type_)


@pytest.mark.parametrize(("type_", "reduce"), REAL, ids=_names(REAL))
def test_equal_ones_share(type_: str, reduce: Callable[[torch.Tensor], torch.Tensor]) -> None:
    prove(reduce, torch.ones(2, 3, 4, requires_grad=True), type_=type_)


@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    data=st.data(),
    keepdim=st.booleans(),
)
@settings(max_examples=10, deadline=None)
def test_variance_and_mean_over_any_dimensions(shape: list[int], data: st.DataObject, keepdim: bool) -> None:
    numbers = st.integers(-len(shape), len(shape) - 1)
    dims = data.draw(st.none() | st.lists(numbers, min_size=1, unique_by=lambda d: d % len(shape)))
    x = leaf(*shape, dtype=torch.float64)
    both: Callable[[torch.Tensor], torch.Tensor] = lambda x: torch.stack(  # noqa: E731
        torch.var_mean(x, dims, correction=0.5, keepdim=keepdim)
    )
    prove(both, x, type_="VarMeanBackward0")
    prove(lambda x: torch.std_mean(x, dims, correction=0, keepdim=keepdim)[1], x, type_="StdMeanBackward0")


@pytest.mark.parametrize("zeros", [0, 1, 2])
def test_products_with_zeros(zeros: int) -> None:
    x = leaf(3, 4)
    with torch.no_grad():
        x.view(-1)[:zeros] = 0.0
    prove(lambda x: x.prod(), x, type_="ProdBackward0")
    prove(lambda x: x.prod(1), x, type_="ProdBackward1")


def _proved(reduce: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor, type_: str) -> np.ndarray:
    """What autograd recorded; it must be proved, though it may not be finite."""
    with recorded(reduce, x, type_=type_) as found:
        _, proof, values = found[0]
        assert proof.state == "proved", proof
        return np.asarray(values.recorded(0))


def test_more_freedom_than_numbers() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own of the degrees of freedom
        alone = _proved(lambda x: x.var(0, correction=1), leaf(1, 2), "VarBackward0")
        beyond = _proved(lambda x: x.var(correction=7), leaf(3, 2), "VarBackward0")
        # of some dimensions torch goes on with a negative number of degrees of freedom
        negative = _proved(lambda x: x.var(0, correction=4), leaf(3, 1), "VarBackward0")
        _proved(lambda x: x.std(0, correction=3), leaf(3, 1), "StdBackward0")
    assert np.isnan(alone).all()
    assert np.isinf(beyond).all()
    assert np.isfinite(negative).all()


def test_the_gradient_that_torch_gives_for_a_variance_over_no_dimensions_is_wrong() -> None:
    """torch 2.13 takes the variance of all numbers for dim=(), and then counts them as one."""

    def variance(x: torch.Tensor) -> torch.Tensor:
        return x.var((), correction=0)

    numbers = leaf(4, dtype=torch.float64)
    with recorded(variance, numbers, type_="VarBackward0") as found:
        _, proof, values = found[0]
        rule = find_rule("VarBackward0")
        assert rule is not None
        by_hand = rule.vjp(values)[0]
        weight = float(values.grad())
    numbers, step = numbers.detach(), 1e-6 * torch.eye(4, dtype=torch.float64)
    slopes = [float(variance(numbers + one) - variance(numbers - one)) / 2e-6 * weight for one in step]
    np.testing.assert_allclose(by_hand, slopes, atol=1e-6)
    assert proof.state == "wrong"


def test_what_is_not_a_number() -> None:
    x = leaf(2, 3)
    with torch.no_grad():
        x[0, 1] = torch.nan
    for type_, reduce in [
        ("NansumBackward0", lambda x: x.nansum()),
        ("AmaxBackward0", lambda x: x.amax(1)),
        ("MaxBackward1", lambda x: x.max()),
        ("NanmedianBackward0", lambda x: x.nanmedian()),
        ("LinalgVectorNormBackward0", lambda x: torch.linalg.vector_norm(x, torch.inf)),
        ("VarBackward0", lambda x: x.var()),
    ]:
        _proved(reduce, x, type_)


@pytest.mark.parametrize("p", [0.5, 1, 1.5, 2, 3, torch.inf, -torch.inf])
def test_norms_of_nothing_but_zeros(p: float) -> None:
    gradient = _proved(
        lambda x: torch.linalg.vector_norm(x, p), torch.zeros(3, requires_grad=True), "LinalgVectorNormBackward0"
    )
    assert np.isfinite(gradient).all() or p < 1


def test_counting_what_is_not_zero_has_no_slope() -> None:
    with recorded(lambda x: torch.linalg.vector_norm(x, 0) + x.sum(), leaf(3), type_="LinalgVectorNormBackward0") as it:
        assert [proof.state for _, proof, _ in it] == ["proved"]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision(dtype: torch.dtype) -> None:
    x = leaf(3, 5, dtype=dtype)
    for type_, reduce in [
        ("MeanBackward1", lambda x: x.mean(1)),
        ("SumBackward1", lambda x: x.sum(0, dtype=torch.float32)),
        ("LinalgVectorNormBackward0", lambda x: torch.linalg.vector_norm(x, 2, 1)),
        ("VarBackward0", lambda x: x.var(0)),
    ]:
        prove(reduce, x, type_=type_, tight=0.1)
