"""The graph without what was folded, and without cycles.

A recording has no cycles, a damaged file may: edges that close one are turned round while the layout is made, and
drawn in their own direction. An edge from a node to itself is set aside and drawn as a loop.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.layout.fold import Folding
from engine.layout.model import Flags, Floats, Ints
from engine.layout.net import Net
from engine.layout.spacing import LOOP_WIDTH
from engine.layout.turn import mirrored


@dataclass(frozen=True, eq=False)
class Core:
    """Nodes and edges that the layers are made of, numbered anew.

    `nodes` and `edges` give their numbers in the net, `tail`/`head` the edges' ends in core numbers, turned where
    `turned`; `order` is a topological order; `successors`/`predecessors` list distinct neighbours; `left`, `right` and
    `tall` are extents in scene px; `port` is the net's; `loops` are the net's edges from a node to itself.
    """

    nodes: Ints
    edges: Ints
    tail: Ints
    head: Ints
    turned: Flags
    loops: Ints
    order: list[int]
    successors: list[list[int]]
    predecessors: list[list[int]]
    left: Floats
    right: Floats
    tall: Floats
    port: Ints

    def __len__(self) -> int:
        return len(self.nodes)


def take_core(net: Net, folding: Folding) -> Core:
    """Leave out folded nodes, turn edges that close a cycle, order the rest."""
    nodes = np.flatnonzero(folding.owner < 0)
    number = np.full(len(net), -1, dtype=np.int64)
    number[nodes] = np.arange(len(nodes))
    between = (number[net.tail] >= 0) & (number[net.head] >= 0) & ~_leads_to_chip(net, folding)
    edges = np.flatnonzero(between & (net.tail != net.head))
    loops = np.flatnonzero(between & (net.tail == net.head))
    tail, head = number[net.tail[edges]], number[net.head[edges]]
    turned = np.zeros(len(edges), dtype=np.bool_)
    successors, predecessors = _neighbours(len(nodes), tail, head)
    order = topological_order(successors, predecessors)
    if len(order) < len(nodes):
        turned = _closing(len(nodes), successors, tail, head)
        tail, head = np.where(turned, head, tail), np.where(turned, tail, head)
        successors, predecessors = _neighbours(len(nodes), tail, head)
        order = topological_order(successors, predecessors)
    left, right = folding.left[nodes].copy(), folding.right[nodes].copy()
    (right if mirrored(net.direction) else left)[number[net.tail[loops]]] += LOOP_WIDTH
    return Core(
        nodes, edges, tail, head, turned, loops, order, successors, predecessors,
        left, right, folding.tall[nodes], net.port[nodes],
    )  # fmt: skip


def _leads_to_chip(net: Net, folding: Folding) -> Flags:
    to_chip = np.zeros(len(net.tail), dtype=np.bool_)
    to_chip[folding.rows.edge] = True
    return to_chip


def _neighbours(count: int, tail: Ints, head: Ints) -> tuple[list[list[int]], list[list[int]]]:
    successors: list[list[int]] = [[] for _ in range(count)]
    predecessors: list[list[int]] = [[] for _ in range(count)]
    for u, v in dict.fromkeys(zip(tail.tolist(), head.tolist(), strict=True)):
        successors[u].append(v)
        predecessors[v].append(u)
    return successors, predecessors


def topological_order(successors: list[list[int]], predecessors: list[list[int]]) -> list[int]:
    """Kahn's algorithm; shorter than the number of nodes if there is a cycle."""
    waiting = [len(above) for above in predecessors]
    ready = [node for node in range(len(waiting) - 1, -1, -1) if not waiting[node]]
    order = []
    while ready:
        node = ready.pop()
        order.append(node)
        for below in successors[node]:
            waiting[below] -= 1
            if not waiting[below]:
                ready.append(below)
    return order


def _closing(count: int, successors: list[list[int]], tail: Ints, head: Ints) -> Flags:
    """Edges that lead back to a node on the current path of a depth-first walk."""
    closing: set[tuple[int, int]] = set()
    state = [0] * count  # 0 not seen, 1 on the path, 2 done
    for start in range(count):
        if state[start]:
            continue
        state[start] = 1
        path = [(start, iter(successors[start]))]
        while path:
            node, rest = path[-1]
            below = next(rest, None)
            if below is None:
                state[node] = 2
                path.pop()
            elif state[below] == 1:
                closing.add((node, below))
            elif not state[below]:
                state[below] = 1
                path.append((below, iter(successors[below])))
    return np.fromiter(
        (pair in closing for pair in zip(tail.tolist(), head.tolist(), strict=True)), np.bool_, len(tail)
    )


def check(core: Core) -> list[str]:
    problems = []
    if sorted(core.order) != list(range(len(core))):
        problems.append("the order does not hold every node once")
    place = np.empty(len(core), dtype=np.int64)
    place[core.order] = np.arange(len(core.order))
    if (place[core.tail] >= place[core.head]).any():
        problems.append("an edge runs against the order")
    return problems
