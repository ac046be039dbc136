"""Statistics and histograms of small contents, many at once.

A few thousand numbers are measured by NumPy in a few dozen microseconds, nearly all of them for calls and not for
numbers; of hundreds that wait, all are measured with those few calls. So whoever records a small tensor only keeps a
copy of it, and the writer's thread measures what it is about to write.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.recording.model import HISTOGRAM_BINS, Histogram, Level, Shape, Statistics

Values = npt.NDArray[np.float64]
FIGURES = 8
# The figures of Statistics in their order (of no finite element, a minimum above the maximum), and behind them in the
# same memory the counts of the histogram as int64.
Figures = npt.NDArray[np.float64]
_NARROWEST = 1e-30  # below this width of a histogram, a factor by it might be infinite
_TOGETHER = 1 << 18  # elements that are measured at once: they stay in the processor's cache


class Measurement:
    """Statistics and histogram of one content: at hand, or to be made from its values when they are asked for.

    Several rows may share one. It may be asked for in any thread.
    """

    __slots__ = ("_figures", "_histogram", "_statistics", "_values")

    def __init__(
        self,
        statistics: Statistics | None,
        histogram: Histogram | None = None,
        values: npt.NDArray[Any] | None = None,
        figures: Figures | None = None,
    ) -> None:
        self._figures = figures
        self._statistics = statistics
        self._histogram = histogram
        self._values = values

    @classmethod
    def of(cls, values: npt.NDArray[Any]) -> Measurement:
        """To be made from `values` (real numbers or bool, at least one), which nobody writes to any more."""
        return cls(None, None, values)

    @classmethod
    def sampled(cls, statistics: Statistics, sample: npt.NDArray[Any]) -> Measurement:
        """Of which only the histogram is to be made, from a `sample` of at least one element of the content."""
        return cls(statistics, None, sample)

    @classmethod
    def made(cls, figures: Figures) -> Measurement:
        """Of which all is known, as plain numbers."""
        return cls(None, None, None, figures)

    def result(self) -> tuple[Statistics, Histogram | None]:
        """Made now, if it was not."""
        if self._values is not None:
            measure_together([self])
        figures = self._figures
        if figures is not None:
            self._statistics, self._histogram = _named(figures)
            self._figures = None
        assert self._statistics is not None
        return self._statistics, self._histogram

    def figures(self) -> Figures | None:
        """What is at hand as plain numbers, if it is."""
        return self._figures

    def waiting(self) -> tuple[Statistics | None, npt.NDArray[Any] | None]:
        """What is known, and the values that are still to be measured or counted."""
        return self._statistics, self._values

    def held(self) -> int:
        """Bytes of the values that it keeps."""
        return 0 if self._values is None else self._values.nbytes

    def settle(self, statistics: Statistics, histogram: Histogram | None) -> None:
        """What has been made. The values go last: while they are there, another thread may be at them, too.

        It then makes the same.
        """
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


@np.errstate(all="ignore")  # any bits may come, those of memory that was never written, too
def measure_together(measurements: Iterable[Measurement]) -> None:
    """Make all that have not been made."""
    whole: list[tuple[Measurement, npt.NDArray[Any]]] = []
    samples: dict[np.dtype[Any], list[tuple[Measurement, npt.NDArray[Any]]]] = {}
    for measurement in measurements:
        statistics, values = measurement.waiting()
        if values is None:
            continue
        chosen = whole if statistics is None else samples.setdefault(values.dtype, [])
        chosen.append((measurement, values))
    for part in _portions(whole):
        _measure(part)
    for chosen in samples.values():
        for part in _portions(chosen):
            _count(part)


def _named(figures: Figures) -> tuple[Statistics, Histogram | None]:
    low, high, mean, std, norm, zeros, nans, infs = figures[:FIGURES].tolist()
    if low > high:  # no element is finite
        return Statistics(None, None, None, None, None, 0, int(nans), int(infs)), None
    counts = figures[FIGURES:].view(np.int64)
    return Statistics(low, high, mean, std, norm, int(zeros), int(nans), int(infs)), Histogram(counts, low, high)


def _portions(
    chosen: list[tuple[Measurement, npt.NDArray[Any]]],
) -> Iterator[list[tuple[Measurement, npt.NDArray[Any]]]]:
    """As many at a time as stay in the processor's cache."""
    part: list[tuple[Measurement, npt.NDArray[Any]]] = []
    size = 0
    for pair in chosen:
        part.append(pair)
        size += pair[1].size
        if size >= _TOGETHER:
            yield part
            part, size = [], 0
    if part:
        yield part


