"""Find an x for each item: near its neighbours, and far enough from those beside it.

Items move to the weighted mean of their neighbours in the rows above and below; then each row is projected back to
the distances that it must keep, by running maxima and minima over all rows at once (cuts stay at x = 0).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.layout.dummies import Strip
from engine.layout.model import Flags, Floats, Ints, go_on
from engine.layout.spacing import LINE_GAP, NODE_GAP

ROUNDS = 60
DAMPING = 0.7
WEIGHTS = (1.0, 2.0, 8.0)  # of a link by the number of bend points that it joins: straight lines come first


@dataclass(frozen=True, eq=False)
class Spacing:
    """`items` row by row from left to right, `row` of each; `offset` is where it would stand if its row were packed
    tight from 0; `bend` says which items (by number) are bend points."""

    items: Ints
    row: Ints
    offset: Floats
    bend: Flags


def spacing(strip: Strip) -> Spacing:
    """Read the ordered rows of `strip`."""
    items = np.array([item for row in strip.rows for item in row], dtype=np.int64)
    lengths = np.array([len(row) for row in strip.rows], dtype=np.int64)
    row = np.repeat(np.arange(len(lengths)), lengths)
    bend = np.array(strip.bend, dtype=np.bool_)
    left, right = strip.extents()
    step = right[items[:-1]] + left[items[1:]]
    step += np.where(bend[items[:-1]] & bend[items[1:]], LINE_GAP, NODE_GAP)
    running = np.concatenate([[0.0], np.cumsum(step)])[: len(items)]
    starts = np.cumsum(lengths) - lengths
    return Spacing(items, row, running - running[starts[row]] if len(items) else running, bend)


def place_items(strip: Strip, stop: Callable[[], None] = go_on) -> Floats:
    """x of each item (float64, scene px); `stop` is called now and then, and may raise."""
    space = spacing(strip)
    x = np.zeros(len(space.items))
    if not len(x):
        return x
    last = np.flatnonzero(np.diff(space.row, append=-1))
    x[space.items] = space.offset - (space.offset[last] / 2)[space.row]
    x = _pull_to_buses(strip, x)
    upper, lower = _all_links(strip)
    weight = np.array(WEIGHTS)[space.bend[upper].astype(np.int64) + space.bend[lower]]
    source, target = np.concatenate([lower, upper]), np.concatenate([upper, lower])
    weights = np.concatenate([weight, weight])
    _share(weights, target, source, space.bend)
    total = np.bincount(target, weights, minlength=len(x))
    free = total == 0
    total[free] = 1.0
    before = x
    for turn in range(ROUNDS):
        stop()
        mean = np.bincount(target, weights * x[source], minlength=len(x)) / total
        mean[free] = x[free]
        x = mean + (1 - DAMPING) * (x - mean) if turn % 2 else mean
        x = project(space, x)
        x[strip.pinned] = 0.0
        if turn % 2:
            if np.array_equal(x, before):  # all further turns would give the same: so it is in most boxes
                break
            before = x
    return x


def _share(weights: Floats, target: Ints, source: Ints, bend: Flags) -> None:
    """All lines that end at one node pull at it no more than one: a thick bundle does not bend the main path."""
    lines = ~bend[target] & bend[source]
    count = np.bincount(target[lines], minlength=len(bend))
    weights[lines] /= count[target[lines]]


def _pull_to_buses(strip: Strip, x: Floats) -> Floats:
    """Where a bus begins the row, centre what remains: the bus is beside the drawing, not part of it."""
    for bus in strip.buses:
        for item in bus:
            row = strip.rows[strip.row[item]]
            x[row] -= (x[row[1]] + x[row[-1]]) / 2 if len(row) > 1 else x[item]
    return x


def _all_links(strip: Strip) -> tuple[Ints, Ints]:
    upper = [item for item, below in enumerate(strip.below) for _ in below]
    lower = [item for below in strip.below for item in below]
    return np.array(upper, dtype=np.int64), np.array(lower, dtype=np.int64)


def project(space: Spacing, x: Floats) -> Floats:
    """The mean of the nearest placement to the right and the nearest to the left that keep all distances."""
    slack = x[space.items] - space.offset
    apart = space.row * (4 * float(np.abs(slack).max()) + 1.0)
    slack += apart
    rightward = np.maximum.accumulate(slack) - apart
    leftward = np.minimum.accumulate(slack[::-1])[::-1] - apart
    projected = np.empty_like(x)
    projected[space.items] = (rightward + leftward) / 2 + space.offset
    return projected


def check(strip: Strip, x: Floats) -> list[str]:
    problems = []
    if not np.isfinite(x).all():
        problems.append("an x is not a number")
    space = spacing(strip)
    gap = np.diff(x[space.items]) - np.diff(space.offset)
    if ((gap < -0.5) & (np.diff(space.row) == 0)).any():
        problems.append("two neighbours in a row are too close")
    if len(strip.pinned) and np.abs(x[strip.pinned]).max() > 1e-6:
        problems.append("a cut is not at x = 0")
    return problems
