"""Bounds of solutions hold for the same computation in float32, and are not much larger than they must be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.arithmetic import Bounded, exact, unit_roundoff
from engine.arithmetic.equations import inv, lu_matrices, permutation, pinv, solve, solve_triangular

UNIT = unit_roundoff("float32")
SIZES = st.integers(1, 12)
SEEDS = st.integers(0, 2**32 - 1)


def _float32(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _holds(found: Bounded, low: np.ndarray) -> None:
    assert np.all(np.abs(found.value - low) <= 4 * found.errors + 2 * UNIT * np.abs(found.value))


@settings(max_examples=30, deadline=None)
@given(SEEDS, SIZES)
def test_solve_and_inverse(seed: int, size: int) -> None:
    a, b = _float32(seed, 3, size, size), _float32(seed + 1, 3, size, 2)
    wide_a, wide_b = exact(a.astype(np.float64), UNIT), exact(b.astype(np.float64), UNIT)
    _holds(solve(wide_a, wide_b), np.linalg.solve(a, b))
    _holds(inv(wide_a), np.linalg.inv(a))
    np.testing.assert_array_equal(solve(wide_a.value, wide_b.value), solve(wide_a, wide_b).value)


@settings(max_examples=30, deadline=None)
@given(SEEDS, SIZES, st.booleans())
def test_triangular(seed: int, size: int, upper: bool) -> None:
    t, b = _float32(seed, size, size), _float32(seed + 1, 2, size, 3)
    t = np.triu(t) if upper else np.tril(t)
    found = solve_triangular(exact(t.astype(np.float64), UNIT), exact(b.astype(np.float64), UNIT), upper=upper)
    residual = np.abs(t.astype(np.float64) @ found.value - b)
    assert np.all(residual <= 1e-12 * (np.abs(t) @ np.abs(found.value) + 1))
    _holds(found, np.linalg.solve(np.broadcast_to(t, (2, size, size)), b))


@settings(max_examples=30, deadline=None)
@given(SEEDS, SIZES, SIZES)
def test_pseudoinverse(seed: int, rows: int, columns: int) -> None:
    a = _float32(seed, rows, columns)
    _holds(pinv(exact(a.astype(np.float64), UNIT)), np.linalg.pinv(a))


def test_an_error_of_the_matrix_or_the_right_hand_side_is_passed_on() -> None:
    a = np.array([[2.0, 1.0], [0.0, 4.0]])
    b = np.array([[1.0], [8.0]])
    moved_a, moved_b = a + np.array([[0, 1e-3], [0, 0]]), b + np.array([[0.0], [1e-3]])
    found = solve(Bounded(a, np.abs(moved_a - a), UNIT), b)
    assert abs(solve(moved_a, b) - found.value).max() == pytest.approx(found.errors.max(), rel=0.01)
    for other in (solve(a, Bounded(b, np.abs(moved_b - b), UNIT)),
                  solve_triangular(a, Bounded(b, np.abs(moved_b - b), UNIT), upper=True)):  # fmt: skip
        assert np.all(np.abs(solve(a, moved_b) - other.value) <= other.errors)
        assert other.errors.max() < 1e-3


def test_bounds_of_well_conditioned_equations_are_tight() -> None:
    a = exact(np.eye(20) * 3 + np.random.default_rng(0).normal(size=(20, 20)) / 5, UNIT)
    for found in (inv(a), pinv(a), solve(a, exact(np.ones((20, 1)), UNIT))):
        assert found.errors.max() < 1e-4 * np.abs(found.value).max()


def test_row_exchanges_as_lapack_writes_them() -> None:
    a = np.array([[0.0, 2.0, 1.0], [4.0, 1.0, 0.0], [2.0, 5.0, 3.0]])
    lu = np.array([[4.0, 1.0, 0.0], [0.5, 4.5, 3.0], [0.0, 4 / 9, -1 / 3]])
    lower, upper = lu_matrices(lu)
    np.testing.assert_allclose(permutation(np.array([2, 3, 3]), 3) @ lower @ upper, a, atol=1e-15)


def test_without_a_solution() -> None:
    with pytest.raises(np.linalg.LinAlgError):
        solve(exact(np.zeros((2, 2)), UNIT), np.ones((2, 1)))
    assert np.isinf(solve_triangular(np.zeros((1, 1)), np.ones((1, 1)), upper=True)).all()
