"""Break the drawing into columns, so that it fills a screen and not a ribbon.

A column may end between any two ranks. What it costs there is the number of lines that have to be led to the top of
the next column: one between blocks of a plain network, five in a U-Net, hundreds in a tangle (where nothing is broken).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from engine.layout.core import Core
from engine.layout.dummies import Strip
from engine.layout.model import Floats, Ints
from engine.layout.segments import Segments
from engine.layout.spacing import COLUMN_GAP, COLUMN_ROWS, LINE_GAP, ROW_GAP

MOST_LANES = 8
SHORTEST = 0.6  # of the height aimed at: how much of a column may stay empty to break where fewer lines pass
ROUNDS = 16


@dataclass(frozen=True, eq=False)
class Profile:
    """Per rank: its `height`, how far it reaches to the `left` and `right` (scene px), and how many `lanes` lead on."""

    height: Floats
    left: Floats
    right: Floats
    lanes: Ints


@dataclass(frozen=True, eq=False)
class Columns:
    """`column` of each rank; per rank the `shift` to add to x and the `top` of its row; per column its `bottom`, and
    `gutter`, the x where the lines to the next one may rise."""

    column: Ints
    shift: Floats
    top: Floats
    height: Floats
    bottom: Floats
    gutter: Floats


def profile(core: Core, ranks: Ints, segments: Segments, strip: Strip, x: Floats) -> Profile:
    """Measure each rank, piece by piece."""
    rows = int(ranks.max(initial=-1)) + 1
    height = np.zeros(rows)
    np.maximum.at(height, ranks, core.tall)
    row = np.array(strip.row, dtype=np.int64)
    left_of, right_of = strip.extents()
    strip_left, strip_right = np.full(len(strip.rows), math.inf), np.full(len(strip.rows), -math.inf)
    np.minimum.at(strip_left, row, x - left_of)
    np.maximum.at(strip_right, row, x + right_of)
    strip_lanes = _lanes(strip, row)
    left, right, lanes = np.full(rows, math.inf), np.full(rows, -math.inf), np.zeros(rows, dtype=np.int64)
    pieces = zip(segments.first.tolist(), segments.last.tolist(), segments.template.tolist(), strict=True)
    for first, last, template in pieces:
        here = slice(first, last + 1)
        there = slice(strip.first_row[template], strip.first_row[template] + last + 1 - first)
        np.minimum(left[here], strip_left[there], out=left[here])
        np.maximum(right[here], strip_right[there], out=right[here])
        lanes[first:last] = strip_lanes[there][:-1]
    return Profile(height, left, right, lanes)


def _lanes(strip: Strip, row: Ints) -> Ints:
    """Links below each row, those with a common end counted once."""
    if not strip.path_items:
        return np.zeros(len(strip.rows), dtype=np.int64)
    upper, lower = strip.links()
    from_above = np.bincount(row[np.unique(upper)], minlength=len(strip.rows))
    from_below = np.bincount(row[np.unique(lower)] - 1, minlength=len(strip.rows))
    return np.minimum(from_above, from_below)


def wrap(measured: Profile, aspect: float) -> Columns:
    """Search the column height whose drawing comes nearest to `aspect` (width : height)."""
    step = measured.height + ROW_GAP
    total = float(step.sum())
    low = COLUMN_ROWS * float(np.median(step)) if len(step) else 0.0
    best = [0, len(step)]
    if total > low > 0:
        high = total
        nearest = math.inf
        for _ in range(ROUNDS):
            aim = math.sqrt(low * high)
            breaks = _break(step, measured.lanes, aim)
            ratio = _ratio(measured, step, breaks)
            if abs(math.log(ratio / aspect)) < nearest:
                nearest, best = abs(math.log(ratio / aspect)), breaks
            low, high = (aim, high) if ratio > aspect else (low, aim)
    return _columns(measured, step, best)


def _break(step: Floats, lanes: Ints, aim: float) -> list[int]:
    """First rank of each column, and the number of ranks: fill each column, but look back for a cheaper break."""
    ends = np.cumsum(step)
    breaks = [0]
    while True:
        start = breaks[-1]
        begin = float(ends[start - 1]) if start else 0.0
        if ends[-1] - begin <= aim:
            break
        furthest = max(int(np.searchsorted(ends, begin + aim, side="right")) - 1, start)
        nearest = max(int(np.searchsorted(ends, begin + SHORTEST * aim)), start)
        window = lanes[nearest : furthest + 1][::-1]
        if len(window) and window.min() <= MOST_LANES:
            chosen = furthest - int(window.argmin())
        else:
            later = np.flatnonzero(lanes[furthest + 1 : -1] <= MOST_LANES)
            if not len(later):
                break
            chosen = furthest + 1 + int(later[0])
        if chosen + 1 >= len(step):
            break
        breaks.append(chosen + 1)
    return [*breaks, len(step)]


def _ratio(measured: Profile, step: Floats, breaks: list[int]) -> float:
    starts = np.array(breaks[:-1])
    widths = np.maximum.reduceat(measured.right, starts) - np.minimum.reduceat(measured.left, starts)
    lanes = measured.lanes[np.array(breaks[1:-1], dtype=np.int64) - 1].sum() if len(breaks) > 2 else 0
    width = widths.sum() + COLUMN_GAP * (len(starts) - 1) + LINE_GAP * lanes
    return max(float(width), 1.0) / max(float(np.add.reduceat(step, starts).max()), 1.0)


def _columns(measured: Profile, step: Floats, breaks: list[int]) -> Columns:
    rows, count = len(step), len(breaks) - 1
    column, shift, top = np.zeros(rows, dtype=np.int64), np.zeros(rows), np.zeros(rows)
    bottom, gutter = np.zeros(count), np.zeros(count)
    x = 0.0
    for number in range(count if rows else 0):
        here = slice(breaks[number], breaks[number + 1])
        left, right = float(measured.left[here].min()), float(measured.right[here].max())
        column[here] = number
        shift[here] = x - left
        top[here] = np.cumsum(step[here]) - step[here]
        bottom[number] = step[here].sum() - ROW_GAP
        lanes = int(measured.lanes[breaks[number + 1] - 1])
        gutter[number] = x + right - left + COLUMN_GAP / 2
        x += right - left + COLUMN_GAP + LINE_GAP * max(lanes - 1, 0)
    return Columns(column, shift, top, measured.height, bottom, gutter)


def check(measured: Profile, columns: Columns) -> list[str]:
    problems = []
    if (np.diff(columns.column) < 0).any() or (np.diff(columns.column) > 1).any():
        problems.append("the columns do not follow each other")
    same = np.diff(columns.column) == 0
    if (np.diff(columns.top)[same] < measured.height[:-1][same]).any():
        problems.append("two rows of a column overlap")
    begins = measured.left + columns.shift
    ends = measured.right + columns.shift
    problems += [
        f"columns {number} and {number + 1} overlap"
        for number in range(len(columns.bottom) - 1)
        if ends[columns.column == number].max() > begins[columns.column == number + 1].min()
    ]
    return problems
