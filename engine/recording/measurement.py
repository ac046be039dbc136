"""Statistics and histograms of small contents, many at once.

A few thousand numbers are measured by NumPy in a few dozen microseconds, nearly all of them for calls and not for
numbers; of hundreds that wait, all are measured with those few calls. So whoever records a small tensor only keeps a
copy of it, and the writer's thread measures what it is about to write.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.recording.model import HISTOGRAM_BINS, Histogram, Level, Shape, Statistics

Values = npt.NDArray[np.float64]
_NARROWEST = 1e-30  # below this width of a histogram, a factor by it might be infinite
_TOGETHER = 1 << 18  # elements that are measured at once: they stay in the processor's cache


class Measurement:
    """Statistics and histogram of one content: at hand, or to be made from its values when they are asked for.

    Several rows may share one. It may be asked for in any thread.
    """

    __slots__ = ("_histogram", "_statistics", "_values")

    def __init__(
        self,
        statistics: Statistics | None,
        histogram: Histogram | None = None,
        values: npt.NDArray[Any] | None = None,
    ) -> None:
        self._statistics = statistics
        self._histogram = histogram
        self._values = values

    @classmethod
    def of(cls, values: npt.NDArray[Any]) -> Measurement:
        """To be made from `values` (real numbers or bool, at least one), which nobody writes to any more."""
        return cls(None, None, values)

    def result(self) -> tuple[Statistics, Histogram | None]:
        """Made now, if it was not."""
        if self._statistics is None:
            measure_together([self])
        assert self._statistics is not None
        return self._statistics, self._histogram

    def waiting(self) -> npt.NDArray[Any] | None:
        """The values that are still to be measured."""
        return self._values

    def settle(self, statistics: Statistics, histogram: Histogram | None) -> None:
        """What has been made. The values go last: while they are there, another thread may be at them, too."""
        self._histogram = histogram
        self._statistics = statistics
        self._values = None


class Content(NamedTuple):
    """A row like `Tensor`, of which the statistics may still have to be made."""

    id: int
    shape: Shape
    dtype: str
    device: str
    level: Level
    measurement: Measurement
    data_shape: Shape | None = None
    data: Any = None
    held: int = 0  # bytes that the measurement keeps until it is made, beside the data


def measure_together(measurements: Iterable[Measurement]) -> None:
    """Make all that have not been made."""
    chosen: list[tuple[Measurement, npt.NDArray[Any]]] = []
    size = 0
    for measurement in measurements:
        values = measurement.waiting()
        if values is None:
            continue
        chosen.append((measurement, values))
        size += values.size
        if size >= _TOGETHER:
            _measure(chosen)
            chosen, size = [], 0
    if chosen:
        _measure(chosen)


def _measure(chosen: list[tuple[Measurement, npt.NDArray[Any]]]) -> None:
    counts = np.array([values.size for _, values in chosen])
    starts = np.zeros_like(counts)
    np.cumsum(counts[:-1], out=starts[1:])
    flat = np.empty(int(counts.sum()))
    np.concatenate([values.reshape(-1) for _, values in chosen], out=flat, casting="same_kind")
    with np.errstate(all="ignore"):  # of what is no number, or too large
        low, high = np.minimum.reduceat(flat, starts), np.maximum.reduceat(flat, starts)
        width, largest = high - low, np.maximum(-low, high)
    # Measured apart: what is no number, squares that might overflow or vanish, bins without a width of their own.
    ordinary = np.isfinite(low) & np.isfinite(width) & ((width >= _NARROWEST) | (width == 0.0))
    ordinary &= ((largest > 1e-140) & (largest < 1e140)) | (largest == 0.0)
    if not ordinary.all():
        for place in np.flatnonzero(~ordinary):
            measurement, values = chosen[place]
            wide = values.reshape(-1).astype(np.float64)
            statistics = statistics_of_few(wide)
            measurement.settle(statistics, histogram_of_few(wide, statistics))
        rest = [chosen[place] for place in np.flatnonzero(ordinary)]
        if rest:
            _measure(rest)
        return
    columns = [column.tolist() for column in (low, high, *_moments(flat, starts, counts))]
    for (measurement, _), figures, counted in zip(
        chosen, zip(*columns, strict=True), _bins(flat, low, width, counts), strict=True
    ):
        minimum, maximum, mean, std, norm, zeros = figures
        statistics = Statistics(minimum, maximum, mean, std, norm, zeros, 0, 0)
        measurement.settle(statistics, Histogram(counted, minimum, maximum))


def _moments(flat: Values, starts: npt.NDArray[Any], counts: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], ...]:
    """Mean, standard deviation, norm and number of zeros of each part."""
    mean = np.add.reduceat(flat, starts) / counts
    square = flat * flat
    norm = np.sqrt(np.add.reduceat(square, starts))
    np.subtract(flat, np.repeat(mean, counts), out=square)
    np.multiply(square, square, out=square)
    std = np.sqrt(np.add.reduceat(square, starts) / counts)
    zeros = np.add.reduceat(flat == 0.0, starts, dtype=np.int64)
    return mean, std, norm, zeros


def _bins(flat: Values, low: Values, width: Values, counts: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Counts in 64 bins of equal width from the smallest to the largest element, a row for each part."""
    parts = len(counts)
    factor, first = np.zeros(parts), np.arange(parts) * HISTOGRAM_BINS
    np.divide(HISTOGRAM_BINS, width, out=factor, where=width > 0.0)
    scaled = flat - np.repeat(low, counts)
    scaled *= np.repeat(factor, counts)
    bins = scaled.astype(np.int64)
    np.minimum(bins, HISTOGRAM_BINS - 1, out=bins)  # the maximum itself, and what rounding lifts to it
    first[width == 0.0] += HISTOGRAM_BINS // 2  # where all are equal, they are in the middle
    bins += np.repeat(first, counts)
    return np.bincount(bins, minlength=parts * HISTOGRAM_BINS).reshape(parts, HISTOGRAM_BINS)


