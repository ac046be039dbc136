"""Break the drawing into columns, so that it fills a screen and not a ribbon.

A column may end between any two ranks. What it costs there is the number of lines that have to be led to the top of
the next column: one between blocks of a plain network, five in a U-Net, hundreds in a tangle (where nothing is broken).
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from statistics import median

import numpy as np

from engine.layout.core import Core
from engine.layout.dummies import Strip
from engine.layout.model import Floats, Ints
from engine.layout.segments import Segments
from engine.layout.spacing import COLUMN_GAP, COLUMN_ROWS, LINE_GAP, ORDINARY_ROW, ROW_GAP

MOST_LANES = 40
TOO_MUCH = 1 << 30
SHORTEST = 0.6  # of the height aimed at: how much of a column may stay empty to break where fewer lines pass
SHORTEST_PART = 0.3  # the same where a part of the graph ends that nothing connects with the next
OVERFULL = 1.15  # how much taller the last column may be, rather than leave a stub
UNEVEN = 1.05  # ranks are not all equally tall
ROUNDS = 12
NEARBY = tuple(np.geomspace(0.7, 1.4, 21).tolist())
BROKEN, EMPTY = 0.15, 1.0  # what they weigh beside the logarithm of the aspect

Breaks = tuple[int, ...]


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
    rank, there = segments.rank, segments.strip_rows(strip.first_row)
    np.minimum.at(left, rank, strip_left[there])
    np.maximum.at(right, rank, strip_right[there])
    inner = rank < segments.last[segments.of]
    links[rank[inner]], lanes[rank[inner]] = strip_links[there[inner]], strip_lanes[there[inner]]
    return Profile(height, left, right, links, lanes)


def _crossed(strip: Strip, row: Ints) -> tuple[Ints, Ints]:
    """Links below each row, and the same with those that share an end counted once."""
    upper, lower = strip.links()
    links = np.bincount(row[upper], minlength=len(strip.rows))
    from_above = np.bincount(row[np.unique(upper)], minlength=len(strip.rows))
    from_below = np.bincount(row[np.unique(lower)] - 1, minlength=len(strip.rows))
    return links, np.minimum(from_above, from_below)


def wrap(measured: Profile, aspect: float | None, *, short: bool = False) -> Columns:
    """Search the column height that comes nearest to `aspect` (width : height), then what is best around it.

    None: everything in one column. `short` columns may have any number of rows; others have some at least, since few
    rows are better read in one piece.
    """
    step = measured.height + ROW_GAP
    total = float(step.sum())
    low = _lowest(step, short=short)
    best: Breaks = (0, len(step))
    if aspect is not None and total > low > 0:
        breaker = _Breaker(measured, step, aspect, short=short)
        lowest, high = low, total
        for _ in range(ROUNDS):
            aim = math.sqrt(low * high)
            low, high = (aim, high) if breaker.ratio(breaker.greedily(aim)) > aspect else (low, aim)
        tried = sorted({breaker.evenly(max(high * factor, lowest)) for factor in NEARBY})
        best = min(tried, key=breaker.badness)
    return _columns(measured, step, best)


def _lowest(step: Floats, *, short: bool) -> float:
    if not len(step):
        return 0.0
    return float(step.max()) if short else COLUMN_ROWS * min(median(step.tolist()), ORDINARY_ROW)


class _Breaker:
    """Ways to break the ranks into columns. A way is the first rank of each column, and the number of ranks."""

    def __init__(self, measured: Profile, step: Floats, aspect: float, *, short: bool) -> None:
        self.measured, self.step, self.aspect, self.short = measured, step, aspect, short
        self.ends: list[float] = np.cumsum(step).tolist()
        cost = np.where(measured.lanes <= MOST_LANES, measured.lanes + measured.links, TOO_MUCH)
        self.cost: list[int] = cost.tolist()
        self.ends_of_parts: list[int] = np.flatnonzero(measured.links == 0).tolist()
        self.possible: list[int] = np.flatnonzero(cost[:-1] < TOO_MUCH).tolist()

    def greedily(self, aim: float) -> Breaks:
        """Fill each column up to `aim`, but look back for a cheaper place to break."""
        ends, cost, ends_of_parts = self.ends, self.cost, self.ends_of_parts
        breaks, start, whole, parts = [0], 0, ends[-1], len(ends_of_parts) > 1
        while True:
            begin = ends[start - 1] if start else 0.0
            if whole - begin <= OVERFULL * aim:
                break
            room = self._share(start, begin, aim) if parts else aim
            beyond = bisect_right(ends, begin + room, start + 1)
            furthest = beyond - 1
            nearest = bisect_left(ends, begin + SHORTEST * room, start, beyond)
            window = cost[nearest:beyond]
            if self.short and not window:  # what follows is too tall for what is left of this column
                window = cost[start:beyond]
            cheapest = min(window) if window else TOO_MUCH
            end_of_part = bisect_right(ends_of_parts, furthest) - 1
            if end_of_part >= 0 and ends[ends_of_parts[end_of_part]] - begin >= SHORTEST_PART * room:
                chosen = ends_of_parts[end_of_part]
            elif cheapest < TOO_MUCH:
                chosen = furthest - window[::-1].index(cheapest)
            else:
                following = bisect_right(self.possible, furthest)
                if following == len(self.possible):
                    break
                chosen = self.possible[following]
            if chosen + 1 >= len(ends):
                break
            start = chosen + 1
            breaks.append(start)
        return (*breaks, len(ends))

    def _share(self, start: int, begin: float, aim: float) -> float:
        """How tall a column may be where there are several parts: one with others after it that needs several columns
        is divided evenly among them."""
        end = bisect_left(self.ends_of_parts, start)
        if end == len(self.ends_of_parts):
            return aim
        height = self.ends[self.ends_of_parts[end]] - begin
        return height / math.ceil(height / aim) * UNEVEN if height > aim else aim

    def evenly(self, aim: float) -> Breaks:
        """If one column has to be taller than `aim`, the others may be as tall."""
        breaks = self.greedily(aim)
        tallest = float(np.add.reduceat(self.step, breaks[:-1]).max())
        return self.greedily(tallest) if tallest > OVERFULL * aim else breaks

    def ratio(self, breaks: Breaks) -> float:
        """Width : height of the drawing."""
        measured, starts = self.measured, np.array(breaks[:-1])
        widths = np.maximum.reduceat(measured.right, starts) - np.minimum.reduceat(measured.left, starts)
        lanes = int(measured.lanes[starts[1:] - 1].sum())
        width = widths.sum() + COLUMN_GAP * (len(starts) - 1) + LINE_GAP * lanes
        return max(float(width), 1.0) / max(float(np.add.reduceat(self.step, starts).max()), 1.0)

    def badness(self, breaks: Breaks) -> float:
        """How far from the aspect, how many lines are broken (one that does not branch is free), how empty it is."""
        heights = np.add.reduceat(self.step, breaks[:-1])
        broken = [max(self.cost[start - 1] - 2, 0) for start in breaks[1:-1]]
        return (
            abs(math.log(self.ratio(breaks) / self.aspect))
            + BROKEN * sum(broken) / max(len(broken), 1)
            + EMPTY * (1 - float(heights.mean() / heights.max()))
        )


def _columns(measured: Profile, step: Floats, breaks: Breaks) -> Columns:
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
