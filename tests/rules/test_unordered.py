"""What is not a number is in no piece of a function, and torch's two kinds of code choose one each."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from engine.arithmetic import Bounded, exact, value_of
from engine.rules.unordered import either

NAN = np.nan


def values(arrived: float, recorded: list[float]) -> Any:
    """A node whose gradient is `arrived` everywhere, and that passed `recorded` on."""
    return SimpleNamespace(
        grad=lambda: np.full(len(recorded), arrived), recorded=lambda _slot: np.array(recorded), unit=2.0**-24
    )


@pytest.mark.parametrize(
    ("arrived", "recorded", "other", "found"),
    [
        (0.7, 0.7, 1.0, 1.0),
        (0.7, 0.0, 1.0, 0.0),
        (0.7, 0.3, 1.0, 0.0),  # neither: stays, and is seen to be wrong
        (0.7, NAN, 1.0, 0.0),
        (0.7, NAN, NAN, NAN),
        (np.inf, np.inf, 1.0, 1.0),
        (np.inf, -np.inf, 1.0, 0.0),
        (NAN, NAN, 1.0, 1.0),
        (NAN, 0.0, 1.0, 0.0),
    ],
)
def test_where_x_is_nan_the_recorded_gradient_tells_which_piece_it_was(
    arrived: float, recorded: float, other: float, found: float
) -> None:
    n, x = values(arrived, [recorded, arrived]), np.array([NAN, 2.0])
    np.testing.assert_array_equal(either(n, np.zeros(2), x, other), [found, 0.0])


def test_what_is_a_number_is_left_as_it_is() -> None:
    slope = np.array([0.25, 0.5])
    assert either(values(1.0, [1.0, 1.0]), slope, np.array([1.0, 2.0]), 1.0) is slope


def test_bounds_of_the_other_elements_stay() -> None:
    slope = Bounded(np.array([NAN, 0.5]), np.array([NAN, 1e-3]), 2.0**-24)
    found = either(values(1.0, [1.0, 0.5]), slope, exact(np.array([NAN, 2.0]), 2.0**-24), 1.0)
    np.testing.assert_array_equal(value_of(found), [1.0, 0.5])
    np.testing.assert_array_equal(found.errors, [0.0, 1e-3])