def statistics_of_few(values: Values) -> Statistics:
    """Of one array of at least one element, whatever is in it."""
    low, high = float(values.min()), float(values.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        finite = values[np.isfinite(values)]
        nans = int(np.isnan(values).sum())
        infs = values.size - nans - finite.size
        if finite.size == 0:
            return Statistics(None, None, None, None, None, 0, nans, infs)
        return replace(statistics_of_few(finite), nans=nans, infs=infs)
    if values.size == 1:
        return Statistics(low, low, low, 0.0, abs(low), int(low == 0.0), 0, 0)
    # Squares of float64 may overflow or vanish, so elements at the ends of its range are scaled first.
    largest = max(-low, high)
    scale = largest if not 1e-140 < largest < 1e140 and largest > 0.0 else 1.0
    if scale != 1.0:
        values = values / scale
    mean = float(values.sum()) / values.size
    centred = values - mean
    std = math.sqrt(float(centred.dot(centred)) / values.size)
    zeros = 0 if low > 0.0 or high < 0.0 else values.size - int(np.count_nonzero(values))
    return Statistics(low, high, mean * scale, std * scale, math.sqrt(float(values.dot(values))) * scale, zeros, 0, 0)


def histogram_of_few(values: npt.NDArray[Any], statistics: Statistics) -> Histogram | None:
    """Counts of the finite `values` in 64 bins of equal width from the content's minimum to its maximum."""
    low, high = statistics.min, statistics.max
    if low is None or high is None:
        return None
    if statistics.nans or statistics.infs:
        values = values[np.isfinite(values)]
    width = high - low
    if width == 0.0 or not math.isfinite(width):
        counts = np.zeros(HISTOGRAM_BINS, dtype=np.int64)
        counts[HISTOGRAM_BINS // 2] = values.size
        return Histogram(counts, low, high)
    scaled = values - low
    if width < _NARROWEST:
        scaled = scaled.astype(np.float64) / width
        scaled *= HISTOGRAM_BINS
    else:
        scaled *= HISTOGRAM_BINS / width
    bins = scaled.astype(np.int64)
    np.minimum(bins, HISTOGRAM_BINS - 1, out=bins)
    return Histogram(np.bincount(bins, minlength=HISTOGRAM_BINS), low, high)
