"""The bounds hold: what a computation makes in float32 lies within them, and they are not wide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.arithmetic import Bounded, compare, exact, unit_roundoff, value_of

Function = Callable[..., Any]
BINARY: dict[str, Function] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": lambda a, b: a / (np.abs(b) + 0.5),
    "hypot": lambda a, b: np.sqrt(a * a + b * b),
    "power": lambda a, b: np.power(np.abs(a) + 0.1, b),
    "arctan2": np.arctan2,
    "maximum": np.maximum,
    "where": lambda a, b: np.where(value_of(a) > value_of(b), a, b),
    "matmul": lambda a, b: a @ b.T,
    "einsum": lambda a, b: np.einsum("ij,kj->ik", a, b),
    "outer": lambda a, b: np.outer(a[0], b[0]),
}
UNARY: dict[str, Function] = {
    "exp": np.exp,
    "log": lambda a: np.log(np.abs(a) + 0.1),
    "sin": np.sin,
    "tanh": np.tanh,
    "arctan": np.arctan,
    "expm1": np.expm1,
    "square": np.square,
    "negative": np.negative,
    "sum": lambda a: np.sum(a, axis=0),
    "mean": lambda a: np.mean(a, axis=-1, keepdims=True),
    "var": lambda a: np.var(a, axis=0),
    "cumsum": lambda a: np.cumsum(a, axis=0),
    "prod": lambda a: np.prod(a, axis=0),
    "reshape": lambda a: a.reshape(-1),
    "transpose": lambda a: a.T @ a,
    "softmax": lambda a: np.exp(a - np.max(a, axis=-1, keepdims=True)) / np.sum(np.exp(a), axis=-1, keepdims=True),
    "concatenate": lambda a: np.concatenate([a, a * a]),
    "clip": lambda a: np.clip(a, -0.5, 0.5),
}
UNIT = unit_roundoff("float32")


def _matrix(seed: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(seed).normal(size=(7, 7)).astype(np.float32)


def _evaluate(steps: list[tuple[str, int, int]], leaves: list[Any]) -> Any:
    """An expression of several steps, each on earlier results of the same shape."""
    values = list(leaves)
    for name, first, second in steps:
        a, b = values[first % len(values)], values[second % len(values)]
        values.append(BINARY[name](a, b) if name in BINARY else UNARY[name](a))
    return values[-1]


STEPS = ("add", "subtract", "multiply", "divide", "hypot", "arctan2", "maximum", "matmul", "sin", "tanh", "arctan")


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=6),
    st.integers(0, 99),
)
def test_random_expressions_stay_within_their_bounds(steps: list[tuple[str, int, int]], seed: int) -> None:
    leaves = [_matrix(seed), _matrix(seed + 1)]
    single = _evaluate(steps, leaves)
    bounded = _evaluate(steps, [exact(leaf, UNIT) for leaf in leaves])
    assert single.dtype == np.float32
    comparison = compare(bounded, single, "float32")
    unbounded = comparison.reason and any(step[0] == "arctan2" for step in steps)  # the angle of 0 ± e may be any
    assert comparison.holds or unbounded, comparison


@pytest.mark.parametrize("name", [*BINARY, *UNARY])
def test_each_operation_stays_within_a_narrow_bound(name: str) -> None:
    for seed in range(10):
        leaves = [_matrix(seed), _matrix(seed + 100)][: 2 if name in BINARY else 1]
        function = BINARY.get(name) or UNARY[name]
        single = function(*leaves)
        bounded = function(*(exact(leaf, UNIT) for leaf in leaves))
        assert compare(bounded, single, "float32").holds
        scale = np.abs(bounded.value).max()
        assert np.all(bounded.errors <= 1e-4 * scale)
        np.testing.assert_allclose(bounded.value, function(*(leaf.astype(np.float64) for leaf in leaves)), rtol=1e-12)


def test_complex_products_stay_within_their_bounds() -> None:
    generator = np.random.default_rng(0)
    a, b = ((generator.normal(size=(6, 6)) + 1j * generator.normal(size=(6, 6))).astype(np.complex64) for _ in "ab")
    functions: list[Function] = [np.multiply, np.divide, np.matmul, lambda a, b: np.exp(a) * np.conj(b)]
    for function in functions:
        bounded = function(exact(a, UNIT), exact(b, UNIT))
        assert compare(bounded, function(a, b), "complex64").holds
        assert np.all(bounded.errors < 1e-3 * np.abs(bounded.value).max())


def test_half_precision_has_wider_bounds_by_its_unit() -> None:
    a = np.random.default_rng(0).normal(size=(20,)).astype(np.float16)
    product = exact(a, unit_roundoff("float16")) * exact(a, unit_roundoff("float16"))
    assert compare(product, a * a, "float16").holds
    wide, narrow = product.errors, (exact(a, UNIT) * exact(a, UNIT)).errors
    np.testing.assert_allclose(wide, narrow * 2.0**13)


def test_the_coarser_unit_counts() -> None:
    mixed = exact([1.0], unit_roundoff("float64")) + exact([2.0], unit_roundoff("bfloat16"))
    assert mixed.unit == unit_roundoff("bfloat16")


def test_moving_elements_adds_no_error() -> None:
    a: Any = exact(np.arange(12.0).reshape(3, 4), UNIT)
    for moved in (a.T, a[1:], a.reshape(4, 3), np.flip(a, 0), np.concatenate([a, a]), np.pad(a, 1), -a, np.abs(a)):
        assert isinstance(moved, Bounded)
        assert moved.error is None


def test_writing_into_a_part_writes_its_error() -> None:
    total: Any = np.zeros_like(exact(np.ones(3), UNIT))
    total[1:] = exact(np.array([0.1, 0.2]), UNIT) * 3.0
    np.testing.assert_array_equal(total.value, [0.0, 0.1 * 3, 0.2 * 3])
    assert total.errors[0] == 0
    assert np.all(total.errors[1:] > 0)
    total[2] = 5.0
    assert total.errors[2] == 0


def test_comparisons_look_at_values() -> None:
    a = exact(np.array([1.0, -1.0]), UNIT) * 3.0
    np.testing.assert_array_equal(a > 0, [True, False])
    assert isinstance(a > 0, np.ndarray)


def test_what_has_no_bound_is_refused() -> None:
    matrix: Any = exact(np.eye(2), UNIT)
    with pytest.raises(TypeError):
        np.linalg.inv(matrix)
    with pytest.raises(TypeError):
        np.gcd(matrix, 2)


def test_a_divisor_that_may_be_zero_has_no_bound() -> None:
    difference = exact(np.array([0.1]), UNIT) * 3.0 - exact(np.array([0.3]), UNIT)
    assert np.isinf((1.0 / (difference - difference.value)).errors).all()


def test_an_infinite_divisor_leaves_nothing() -> None:
    quotient = 1.0 / (1.0 + exact(np.array([np.inf]), UNIT))
    assert quotient.value == 0
    assert quotient.errors == 0
