from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engine.recording.model import HISTOGRAM_BINS, HISTOGRAM_SAMPLE, Statistics
from engine.recording.statistics import histogram_of, statistics_of

ARRAYS = hnp.arrays(
    st.sampled_from([np.float64, np.float32, np.float16, np.int64, np.uint8, np.bool_, np.complex64]),
    hnp.array_shapes(min_dims=0, max_dims=3, max_side=6),
)


def test_a_small_array_by_hand() -> None:
    got = statistics_of(np.array([3.0, 0.0, -4.0, np.nan, np.inf, 1.0], np.float32))
    assert got == Statistics(-4.0, 3.0, 0.0, math.sqrt(26 / 4), math.sqrt(26), zeros=1, nans=1, infs=1)


def test_nothing_finite_and_nothing_at_all() -> None:
    assert statistics_of(np.array([np.nan, -np.inf])) == Statistics(None, None, None, None, None, 0, 1, 1)
    assert statistics_of(np.zeros((0, 3))) == Statistics(None, None, None, None, None, 0, 0, 0)
    assert histogram_of(np.array([np.nan])) is None
    assert histogram_of(np.zeros(0)) is None


def test_bool_and_complex() -> None:
    assert statistics_of(np.array([True, False, True])).mean == pytest.approx(2 / 3)
    assert statistics_of(np.array([3 + 4j, 0])) == Statistics(0.0, 5.0, 2.5, 2.5, 5.0, 1, 0, 0)


@given(ARRAYS)
def test_counts_add_up(array: npt.NDArray[np.generic]) -> None:
    statistics = statistics_of(array)
    histogram = histogram_of(array)
    finite = array.size - statistics.nans - statistics.infs
    if histogram is None:
        assert finite == 0
        return
    assert histogram.counts.shape == (HISTOGRAM_BINS,)
    assert histogram.counts.dtype == np.int64
    assert histogram.counts.sum() == finite
    assert statistics.min is not None
    assert statistics.max is not None
    assert histogram.low <= statistics.min <= statistics.max <= histogram.high


def test_histogram_is_numpys() -> None:
    values = np.random.default_rng(0).standard_normal(HISTOGRAM_SAMPLE)
    histogram = histogram_of(values)
    assert histogram is not None
    expected, _ = np.histogram(values, HISTOGRAM_BINS, (histogram.low, histogram.high))
    assert np.abs(histogram.counts - expected).sum() <= 2  # rounding at a bin's border


def test_of_a_large_array_evenly_spread_elements_are_counted() -> None:
    histogram = histogram_of(np.arange(100_000))
    assert histogram is not None
    assert histogram.counts.sum() == HISTOGRAM_SAMPLE
    assert np.abs(histogram.counts - HISTOGRAM_SAMPLE // HISTOGRAM_BINS).max() <= 1
    assert (histogram.low, histogram.high) == (0, 99_999)


def test_equal_elements_fall_in_the_middle() -> None:
    histogram = histogram_of(np.full(10, 3.0))
    assert histogram is not None
    assert (histogram.low, histogram.high) == (3.0, 3.0)
    assert histogram.counts[HISTOGRAM_BINS // 2] == 10


def test_the_whole_range_of_float64() -> None:
    histogram = histogram_of(np.array([-1.7e308, 1.7e308]))
    assert histogram is not None
    assert histogram.counts[[0, -1]].tolist() == [1, 1]
