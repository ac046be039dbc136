"""Fold leaves beside their consumer.

A parameter, with the views between it and the operation that uses it (`T`, `Expand`, …), is a row of chips to the right
of that operation (below it where the drawing runs from left to right) and takes no part in what follows: it halves the
graph, and it is how people think of a layer. A leaf with several consumers has its own chip beside the first and a
ghost beside each other one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from engine.layout.model import Floats, Ints
from engine.layout.net import Net
from engine.layout.spacing import CHIP_GAP, CHIP_INDENT, CHIP_ROW_GAP
from engine.layout.turn import mirrored

LEAF_KINDS = frozenset({"parameter", "data"})
LEAF_TYPE = "AccumulateGrad"
VIEW_TYPES = frozenset(
    f"{name}Backward{version}"
    for name in (
        "T", "Transpose", "Permute", "View", "UnsafeView", "Reshape", "ReshapeAlias", "Expand", "Unsqueeze", "Squeeze",
        "Slice", "Select", "Alias", "Clone", "ToCopy", "Narrow", "AsStrided", "Movedim", "NumpyT", "Mt", "Mh", "Detach",
    )
    for version in (0, 1, 2)
)  # fmt: skip
LONGEST_CHAIN = 4


class Chip(NamedTuple):
    """Node `node` drawn beside its consumer; `edges` lead to it (two where an operation uses a leaf twice)."""

    node: int
    edges: tuple[int, ...]
    ghost: bool


@dataclass(frozen=True, eq=False)
class Folding:
    """`owner`: for each node, the node beside which it is drawn, or -1 if it stands in the drawing itself.

    `stacks` has, for each consumer, its rows of chips from top to bottom, each from the consumer outwards. `left` and
    `right` are how far a node with its chips reaches from its centre across the ranks, `tall` how much it takes up
    along them (scene px).
    """

    owner: Ints
    stacks: dict[int, list[tuple[Chip, ...]]]
    left: Floats
    right: Floats
    tall: Floats


def fold(net: Net) -> Folding:
    """Find the leaves, climb from each to its consumers, and measure what each consumer then takes up."""
    outgoing = np.bincount(net.tail, minlength=len(net)).tolist()
    incoming = np.bincount(net.head, minlength=len(net)).tolist()
    tail = net.tail.tolist()
    arriving: dict[int, list[int]] = {}
    for edge, node in enumerate(net.head.tolist()):
        if outgoing[node] == 0 or incoming[node] == 1:
            arriving.setdefault(node, []).append(edge)
    owner = [-1] * len(net)
    stacks: dict[int, list[tuple[Chip, ...]]] = {}
    for leaf in range(len(net)):
        if outgoing[leaf] or not incoming[leaf] or not _is_leaf(net, leaf):
            continue
        for position, (consumer, edges) in enumerate(_by_consumer(arriving[leaf], tail).items()):
            chain = [Chip(leaf, tuple(edges), ghost=position > 0)]
            top = consumer
            while len(chain) < LONGEST_CHAIN and net.types[top] in VIEW_TYPES and outgoing[top] == incoming[top] == 1:
                chain.append(Chip(top, (arriving[top][0],), ghost=False))
                top = tail[arriving[top][0]]
            for chip in chain:
                if not chip.ghost:
                    owner[chip.node] = top
            stacks.setdefault(top, []).append(tuple(reversed(chain)))
    return Folding(np.array(owner, dtype=np.int64), stacks, *_extents(net, stacks))


def _is_leaf(net: Net, node: int) -> bool:
    return net.kinds[node] in LEAF_KINDS or net.types[node].endswith(LEAF_TYPE)


def _by_consumer(edges: list[int], tail: list[int]) -> dict[int, list[int]]:
    consumers: dict[int, list[int]] = {}
    for edge in edges:
        consumers.setdefault(tail[edge], []).append(edge)
    return consumers


def _extents(net: Net, stacks: dict[int, list[tuple[Chip, ...]]]) -> tuple[Floats, Floats, Floats]:
    left, right, tall = net.wide / 2, net.wide / 2, net.deep.copy()
    widths, heights = net.width.tolist(), net.height.tolist()
    for consumer, rows in stacks.items():
        length = max([sum([widths[chip.node] + CHIP_GAP for chip in row]) for row in rows])
        height = stack_height(heights, rows)
        if net.direction == "right":
            right[consumer] += CHIP_ROW_GAP + height
            beyond = CHIP_INDENT + length - CHIP_GAP - widths[consumer]
            tall[consumer] = widths[consumer] + 2 * max(beyond, 0.0)
        else:
            right[consumer] += length
            tall[consumer] = max(heights[consumer], height)
    return (right, left, tall) if mirrored(net.direction) else (left, right, tall)


def stack_height(heights: list[float], rows: list[tuple[Chip, ...]]) -> float:
    """Height of the rows of chips beside one node, from the heights of all nodes, in scene px."""
    return sum([row_height(heights, row) for row in rows]) + CHIP_ROW_GAP * (len(rows) - 1)


def row_height(heights: list[float], row: tuple[Chip, ...]) -> float:
    return max([heights[chip.node] for chip in row])


def check(net: Net, folding: Folding) -> list[str]:
    problems = []
    shown = [chip.node for rows in folding.stacks.values() for row in rows for chip in row if not chip.ghost]
    if sorted(shown) != np.flatnonzero(folding.owner >= 0).tolist():
        problems.append("a folded node is not shown exactly once")
    if len(net) and any(folding.owner[owner] >= 0 for owner in folding.stacks):
        problems.append("a node is folded beside one that is folded itself")
    return problems
