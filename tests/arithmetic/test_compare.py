"""Comparison of what was computed with what was recorded."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.arithmetic import Bounded, compare, exact, unit_roundoff

UNIT = unit_roundoff("float32")


def _product() -> tuple[Bounded, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    a, b = np.random.default_rng(0).normal(size=(2, 5, 6)).astype(np.float32)
    return exact(a, UNIT) @ exact(b, UNIT).T, a @ b.T


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 4), st.integers(0, 4), st.sampled_from([-1.0, 1.0]))
def test_a_moved_element_is_found(row: int, column: int, sign: float) -> None:
    computed, recorded = _product()
    assert compare(computed, recorded, "float32").holds
    size = np.abs(computed.value).max()
    recorded[row, column] += sign * 1e-4 * size
    comparison = compare(computed, recorded, "float32")
    assert not comparison.holds
    assert comparison.worst == (row, column)
    assert comparison.recorded == recorded[row, column]
    assert comparison.max_abs == pytest.approx(1e-4 * size, rel=0.1)


def test_a_moved_imaginary_part_is_found() -> None:
    a = (np.arange(4) + 1j).astype(np.complex64)
    assert compare(exact(a, UNIT), a, "complex64").holds
    assert not compare(exact(a, UNIT), a + np.complex64(1e-4j), "complex64").holds


def test_nan_is_equal_to_nan_only() -> None:
    nan, one = np.array([np.nan]), np.array([1.0])
    assert compare(nan, nan, "float32").holds
    assert not compare(one, nan, "float32").holds
    assert not compare(nan, one, "float32").holds


def test_infinity_is_equal_to_infinity_of_the_same_sign() -> None:
    up = np.array([np.inf])
    assert compare(up, up, "float32").holds
    assert not compare(up, -up, "float32").holds
    assert not compare(np.array([1e30]), up, "float32").holds


@pytest.mark.parametrize(("dtype", "large"), [("float16", 1e5), ("float32", 1e39)])
def test_what_is_too_large_for_the_dtype_may_be_infinite(dtype: str, large: float) -> None:
    assert compare(np.array([large]), np.array([np.inf]), dtype).holds
    assert not compare(np.array([-large]), np.array([np.inf]), dtype).holds
    assert not compare(np.array([large]), np.array([np.inf]), "float64").holds


def test_shapes_must_be_equal() -> None:
    comparison = compare(np.zeros((2, 1)), np.zeros((1, 2)), "float32")
    assert not comparison.holds
    assert "shape" in comparison.reason


def test_an_error_without_bound_proves_nothing() -> None:
    comparison = compare(Bounded(np.ones(1), np.array([np.inf]), UNIT), np.ones(1), "float32")
    assert not comparison.holds
    assert "cannot be bounded" in comparison.reason


def test_nothing_holds() -> None:
    assert compare(np.zeros((0, 3)), np.zeros((0, 3)), "float32").holds


def test_subnormal_numbers_may_be_flushed() -> None:
    assert compare(np.array([1e-44]), np.array([0.0]), "float32").holds
    assert not compare(np.array([1e-44]), np.array([0.0]), "float64").holds


def test_half_precision_allows_more() -> None:
    computed = np.array([1.0])
    assert compare(computed, np.array([1.005]), "bfloat16").holds
    assert not compare(computed, np.array([1.005]), "float16").holds
