"""Fold leaves beside their consumer.

A parameter, with the views between it and the operation that uses it (`T`, `Expand`, …), is a row of chips to the right
of that operation (below it where the drawing runs from left to right) and takes no part in what follows: it halves the
graph, and it is how people think of a layer. A leaf with several consumers has its own chip beside the first and a
ghost beside each other one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from engine.layout.model import Flags, Floats, Ints
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
NONE = -1


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of chips, those of one consumer one after another from top to bottom.

    Row r is beside node `consumer[r]` and shows `nodes[r]` (r, LONGEST_CHAIN), from the consumer outwards, the rest -1;
    `ghost[r]` says that its last chip is a further picture of a leaf. Edge `edge[k]` leads to the chip at
    `chip[k]` of row `row[k]`, as number `place[k]` of the `count[k]` that lead there.
    """

    consumer: Ints
    nodes: Ints
    ghost: Flags
    edge: Ints
    row: Ints
    chip: Ints
    place: Ints
    count: Ints

    def __len__(self) -> int:
        return len(self.consumer)

    @property
    def last(self) -> Ints:
        """Where in its row each row's last chip, the leaf, stands."""
        return np.asarray((self.nodes != NONE).sum(axis=1) - 1, dtype=np.int64)

    @cached_property
    def own(self) -> Flags:
        """(r, LONGEST_CHAIN): which chips are nodes of their own, and no ghosts."""
        real: Flags = self.nodes != NONE
        real[np.flatnonzero(self.ghost), self.last[self.ghost]] = False
        return real


@dataclass(frozen=True, eq=False)
class Folding:
    """`owner`: for each node, the node beside which it is drawn, or -1 if it stands in the drawing itself.

    `left` and `right` are how far a node with its chips reaches from its centre across the ranks, `tall` how much it
    takes up along them (scene px). `row_height` is that of each of the `rows`, `stack_top` how far from the top of
    what its consumer has beside it a row begins, `stack_height` (by node) all of it.
    """

    owner: Ints
    rows: Rows
    left: Floats
    right: Floats
    tall: Floats
    row_height: Floats
    stack_top: Floats
    stack_height: Floats


def fold(net: Net) -> Folding:
    """Find the leaves, climb from each to its consumers, and measure what each consumer then takes up."""
    rows = _find_rows(net)
    owner = np.full(len(net), NONE, dtype=np.int64)
    owner[rows.nodes[rows.own]] = np.broadcast_to(rows.consumer[:, None], rows.nodes.shape)[rows.own]
    return _measured(net, owner, rows)


def _find_rows(net: Net) -> Rows:
    outgoing = np.bincount(net.tail, minlength=len(net))
    incoming = np.bincount(net.head, minlength=len(net))
    leaf, view = _leaves_and_views(net)
    leaf &= (outgoing == 0) & (incoming > 0)
    view &= (outgoing == 1) & (incoming == 1)
    arriving = np.flatnonzero(leaf[net.head])
    arriving = arriving[np.argsort(net.head[arriving], kind="stable")]
    pair = net.head[arriving] * max(len(net), 1) + net.tail[arriving]
    _, first, row = np.unique(pair, return_index=True, return_inverse=True)
    by_first = np.argsort(first, kind="stable")  # the consumers of a leaf in the order of its edges
    row = np.argsort(by_first)[row.reshape(-1)]
    first = first[by_first]
    bottom, top = net.head[arriving[first]], net.tail[arriving[first]]
    ghost = np.concatenate([[False], bottom[1:] == bottom[:-1]])[: len(bottom)]
    only_edge = np.full(len(net), NONE, dtype=np.int64)
    only_edge[net.head] = np.arange(len(net.head))
    chain, steps = [bottom], []
    for _ in range(LONGEST_CHAIN - 1):
        climbing = view[top] & (chain[-1] != NONE)
        chain.append(np.where(climbing, top, NONE))
        steps.append(np.where(climbing, only_edge[top], NONE))
        top = np.where(climbing, net.tail[only_edge[top]] if len(net.tail) else top, top)
    order = np.argsort(top, kind="stable")
    return _rows(top, np.stack(chain, axis=1), ghost, arriving, row, steps, order)


