"""Which nodes and edges are drawn where some modules of a graph are collapsed, as arrays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from engine.graph.modules import ModuleTree

Ints = npt.NDArray[np.int64]

MERGED = -1  # the key of an edge that stands for all edges between two drawn nodes, at least one of them a group


@dataclass(frozen=True, eq=False)
class Quotient:
    """Drawn nodes: `names` (n), with -1 - number for groups, and `first` (n), a position in the tree of one that each
    stands for. `place` (N) is what is drawn for each node of the tree.

    Drawn edges: `tail`, `head`, `key` and `count` (e), of how many edges each is made, and `edge` (e), the tree's
    number of the first of them. `edge_place` (E) is what is drawn for each edge of the tree, -1 within a group.
    """

    names: Ints
    first: Ints
    place: Ints
    tail: Ints
    head: Ints
    key: Ints
    count: Ints
    edge: Ints
    edge_place: Ints


def quotient(tree: ModuleTree, collapsed: Iterable[str]) -> Quotient:
    """Edges from or to a group are merged, under the key MERGED; edges within a group are gone."""
    drawn = tree.drawn(collapsed)
    known = np.array(tree.nodes, dtype=np.int64)
    named = np.where(drawn >= 0, -1 - drawn, known)
    _, first, alike = np.unique(named, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    first, place = first[order], rank[alike.reshape(-1)]
    tail, head = place[tree.tail], place[tree.head]
    names = named[first]
    single = (names[tail] >= 0) & (names[head] >= 0)
    plain = np.flatnonzero(single)
    between = np.flatnonzero(~single & (tail != head))
    _, begin, merged, count = np.unique(
        tail[between] * len(names) + head[between], return_index=True, return_inverse=True, return_counts=True
    )
    edge = np.concatenate([plain, between[begin]])
    edge_place = np.full(len(tree.tail), -1, dtype=np.int64)
    edge_place[plain] = np.arange(len(plain))
    edge_place[between] = len(plain) + merged.reshape(-1)
    return Quotient(
        names=names,
        first=first,
        place=place,
        tail=tail[edge],
        head=head[edge],
        key=np.concatenate([tree.slots[plain], np.full(len(begin), MERGED, dtype=np.int64)]),
        count=np.concatenate([np.ones(len(plain), dtype=np.int64), count]),
        edge=edge,
        edge_place=edge_place,
    )
