"""Slices of tensors, and shrinking them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gui.tensor_views.planes import choices, magnitudes, max_abs_pool, plane

shapes = hnp.array_shapes(min_dims=0, max_dims=5, min_side=1, max_side=7)


@given(shapes, st.lists(st.integers(-3, 9), max_size=4))
def test_each_cell_tells_the_index_of_its_value(shape: tuple[int, ...], wanted: list[int]) -> None:
    data = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    for fold in (True, False):
        shown = plane(shape, wanted, fold=fold)
        values = shown.take(data)
        assert values.shape == (shown.rows, shown.columns)
        for row in range(shown.rows):
            for column in range(shown.columns):
                index = shown.index(row, column)
                if index is not None:
                    assert values[row, column] == data[index]


@given(shapes)
def test_a_strip_shows_every_element_once(shape: tuple[int, ...]) -> None:
    shown = plane(shape)
    if shown.folded:
        cells = [(row, column) for row in range(shown.rows) for column in range(shown.columns)]
        indices = [shown.index(*cell) for cell in cells]
        assert len({index for index in indices if index is not None}) == np.prod(shape, dtype=int)
        assert indices.count(None) == shown.unused


def test_a_bias_is_folded_into_lines() -> None:
    shown = plane((1000,))
    assert (shown.rows, shown.columns, shown.folded) == (23, 45, True)
    assert plane((1, 1000)).columns == 45
    assert plane((10,)).rows == 1
    assert plane((10,), fold=False).columns == 1


def test_leading_indices_are_clamped() -> None:
    assert plane((4, 3, 7, 7), (9, -2)).leading == (3, 0)
    assert plane((4, 3, 7, 7), (2,)).leading == (2, 0)


def test_an_empty_tensor_has_an_empty_plane() -> None:
    shown = plane((0, 5))
    assert shown.take(np.zeros((0, 5))).shape == (0, 5)
    assert plane((0,)).take(np.zeros(0)).size == 0


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((64, 3, 7, 7), ((0, 64), (1, 3))), ((1, 64, 8, 8), ((1, 64),)), ((5, 6), ()), ((9, 1, 1), ()), ((), ())],
)
def test_only_dimensions_with_a_choice_get_an_index(shape: tuple[int, ...], expected: object) -> None:
    assert choices(shape) == expected


def test_pooling_keeps_the_element_furthest_from_zero() -> None:
    values = np.array([[1.0, -5.0, 2.0, 0.0], [3.0, 4.0, -1.0, -2.0]])
    assert max_abs_pool(values, 1, 1).tolist() == [[-5.0]]
    assert max_abs_pool(values, 2, 2).tolist() == [[-5.0, 2.0], [4.0, -2.0]]


def test_pooling_lets_nothing_that_is_not_finite_get_lost() -> None:
    values = np.zeros((6, 6))
    values[0, 0], values[5, 5], values[5, 4] = np.nan, -np.inf, 7.0
    pooled = max_abs_pool(values, 2, 2)
    assert np.isnan(pooled[0, 0])
    assert pooled[1, 1] == -np.inf


@given(
    hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=20), elements=st.floats(-9, 9, width=32))
)
def test_pooling_keeps_the_largest_magnitude(values: np.ndarray) -> None:
    pooled = max_abs_pool(values, 3, 4)
    assert pooled.shape == (min(3, values.shape[0]), min(4, values.shape[1]))
    assert np.abs(pooled).max() == np.abs(values).max()


def test_small_arrays_are_left_alone() -> None:
    values = np.ones((3, 3))
    assert max_abs_pool(values, 3, 3) is values


def test_magnitudes_can_be_drawn() -> None:
    assert magnitudes(np.array([3 + 4j])).tolist() == [5.0]
    assert magnitudes(np.array([True])).tolist() == [1.0]
    assert magnitudes(np.array([-128], np.int8)).dtype == np.float64


@given(shapes, st.lists(st.integers(0, 6), max_size=4), st.booleans())
def test_a_place_is_the_reverse_of_an_index(shape: tuple[int, ...], wanted: list[int], fold: bool) -> None:
    shown = plane(shape, wanted, fold=fold)
    for row in range(shown.rows):
        for column in range(shown.columns):
            index = shown.index(row, column)
            if index is not None:
                assert shown.place(index) == (row, column)


def test_an_element_of_another_slice_has_no_place() -> None:
    shown = plane((2, 3, 4), (1,))
    assert shown.place((0, 2, 1)) is None
    assert shown.place((1, 2, 1)) == (2, 1)
    assert shown.place((1, 3, 1)) is None
    assert shown.place((2, 1)) is None