def _count(chosen: list[tuple[Measurement, npt.NDArray[Any]]]) -> None:
    """Histograms of samples of one dtype, computed in it, of contents whose statistics are known."""
    usual = []
    for measurement, sample in chosen:
        statistics, _ = measurement.waiting()
        assert statistics is not None
        low, high = statistics.min, statistics.max
        odd = statistics.nans or statistics.infs or sample.dtype.kind != "f"
        if odd or low is None or high is None or not _NARROWEST <= high - low <= np.finfo(sample.dtype).max:
            measurement.settle(statistics, histogram_of_few(sample, statistics))
        else:
            usual.append((measurement, sample, statistics, low, high))
    if not usual:
        return
    samples = [sample.reshape(-1) for _, sample, *_ in usual]
    lows, highs = np.array([low for *_, low, _ in usual]), np.array([high for *_, high in usual])
    counts = np.array([sample.size for sample in samples])
    made = _bins(np.concatenate(samples), lows, highs - lows, counts)
    for (measurement, _, statistics, low, high), counted in zip(usual, made, strict=True):
        measurement.settle(statistics, Histogram(counted, low, high))


def _measure(chosen: list[tuple[Measurement, npt.NDArray[Any]]]) -> None:
    counts = np.array([values.size for _, values in chosen])
    starts = np.zeros_like(counts)
    np.cumsum(counts[:-1], out=starts[1:])
    flat = np.empty(int(counts.sum()))
    np.concatenate([values.reshape(-1) for _, values in chosen], out=flat, casting="same_kind")
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


def _bins(flat: npt.NDArray[Any], low: Values, width: Values, counts: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Counts in 64 bins of equal width from the smallest to the largest element, a row for each part."""
    parts = len(counts)
    factor, first = np.zeros(parts), np.arange(parts) * HISTOGRAM_BINS
    np.divide(HISTOGRAM_BINS, width, out=factor, where=width > 0.0)
    scaled = flat - np.repeat(low.astype(flat.dtype), counts)
    scaled *= np.repeat(factor.astype(flat.dtype), counts)
    # The maximum itself, what rounding lifts to it, and what another process wrote after the content was measured.
    bins = scaled.astype(np.int64)
    np.clip(bins, 0, HISTOGRAM_BINS - 1, out=bins)
    first[width == 0.0] += HISTOGRAM_BINS // 2  # where all are equal, they are in the middle
    bins += np.repeat(first, counts)
    return np.bincount(bins, minlength=parts * HISTOGRAM_BINS).reshape(parts, HISTOGRAM_BINS)


@np.errstate(all="ignore")
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
    zeros = 0 if low > 0.0 or high < 0.0 else values.size - int(np.count_nonzero(values))
    # Squares of float64 may overflow or vanish, so elements at the ends of its range are scaled first.
    largest = max(-low, high)
    scale = largest if not 1e-140 < largest < 1e140 and largest > 0.0 else 1.0
    if scale != 1.0:
        values = values / scale
    mean = float(values.sum()) / values.size
    centred = values - mean
    std = math.sqrt(float(centred.dot(centred)) / values.size)
    return Statistics(low, high, mean * scale, std * scale, math.sqrt(float(values.dot(values))) * scale, zeros, 0, 0)


@np.errstate(all="ignore")
def histogram_of_few(values: npt.NDArray[Any], statistics: Statistics) -> Histogram | None:
    """Counts of the finite `values` in 64 bins of equal width from the content's minimum to its maximum."""
    low, high = statistics.min, statistics.max
    if low is None or high is None:
        return None
    if statistics.nans or statistics.infs:
        values = values[np.isfinite(values)]
    width = high - low
    if width == 0.0:
        counts = np.zeros(HISTOGRAM_BINS, dtype=np.int64)
        counts[HISTOGRAM_BINS // 2] = values.size
        return Histogram(counts, low, high)
    widest = np.finfo(values.dtype).max if values.dtype.kind == "f" else math.inf
    if _NARROWEST <= width <= widest:
        scaled = values - low
        scaled *= HISTOGRAM_BINS / width
    else:
        part = 0.5 if width == math.inf else 1.0  # halves differ by what float64 can still hold
        scaled = values.astype(np.float64) * part - low * part
        scaled /= high * part - low * part
        scaled *= HISTOGRAM_BINS
    bins = np.clip(scaled.astype(np.int64), 0, HISTOGRAM_BINS - 1)
    return Histogram(np.bincount(bins.ravel(), minlength=HISTOGRAM_BINS), low, high)
