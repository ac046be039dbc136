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
    edges the paths from `first_path[t]`; path p runs through `path_items[path_start[p]:path_start[p + 1]]`. `rows` has
    the items from left to right (by the pass `order`), `chains` the bend points of each line, `buses` those of the
    lines that loose edges share, `pinned` the items at x = 0.
    """

    row: list[int] = field(default_factory=list)
    left: list[float] = field(default_factory=list)
    right: list[float] = field(default_factory=list)
    bend: list[bool] = field(default_factory=list)
    above: list[list[int]] = field(default_factory=list)
    below: list[list[int]] = field(default_factory=list)
    rows: list[list[int]] = field(default_factory=list)
    chains: list[list[int]] = field(default_factory=list)
    buses: list[list[int]] = field(default_factory=list)
    pinned: list[int] = field(default_factory=list)
    first_row: list[int] = field(default_factory=list)
    first_item: list[int] = field(default_factory=list)
    first_path: list[int] = field(default_factory=list)
    path_items: list[int] = field(default_factory=list)
    path_start: list[int] = field(default_factory=lambda: [0])

    def add(self, row: int, left: float, right: float, *, bend: bool) -> int:
        self.row.append(row)
        self.left.append(left)
        self.right.append(right)
        self.bend.append(bend)
        self.above.append([])
        self.below.append([])
        return len(self.row) - 1

    def add_bend(self, row: int) -> int:
        return self.add(row, LINE_WIDTH / 2, LINE_WIDTH / 2, bend=True)

    def link(self, upper: int, lower: int) -> None:
        if lower not in self.below[upper]:
            self.below[upper].append(lower)
            self.above[lower].append(upper)

    def links(self) -> tuple[Ints, Ints]:
        """Upper and lower item of every link that some edge's path takes, each once."""
        items, start = np.array(self.path_items, dtype=np.int64), np.array(self.path_start, dtype=np.int64)
        inner = np.ones(len(items), dtype=np.bool_)
        inner[start[1:] - 1] = False
        upper = np.flatnonzero(inner)
        pairs = np.unique(items[upper] * len(self.row) + items[upper + 1])
        return pairs // max(len(self.row), 1), pairs % max(len(self.row), 1)

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
    strip.first_path.append(len(strip.path_start) - 1)
    ranks = template.ranks.tolist()
    height = max(ranks) + 1
    for rank, left, right in zip(ranks, template.left.tolist(), template.right.tolist(), strict=True):
        strip.add(top + rank, left, right, bend=False)
    bus = _add_buses(strip, template, top, height)
    lines: dict[int, dict[int, int]] = {}
    edges = zip(
        template.tail.tolist(), template.head.tolist(), template.line.tolist(), template.loose.tolist(), strict=True
    )
    for u, v, line, loose in edges:
        between = range(top + ranks[u] + 1, top + ranks[v])
        if loose:
            path = [bus[row] for row in between]
        else:
            bends = lines.setdefault(line, {})
            path = [_bend_at(strip, bends, row) for row in between]
        path = [base + u, *path, base + v]
        strip.path_items += path
        strip.path_start.append(len(strip.path_items))
        if not loose:
            for upper, lower in pairwise(path):
                strip.link(upper, lower)
    strip.chains += [[bends[row] for row in sorted(bends)] for bends in lines.values() if bends]
    strip.rows += [[] for _ in range(height)]
    if template.cut_above:
        strip.pinned.append(base)
    if template.cut_below and height > 1:
        strip.pinned.append(base + len(ranks) - 1)


def _bend_at(strip: Strip, bends: dict[int, int], row: int) -> int:
    if row not in bends:
        bends[row] = strip.add_bend(row)
    return bends[row]


def _add_buses(strip: Strip, template: Template, top: int, height: int) -> dict[int, int]:
    """One bend point in every row that a loose edge passes; runs of neighbouring rows make one bus."""
    change = np.zeros(height + 1, dtype=np.int64)
    np.add.at(change, template.ranks[template.tail[template.loose]] + 1, 1)
    np.add.at(change, template.ranks[template.head[template.loose]], -1)
    items: dict[int, int] = {}
    previous = -2
    for rank in np.flatnonzero(np.cumsum(change)).tolist():
        item = items[top + rank] = strip.add_bend(top + rank)
        if rank == previous + 1:
            strip.link(strip.buses[-1][-1], item)
            strip.buses[-1].append(item)
        else:
            strip.buses.append([item])
        previous = rank
    return items


def check(segments: Segments, strip: Strip) -> list[str]:
    problems = []
    row = np.array(strip.row, dtype=np.int64)
    upper, lower = strip.links()
    if (row[lower] != row[upper] + 1).any():
        problems.append("a link does not join neighbouring rows")
    if len(strip.path_start) - 1 != sum(len(template.tail) for template in segments.templates):
        problems.append("an edge has no path")
    return problems
