"""From the gradient norms of a training step to the heights of the scrubber's ticks: pure functions on arrays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SHORTEST = 0.12  # height of the tick of an event without a gradient
SMALLEST = 0.22  # height of the tick of the smallest gradient
MOST_DECADES = 12.0  # the logarithmic scale reaches at most so far below the largest gradient
FEWEST_DECADES = 3.0  # and at least so far: gradients of 8 and 16 are nearly alike, and so are their ticks


def heights(norms: Floats) -> Floats:
    """For each event a height between 0 and 1, on a logarithmic scale; NaN and 0 give the shortest."""
    result = np.full(len(norms), SHORTEST)
    positive = np.isfinite(norms) & (norms > 0)
    if not positive.any():
        return result
    logs = np.log10(norms[positive])
    high = float(logs.max())
    low = min(max(float(logs.min()), high - MOST_DECADES), high - FEWEST_DECADES)
    share = np.clip((logs - low) / (high - low), 0.0, 1.0)
    result[positive] = SMALLEST + (1.0 - SMALLEST) * share
    return result


def columns(values: Floats, width: int) -> Floats:
    """The largest value in each of `width` equal parts of `values`, which must be at least `width` long."""
    starts = np.arange(width) * len(values) // width
    return np.asarray(np.maximum.reduceat(values, starts), np.float64)


def bars(heights: Floats, rows: int) -> npt.NDArray[np.bool_]:
    """A picture of as many rows, from the top, with a column for each height: where its bar is."""
    empty = rows - np.maximum(np.rint(heights * rows), 1)
    return np.asarray(np.arange(rows)[:, None] >= empty)
