"""Statistics and histogram of an array, in NumPy: what the recorder computes with torch, for everything else."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from engine.recording.model import HISTOGRAM_BINS, HISTOGRAM_SAMPLE, Histogram, Statistics


def statistics_of(array: npt.NDArray[Any]) -> Statistics:
    """Statistics of all elements, in float64 (complex: of the absolute values; bool: of 0 and 1)."""
    values = np.abs(array).ravel() if np.iscomplexobj(array) else array.ravel()
    finite = _finite(values)
    nans = int(np.isnan(values).sum()) if values.dtype.kind == "f" else 0
    zeros = int((values == 0).sum())
    infs = values.size - finite.size - nans
    if not finite.size:
        return Statistics(None, None, None, None, None, zeros, nans, infs)
    with np.errstate(over="ignore"):
        norm = float(np.sqrt(np.square(finite).sum()))
        mean, std = float(finite.mean()), float(finite.std())
    return Statistics(float(finite.min()), float(finite.max()), mean, std, norm, zeros, nans, infs)


def histogram_of(array: npt.NDArray[Any]) -> Histogram | None:
    """Counts between the smallest and the largest finite element; None if there is none.

    Of more than `HISTOGRAM_SAMPLE` elements, as many evenly spread ones are counted. Where all are equal, they are in
    the middle bin.
    """
    values = np.abs(array).ravel() if np.iscomplexobj(array) else array.ravel()
    finite = _finite(values)
    if not finite.size:
        return None
    low, high = float(finite.min()), float(finite.max())
    if values.size > HISTOGRAM_SAMPLE:
        finite = _finite(values[np.linspace(0, values.size - 1, HISTOGRAM_SAMPLE).astype(np.int64)])
    bins = HISTOGRAM_BINS
    width = high / bins - low / bins  # without overflow at the ends of float64
    if not width > 0:
        counts = np.zeros(bins, np.int64)
        counts[bins // 2] = finite.size
        return Histogram(counts, low, high)
    index = np.clip(((finite / bins - low / bins) / width * bins).astype(np.int64), 0, bins - 1)
    return Histogram(np.bincount(index, minlength=bins).astype(np.int64), low, high)


def _finite(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    if values.dtype.kind != "f":
        return values.astype(np.float64)
    finite: npt.NDArray[np.float64] = values[np.isfinite(values)].astype(np.float64)
    return finite
