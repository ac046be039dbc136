"""Give each node its rank, the row that it stands in: the loss has rank 0, and every edge leads to a larger rank.

Longest path from the loss (never from the leaves, which would pull every parameter's branch to the bottom), then nodes
with room to move go to the side on which they have more edges. Parts that no edge connects stand one below the other.
Nodes where edges enter or leave the drawing (ports) stand in its first and its last rank.
"""

from __future__ import annotations

import numpy as np

from engine.layout.core import Core
from engine.layout.model import Flags, Ints

TIGHTENING_ROUNDS = 4


def rank(core: Core) -> Ints:
    """Ranks 0, 1, 2, … without gaps, an int64 for each core node."""
    ranks = [0] * len(core)
    for node in core.order:
        below = ranks[node] + 1
        for successor in core.successors[node]:
            if ranks[successor] < below:
                ranks[successor] = below
    _tighten(core, ranks)
    stacked = _stack_components(core, np.array(ranks, dtype=np.int64))
    _pin_ports(core, stacked)
    return np.searchsorted(np.unique(stacked), stacked).astype(np.int64)


def _tighten(core: Core, ranks: list[int]) -> None:
    for turn in range(TIGHTENING_ROUNDS):
        moved = False
        for node in reversed(core.order) if turn % 2 == 0 else core.order:
            above, below = core.predecessors[node], core.successors[node]
            if len(below) > len(above):
                wanted = min([ranks[v] for v in below]) - 1
            elif len(above) > len(below):
                wanted = max([ranks[u] for u in above]) + 1
            else:
                continue
            if wanted != ranks[node]:
                ranks[node] = wanted
                moved = True
        if not moved:
            return


def _pin_ports(core: Core, ranks: Ints) -> None:
    """A port moves only where no edge forbids it: a file may call any node one."""
    for side, neighbours, end in (
        (-1, core.predecessors, ranks.min(initial=0)),
        (1, core.successors, ranks.max(initial=0)),
    ):
        for port in np.flatnonzero(core.port == side).tolist():
            if not neighbours[port]:
                ranks[port] = end + side


def _stack_components(core: Core, ranks: Ints) -> Ints:
    """Largest component first, ties in the order of their nodes."""
    component = _components(core)
    count = int(component.max(initial=0)) + 1
    if count == 1:
        return ranks
    low = np.full(count, np.iinfo(np.int64).max)
    high = np.zeros(count, dtype=np.int64)
    np.minimum.at(low, component, ranks)
    np.maximum.at(high, component, ranks)
    order = np.argsort(-np.bincount(component, minlength=count), kind="stable")
    heights = (high - low + 1)[order]
    shift = np.empty(count, dtype=np.int64)
    shift[order] = np.cumsum(heights) - heights
    shift -= low
    return ranks + shift[component]


def _components(core: Core) -> Ints:
    """Number of the connected part that each node belongs to; parts with ports count as one."""
    component = np.full(len(core), -1, dtype=np.int64)
    if sum(not above for above in core.predecessors) == 1:
        component[:] = 0  # in a graph without cycles a single top reaches everything
        return component
    numbers = component.tolist()
    count = 0
    for start in range(len(core)):
        if numbers[start] >= 0:
            continue
        numbers[start] = count
        waiting = [start]
        while waiting:
            node = waiting.pop()
            for neighbours in (core.successors[node], core.predecessors[node]):
                for other in neighbours:
                    if numbers[other] < 0:
                        numbers[other] = count
                        waiting.append(other)
        count += 1
    component = np.array(numbers, dtype=np.int64)
    joined = np.unique(component[core.port != 0])
    if len(joined) > 1:
        component[np.isin(component, joined)] = joined[0]
        component = np.unique(component, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return component


def _has(neighbours: list[list[int]]) -> Flags:
    return np.array([bool(near) for near in neighbours], dtype=np.bool_)


def check(core: Core, ranks: Ints) -> list[str]:
    problems = []
    if (ranks[core.tail] >= ranks[core.head]).any():
        problems.append("an edge does not lead to a larger rank")
    if len(core) and set(ranks.tolist()) != set(range(int(ranks.max()) + 1)):
        problems.append("a rank is empty")
    first, last = (core.port == -1) & ~_has(core.predecessors), (core.port == 1) & ~_has(core.successors)
    if (ranks[first] != 0).any() or (ranks[last] != ranks.max(initial=0)).any():
        problems.append("a port is not in the first or the last rank")
    return problems
