"""Give every edge a bend point in each row that it passes.

All distinct segments are set one below the other into one strip, so that the passes that follow work on flat arrays.
An item of the strip is a node or a bend point; a link joins two items in neighbouring rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from engine.layout.model import Floats, Ints
from engine.layout.segments import Segments, Template
from engine.layout.spacing import LINE_WIDTH


@dataclass(eq=False)
class Strip:
    """`row[i]` is the row of item i; `above`/`below` its links; `bend` says that it is a bend point.

    Template t begins at row `first_row[t]`, its nodes are the items from `first_item[t]` in the template's order, its
    edges the `paths` from `first_path[t]`: (tail, first bend point, last bend point, head), with -1 for no bend points.
    The bend points of a line have consecutive numbers, from top to bottom. `rows` has the items from left to right
    (by the pass `order`), `chains` the bend points of each line, `buses` those of the lines that loose edges share,
    `pinned` the items at x = 0.
    """

    row: list[int] = field(default_factory=list)
    left: list[float] = field(default_factory=list)
    right: list[float] = field(default_factory=list)
    bend: list[bool] = field(default_factory=list)
    above: list[list[int]] = field(default_factory=list)
    below: list[list[int]] = field(default_factory=list)
    rows: list[list[int]] = field(default_factory=list)
    chains: list[range] = field(default_factory=list)
    buses: list[range] = field(default_factory=list)
    pinned: list[int] = field(default_factory=list)
    first_row: list[int] = field(default_factory=list)
    first_item: list[int] = field(default_factory=list)
    first_path: list[int] = field(default_factory=list)
    paths: list[tuple[int, int, int, int]] = field(default_factory=list)

    def add(self, row: int, left: float, right: float, *, bend: bool) -> int:
        self.row.append(row)
        self.left.append(left)
        self.right.append(right)
        self.bend.append(bend)
        self.above.append([])
        self.below.append([])
        return len(self.row) - 1

    def add_line(self, first: int, last: int) -> range:
        """A bend point in each row from `first` to `last`, each linked to the next."""
        items = range(len(self.row), len(self.row) + last - first + 1)
        for row in range(first, last + 1):
            self.add(row, LINE_WIDTH / 2, LINE_WIDTH / 2, bend=True)
        for upper, lower in pairwise(items):
            self.link(upper, lower)
        return items

    def link(self, upper: int, lower: int) -> None:
        self.below[upper].append(lower)
        self.above[lower].append(upper)

    def path_ends(self) -> tuple[Ints, Ints, Ints, Ints]:
        """Tail, first and last bend point, and head of every path."""
        paths = np.array(self.paths, dtype=np.int64).reshape(-1, 4)
        return paths[:, 0], paths[:, 1], paths[:, 2], paths[:, 3]

    def links(self) -> tuple[Ints, Ints]:
        """Upper and lower item of every link that some edge's path takes, each once, loose edges included."""
        tail, first, last, head = self.path_ends()
        bent = first >= 0
        along = np.array([item for line in (*self.chains, *self.buses) for item in line[:-1]], dtype=np.int64)
        upper = np.concatenate([tail, last[bent], along])
        lower = np.concatenate([np.where(bent, first, head), head[bent], along + 1])
        count = max(len(self.row), 1)
        pairs = np.unique(upper * count + lower)
        return pairs // count, pairs % count

    def extents(self) -> tuple[Floats, Floats]:
        return np.array(self.left, dtype=np.float64), np.array(self.right, dtype=np.float64)


def bend_edges(segments: Segments) -> Strip:
    """Build the strip, its rows still in no particular order."""
    strip = Strip()
    for template in segments.templates:
        _append(strip, template)
    return strip


def _append(strip: Strip, template: Template) -> None:
    top, base = len(strip.rows), len(strip.row)
    strip.first_row.append(top)
    strip.first_item.append(base)
    strip.first_path.append(len(strip.paths))
    rows = (template.ranks + top).tolist()
    for row, left, right in zip(rows, template.left.tolist(), template.right.tolist(), strict=True):
        strip.add(row, left, right, bend=False)
    bus = _add_buses(strip, template, top)
    offset = _add_lines(strip, template, rows)
    linked: set[tuple[int, int]] = set()
    edges = zip(
        template.tail.tolist(), template.head.tolist(), template.line.tolist(), template.loose.tolist(), strict=True
    )
    for u, v, line, loose in edges:
        span = rows[v] - rows[u] - 1
        first = -1
        if span:
            first = bus[rows[u] + 1] if loose else rows[u] + 1 + offset[line]
        last = first + span - 1 if span else -1
        strip.paths.append((base + u, first, last, base + v))
        if not loose:
            pairs = ((base + u, first), (last, base + v)) if span else ((base + u, base + v),)
            for pair in pairs:
                if pair not in linked:
                    linked.add(pair)
                    strip.link(*pair)
    height = rows[-1] - top + 1
    strip.rows += [[] for _ in range(height)]
    if template.cut_above:
        strip.pinned.append(base)
    if template.cut_below and height > 1:
        strip.pinned.append(base + len(rows) - 1)


def _add_lines(strip: Strip, template: Template, rows: list[int]) -> dict[int, int]:
    """For each line, what to add to a row to get the item there."""
    extent: dict[int, tuple[int, int]] = {}
    tight = ~template.loose
    edges = zip(
        template.tail[tight].tolist(), template.head[tight].tolist(), template.line[tight].tolist(), strict=True
    )
    for u, v, line in edges:
        first, last = rows[u] + 1, rows[v] - 1
        if first <= last:
            low, high = extent.get(line, (first, last))
            extent[line] = min(low, first), max(high, last)
    offset = {}
    for line, (first, last) in extent.items():
        items = strip.add_line(first, last)
        strip.chains.append(items)
        offset[line] = items.start - first
    return offset


def _add_buses(strip: Strip, template: Template, top: int) -> dict[int, int]:
    """For each row that a loose edge passes, the item there; rows without a gap between them make one bus."""
    height = int(template.ranks[-1]) + 1
    change = np.zeros(height + 1, dtype=np.int64)
    np.add.at(change, template.ranks[template.tail[template.loose]] + 1, 1)
    np.add.at(change, template.ranks[template.head[template.loose]], -1)
    passed = np.concatenate([[0], np.cumsum(change) > 0, [0]]).astype(np.int64)
    begins, ends = np.flatnonzero(np.diff(passed) == 1), np.flatnonzero(np.diff(passed) == -1) - 1
    items: dict[int, int] = {}
    for first, last in zip((begins + top).tolist(), (ends + top).tolist(), strict=True):
        bus = strip.add_line(first, last)
        strip.buses.append(bus)
        items.update(zip(range(first, last + 1), bus, strict=True))
    return items


def check(segments: Segments, strip: Strip) -> list[str]:
    problems = []
    row = np.array(strip.row, dtype=np.int64)
    upper, lower = strip.links()
    if (row[lower] != row[upper] + 1).any():
        problems.append("a link does not join neighbouring rows")
    if len(strip.paths) != sum(len(template.tail) for template in segments.templates):
        problems.append("an edge has no path")
    tail, first, last, head = strip.path_ends()
    bent = first >= 0
    if (row[last[bent]] - row[first[bent]] != last[bent] - first[bent]).any():
        problems.append("the bend points of a line are not in order")
    if (row[head] - row[tail] - 1 != np.where(bent, last - first + 1, 0)).any():
        problems.append("an edge has no bend point in a row that it passes")
    return problems