def _rows(top: Ints, chain: Ints, ghost: Flags, arriving: Ints, row: Ints, steps: list[Ints], order: Ints) -> Rows:
    """Sort the rows by consumer, and turn each chain round, so that it leads from the consumer to its leaf."""
    place = np.argsort(order)
    count = (chain != NONE).sum(axis=1)
    at = np.arange(LONGEST_CHAIN)
    nodes = np.where(
        at < count[:, None], np.take_along_axis(chain, np.maximum(count[:, None] - 1 - at, 0), axis=1), NONE
    )
    several = np.bincount(row, minlength=len(top))
    by_row = np.argsort(row, kind="stable")
    turn = np.empty(len(row), dtype=np.int64)
    turn[by_row] = np.arange(len(row)) - np.repeat(np.cumsum(several) - several, several)
    edge, rows, chips = [arriving], [row], [count[row] - 1]
    for level, step in enumerate(steps, start=1):
        some = np.flatnonzero(step != NONE)
        edge.append(step[some])
        rows.append(some)
        chips.append(count[some] - 1 - level)
    single = sum(len(each) for each in edge[1:])
    return Rows(
        consumer=top[order],
        nodes=nodes[order],
        ghost=ghost[order],
        edge=np.concatenate(edge),
        row=place[np.concatenate(rows)],
        chip=np.concatenate(chips),
        place=np.concatenate([turn, np.zeros(single, dtype=np.int64)]),
        count=np.concatenate([several[row], np.ones(single, dtype=np.int64)]),
    )


def _leaves_and_views(net: Net) -> tuple[Flags, Flags]:
    kinds, types = set(net.kinds), set(net.types)
    leaf_kind = _each(net.kinds, {kind: kind in LEAF_KINDS for kind in kinds})
    leaf_type = _each(net.types, {type_: type_.endswith(LEAF_TYPE) for type_ in types})
    return leaf_kind | leaf_type, _each(net.types, {type_: type_ in VIEW_TYPES for type_ in types})


def _each(names: tuple[str, ...], known: Mapping[str, bool]) -> Flags:
    return np.fromiter(map(known.__getitem__, names), np.bool_, len(names))


def _measured(net: Net, owner: Ints, rows: Rows) -> Folding:
    shown = rows.nodes != NONE
    widths = np.where(shown, net.width[rows.nodes], 0.0) if len(net) else np.zeros(rows.nodes.shape)
    heights = np.where(shown, net.height[rows.nodes], 0.0) if len(net) else np.zeros(rows.nodes.shape)
    length = (widths + np.where(shown, CHIP_GAP, 0.0)).sum(axis=1)
    row_height = heights.max(axis=1, initial=0.0)
    longest = np.zeros(len(net))
    np.maximum.at(longest, rows.consumer, length)
    stack_height = np.bincount(rows.consumer, row_height + CHIP_ROW_GAP, minlength=len(net)).astype(np.float64)
    running = np.cumsum(row_height + CHIP_ROW_GAP) - row_height - CHIP_ROW_GAP
    first = np.searchsorted(rows.consumer, rows.consumer)
    stack_top = running - running[first] if len(rows) else running
    some = stack_height > 0
    stack_height[some] -= CHIP_ROW_GAP
    left, right, tall = net.wide / 2 + net.margin[:, 0], net.wide / 2 + net.margin[:, 1], net.deep.copy()
    if net.direction == "right":
        right = right + np.where(some, CHIP_ROW_GAP + stack_height, 0.0)
        beyond = CHIP_INDENT + longest - CHIP_GAP - net.width
        tall = tall + np.where(some, 2 * np.maximum(beyond, 0.0), 0.0)
    else:
        right = right + longest
        tall = np.maximum(tall, stack_height)
    if mirrored(net.direction):
        left, right = right, left
    return Folding(owner, rows, left, right, tall, row_height, stack_top, stack_height)


def check(net: Net, folding: Folding) -> list[str]:
    problems = []
    rows = folding.rows
    if sorted(rows.nodes[rows.own].tolist()) != np.flatnonzero(folding.owner >= 0).tolist():
        problems.append("a folded node is not shown exactly once")
    if (folding.owner[rows.consumer] >= 0).any():
        problems.append("a node is folded beside one that is folded itself")
    if (net.head[rows.edge] != rows.nodes[rows.row, rows.chip]).any():
        problems.append("an edge does not lead to its chip")
    return problems
