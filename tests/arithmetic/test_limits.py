"""Numbers that leave the range of their dtype on the way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.arithmetic import Bounded, compare, exact
from engine.arithmetic.equations import solve_triangular
from engine.arithmetic.limits import fit, in_any_order, limited, reach, within_limits

UNIT = 2.0**-24


def bounded(*numbers: float) -> Any:
    return exact(np.array(numbers, dtype=np.float32), UNIT)


def test_only_inside_do_limits_count() -> None:
    large = bounded(1e30, 2.0)
    assert np.isfinite((large * large).errors).all()
    with within_limits():
        assert limited()
        square = large * large
    assert not limited()
    np.testing.assert_array_equal(square.value, [np.inf, 4.0])
    np.testing.assert_array_equal(np.isinf(square.errors), [True, False])


def test_what_is_open_stays_open() -> None:
    with within_limits():
        cases: list[Any] = [
            1.0 / (bounded(1e30, 2.0) ** 2 + 1.0),
            np.sum(bounded(3e38, 3e38, -3e38)),
            np.tanh(bounded(1e30) * 1e30),
            np.prod(bounded(1e30, 1e30, 1e-30)),
            bounded(1e30, 1e30) @ bounded(1e30, -1e30),
        ]
        for found in cases:
            assert np.isinf(found.errors).any(), found


def test_what_is_too_small_has_the_error_of_the_smallest_number() -> None:
    small = bounded(1e-30)
    with within_limits():
        square = small * small
        assert square.value == 0
        assert square.errors == 2.0**-149
        assert np.isinf((1.0 / square).errors).all()


def test_an_infinity_that_was_recorded_is_a_number_like_others() -> None:
    with within_limits():
        found = bounded(np.inf, 1.0) * 2.0
    np.testing.assert_array_equal(np.isinf(found.errors), [False, False])


def test_open_numbers_are_undecided_and_the_others_are_not() -> None:
    with within_limits():
        found = fit(Bounded(np.array([np.inf, 1.0]), np.array([np.inf, 0.0]), UNIT), ())
        assert compare(found, np.array([np.inf, 1.0]), "float32").holds
        other = compare(found, np.array([3.0, 1.0]), "float32")
        assert (other.holds, other.undecided) == (False, True)
        assert "too large or too small for float32" in other.reason
        wrong = compare(found, np.array([3.0, 1.1]), "float32")
        assert (wrong.holds, wrong.undecided, wrong.worst) == (False, False, (1,))


def test_another_order_may_leave_the_range() -> None:
    factors = [np.array([1e20, 1e20, 1e-25]), np.array([1e20, 1.0, 1e-25])]
    found = in_any_order(bounded(1.0, 1.0, 1.0), factors)
    np.testing.assert_array_equal(np.isinf(found.errors), [True, False, True])
    assert np.isinf(in_any_order(bounded(1.0, 2.0, 3.0), [np.full(2, 1e25), np.full(5, 1e25)]).errors).all()
    assert reach(np.array([1e3, 1e-5, 0.0]), np.prod) == pytest.approx(1e5)


numbers = st.floats(-45, 38).map(lambda power: 10.0**power)


@given(st.lists(st.tuples(numbers, st.booleans()), min_size=3, max_size=3), st.permutations("mds"))
def test_whatever_torch_computes_is_proved_or_undecided(drawn: list[tuple[float, bool]], steps: list[str]) -> None:
    """Products, quotients and sums of three numbers of any size, in float32."""
    x, y, z = (torch.tensor([size * (-1 if turned else 1)], dtype=torch.float32) for size, turned in drawn)
    arrays = [exact(item.numpy(), UNIT) for item in (x, y, z)]
    there, here = x, arrays[0]
    with within_limits(), np.errstate(all="ignore"):
        for step, one, other in zip(steps, (y, z, x), (*arrays[1:], arrays[0]), strict=True):
            there = there * one if step == "m" else there / one if step == "d" else there + one
            here = here * other if step == "m" else here / other if step == "d" else here + other
        found = compare(here, there.numpy(), "float32")
    assert found.holds or found.undecided, found


def test_a_solution_may_be_made_of_what_lapack_takes_for_zero() -> None:
    matrix = exact(np.array([[1.0, 0.0], [1e-20, 1e-30]]), UNIT)
    right = exact(np.array([[1e-20], [0.0]]), UNIT)  # 1e-40 comes of it: no number with all digits
    assert np.max(solve_triangular(matrix, right, upper=False).errors) < 1e-14
    with within_limits():
        found = solve_triangular(matrix, right, upper=False)
    np.testing.assert_allclose(found.value, [[1e-20], [-1e-10]])
    assert 1e-10 < found.errors[1, 0] < 1e-7
