"""Decide how long edges pass through the rows between their ends.

All edges into one node carry gradients of the same forward tensor, so they share one line of bend points; edges that
fan out from one node to many others share one from that side. Where even so the lines would outnumber the nodes by
far (densely connected networks), the longest edges become loose: they share one line beside the graph.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.layout.core import Core
from engine.layout.model import Flags, Ints

BENDS_PER_NODE = 4
FREE_BENDS = 2000
FAN = 3


@dataclass(frozen=True, eq=False)
class Lines:
    """For each core edge: `line`, the number of the line that it runs in (a node's own number for a line into it,
    number of nodes + number for one out of it), and whether it is `loose`."""

    line: Ints
    loose: Flags


def loosen(core: Core, ranks: Ints) -> Lines:
    """The shortest edges keep a line of their own, as long as all bend points are within the budget."""
    count = len(core)
    spans = ranks[core.head] - ranks[core.tail] - 1
    long = spans > 0
    arriving = np.bincount(core.head[long], minlength=count)
    leaving = np.bincount(core.tail[long], minlength=count)
    fans_out = (arriving[core.head] == 1) & (leaving[core.tail] >= FAN)
    line = np.where(fans_out, count + core.tail, core.head)
    limit = _longest_span(spans, line, count)
    return Lines(line, spans > limit)


def _longest_span(spans: Ints, line: Ints, count: int) -> int:
    low, high = 0, int(spans.max(initial=0))
    budget = BENDS_PER_NODE * count + FREE_BENDS
    while low < high:
        middle = (low + high + 1) // 2
        length = np.zeros(2 * count, dtype=np.int64)
        np.maximum.at(length, line, np.where(spans <= middle, spans, 0))
        if length.sum() <= budget:
            low = middle
        else:
            high = middle - 1
    return low


def check(core: Core, ranks: Ints, lines: Lines) -> list[str]:
    problems = []
    if (lines.loose & (ranks[core.head] - ranks[core.tail] < 2)).any():
        problems.append("an edge between neighbouring ranks is loose")
    length = np.zeros(2 * len(core), dtype=np.int64)
    tight = ~lines.loose
    np.maximum.at(length, lines.line[tight], (ranks[core.head] - ranks[core.tail] - 1)[tight])
    if length.sum() > BENDS_PER_NODE * len(core) + FREE_BENDS:
        problems.append("there are more bend points than the budget allows")
    return problems
