"""Break the drawing into columns, so that it fills a screen and not a ribbon.

A column may end between any two ranks. What it costs there is the number of lines that have to be led to the top of
the next column: one between blocks of a plain network, five in a U-Net, hundreds in a tangle (where nothing is broken).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np

from engine.layout.core import Core
from engine.layout.dummies import Strip
from engine.layout.model import Floats, Ints
from engine.layout.segments import Segments
from engine.layout.spacing import COLUMN_GAP, COLUMN_ROWS, LINE_GAP, ROW_GAP

MOST_LANES = 40
TOO_MUCH = 1 << 30
SHORTEST = 0.6  # of the height aimed at: how much of a column may stay empty to break where fewer lines pass
OVERFULL = 1.15  # how much taller the last column may be, rather than leave a stub
ROUNDS = 12
NEARBY = tuple(np.geomspace(0.7, 1.4, 29).tolist())
BROKEN, EMPTY = 0.15, 1.0  # what they weigh beside the logarithm of the aspect


@dataclass(frozen=True, eq=False)
class Profile:
    """Per rank: its `height`, how far it reaches to the `left` and `right` (scene px), how many `links` lead on to the
    next one, and how many `lanes` they need when links with a common end share one."""

    height: Floats
    left: Floats
    right: Floats
    links: Ints
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
    strip_links, strip_lanes = _crossed(strip, row)
    left, right = np.full(rows, math.inf), np.full(rows, -math.inf)
    links, lanes = np.zeros(rows, dtype=np.int64), np.zeros(rows, dtype=np.int64)
    pieces = zip(segments.first.tolist(), segments.last.tolist(), segments.template.tolist(), strict=True)
    for first, last, template in pieces:
        here = slice(first, last + 1)
        there = slice(strip.first_row[template], strip.first_row[template] + last + 1 - first)
        np.minimum(left[here], strip_left[there], out=left[here])
        np.maximum(right[here], strip_right[there], out=right[here])
        links[first:last] = strip_links[there][:-1]
        lanes[first:last] = strip_lanes[there][:-1]
    return Profile(height, left, right, links, lanes)


def _crossed(strip: Strip, row: Ints) -> tuple[Ints, Ints]:
    """Links below each row, and the same with those that share an end counted once."""
    upper, lower = strip.links()
    links = np.bincount(row[upper], minlength=len(strip.rows))
    from_above = np.bincount(row[np.unique(upper)], minlength=len(strip.rows))
    from_below = np.bincount(row[np.unique(lower)] - 1, minlength=len(strip.rows))
    return links, np.minimum(from_above, from_below)


def wrap(measured: Profile, aspect: float) -> Columns:
    """Search the column height that comes nearest to `aspect` (width : height), then what is best around it."""
    step = measured.height + ROW_GAP
    total = float(step.sum())
    low = COLUMN_ROWS * float(np.median(step)) if len(step) else 0.0
    best = [0, len(step)]
    if total > low > 0:
        lowest, high = low, total
        for _ in range(ROUNDS):
            aim = math.sqrt(low * high)
            low, high = (aim, high) if _ratio(measured, step, _break(step, measured, aim)) > aspect else (low, aim)
        aims = [max(high * factor, lowest) for factor in NEARBY]
        best = min((_break_evenly(step, measured, aim) for aim in aims), key=partial(_badness, measured, step, aspect))
    return _columns(measured, step, best)


def _badness(measured: Profile, step: Floats, aspect: float, breaks: list[int]) -> float:
    """How far from the aspect, how many lines are broken (one that does not branch is free), how empty the columns."""
    ratio = abs(math.log(_ratio(measured, step, breaks) / aspect))
    inner = np.array(breaks[1:-1], dtype=np.int64) - 1
    broken = float(_cost(measured)[inner].mean() - 2) if len(inner) else 0.0
    heights = np.add.reduceat(step, breaks[:-1])
    empty = 1 - float(heights.mean() / heights.max())
    return ratio + BROKEN * broken + EMPTY * empty


def _cost(measured: Profile) -> Ints:
    return np.where(measured.lanes <= MOST_LANES, measured.lanes + measured.links, TOO_MUCH)


def _break_evenly(step: Floats, measured: Profile, aim: float) -> list[int]:
    """If one column has to be taller than `aim`, the others may be as tall."""
    breaks = _break(step, measured, aim)
    tallest = float(np.add.reduceat(step, breaks[:-1]).max())
    return _break(step, measured, tallest) if tallest > aim else breaks


def _break(step: Floats, measured: Profile, aim: float) -> list[int]:
    """First rank of each column, and the number of ranks: fill each column, but look back for a cheaper break."""
    cost = _cost(measured)
    ends = np.cumsum(step)
    breaks = [0]
    while True:
        start = breaks[-1]
        begin = float(ends[start - 1]) if start else 0.0
        if ends[-1] - begin <= OVERFULL * aim:
            break
        furthest = max(int(np.searchsorted(ends, begin + aim, side="right")) - 1, start)
        nearest = max(int(np.searchsorted(ends, begin + SHORTEST * aim)), start)
        window = cost[nearest : furthest + 1][::-1]
        if len(window) and window.min() < TOO_MUCH:
            chosen = furthest - int(window.argmin())
        else:
            later = np.flatnonzero(cost[furthest + 1 : -1] < TOO_MUCH)
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
