"""Move the inside of each block sideways, so that what leaves and enters its cuts is spread evenly about them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from engine.layout.dummies import Strip
from engine.layout.model import Floats


def balance(strip: Strip, x: Floats) -> Floats:
    """A new x for each item; cuts stay at 0, and the distances within each row as they are."""
    balanced = x.copy()
    pinned = set(strip.pinned)
    for first, end in pairwise([*strip.first_row, len(strip.rows)]):
        inside = [item for row in strip.rows[first:end] for item in row if item not in pinned]
        cuts = [item for row in (strip.rows[first], strip.rows[end - 1]) for item in row if item in pinned]
        means = [_mean_of_neighbours(strip, x, item) for item in cuts]
        if inside and means:
            balanced[inside] -= sum(means) / len(means)
    return balanced


def _mean_of_neighbours(strip: Strip, x: Floats, item: int) -> float:
    near = [*strip.above[item], *strip.below[item]]
    return float(np.mean(x[near])) if near else 0.0
