"""What is measured together is what each is when it is measured alone."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engine.recording.measurement import Measurement, histogram_of_few, measure_together, statistics_of_few
from engine.recording.statistics import statistics_of

DTYPES = st.sampled_from([np.float64, np.float32, np.float16, np.int64, np.uint8, np.bool_])
ARRAYS = DTYPES.flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, max_side=5)))
ODD = [
    np.full((3, 2), 0.1),
    np.zeros(7),
    np.array([np.nan, np.inf, -1.0]),
    np.array([np.nan, np.nan]),
    np.array([1e200, -1e300]),
    np.array([1e-200, 3e-200]),
    np.array([0.0, 1e-35]),
    np.array([-1.7e308, 1.7e308]),
    np.array([-3e38, 1.0, 3e38], np.float32),
    np.array([0x7F800001, 0xFF800003, 0x3F800000, 0], np.uint32).view(np.float32),  # NaNs that signal, and 1 and 0
    np.array(-3.5),
]


@given(st.lists(ARRAYS, max_size=12))
def test_together_as_alone(arrays: list[np.ndarray]) -> None:
    _compare(arrays)


def test_what_is_out_of_the_ordinary_does_not_spoil_the_rest() -> None:
    _compare([np.linspace(-1, 2, 100), *ODD, np.arange(5)])


def test_more_than_is_measured_at_once() -> None:
    generator = np.random.default_rng(0)
    _compare([generator.standard_normal(4096).astype(np.float32) for _ in range(150)])


def _compare(arrays: list[np.ndarray]) -> None:
    measurements = [Measurement.of(array) for array in arrays]
    measure_together(measurements)
    for array, measurement in zip(arrays, measurements, strict=True):
        assert measurement.waiting()[1] is None
        statistics, histogram = measurement.result()
        with np.errstate(invalid="ignore"):
            wide = array.reshape(-1).astype(np.float64)
        expected = statistics_of_few(wide)
        exact = ("min", "max", "zeros", "nans", "infs")
        assert [getattr(statistics, name) for name in exact] == [getattr(expected, name) for name in exact]
        scale = expected.norm or 0.0
        for name in ("mean", "std", "norm"):
            made, number = getattr(statistics, name), getattr(expected, name)
            assert made == (None if number is None else pytest.approx(number, rel=1e-12, abs=1e-14 * scale))
        alone = histogram_of_few(wide, expected)
        if alone is None:
            assert histogram is None
        else:
            assert histogram is not None
            assert (histogram.low, histogram.high) == (alone.low, alone.high)
            np.testing.assert_array_equal(histogram.counts, alone.counts)


def test_a_result_that_nobody_made_is_made_when_it_is_asked_for() -> None:
    values = np.array([1.0, -2.0, 0.0])
    statistics, histogram = Measurement.of(values).result()
    assert statistics.norm == pytest.approx(statistics_of(values).norm)
    assert histogram is not None
    assert histogram.counts.sum() == 3


def test_samples_are_counted_as_each_alone() -> None:
    generator = np.random.default_rng(1)
    samples = [generator.standard_normal(1000).astype(dtype) for dtype in (np.float32, np.float64) for _ in range(20)]
    samples += [np.array([np.nan, 1.0, 2.0], np.float32), np.full(5, 0.1), np.array([np.nan, np.nan])]
    known = [statistics_of_few(np.concatenate([sample, 2 * sample]).astype(np.float64)) for sample in samples]
    made = [Measurement.sampled(statistics, sample) for statistics, sample in zip(known, samples, strict=True)]
    measure_together(made)
    for sample, statistics, measurement in zip(samples, known, made, strict=True):
        assert measurement.waiting() == (statistics, None)
        histogram, alone = measurement.result()[1], histogram_of_few(sample, statistics)
        assert (histogram is None) == (alone is None)
        if histogram is not None and alone is not None:
            assert (histogram.low, histogram.high) == (alone.low, alone.high)
            np.testing.assert_array_equal(histogram.counts, alone.counts)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_width_that_overflows_still_has_bins(dtype: type) -> None:
    largest = np.finfo(dtype).max
    sample: np.ndarray = np.array([-largest, -largest, 0.0, largest], dtype)
    known = statistics_of_few(sample.astype(np.float64))
    made = [Measurement.sampled(known, sample), Measurement.of(sample)]
    measure_together(made)
    for measurement in made:
        histogram = measurement.result()[1]
        assert histogram is not None
        assert (histogram.counts[0], histogram.counts[32], histogram.counts[-1]) == (2, 1, 1)


def test_any_bits_are_measured_whatever_numpy_is_told_to_raise() -> None:
    bits = np.random.default_rng(0).integers(0, 1 << 32, 20_000, dtype=np.uint32)
    with np.errstate(all="raise"):
        statistics, histogram = Measurement.of(bits.view(np.float32)).result()
    assert histogram is not None
    assert histogram.counts.sum() == bits.size - statistics.nans - statistics.infs


def test_threads_that_meet_at_one_measurement_both_have_it() -> None:
    found = []
    for _ in range(50):
        shared = [Measurement.of(np.arange(20.0)) for _ in range(20)]
        threads = [
            threading.Thread(target=lambda shared=shared: found.append([m.result()[0].max for m in shared]))
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert all(each == [19.0] * 20 for each in found)
    assert len(found) == 100


@pytest.mark.parametrize("numbers", [[1.0, 2.0, 4.0, 3.0], [1e-40, 3e-40, 2e-40, 0.0], [3e38, -3e38, 1.0, 0.0]])
def test_a_histogram_of_a_matrix_counts_its_elements(numbers: list[float]) -> None:
    matrix = np.array(numbers, np.float32).reshape(2, 2)
    found = histogram_of_few(matrix, statistics_of_few(matrix.ravel().astype(np.float64)))
    assert found is not None
    assert found.counts.sum() == 4


def test_what_vanishes_beside_the_largest_is_no_zero() -> None:
    assert statistics_of_few(np.array([-2.5e228, 6e-96, 0.0])).zeros == 1
