"""First pass: a networkx graph as flat arrays, in an order that does not depend on how the graph was put together."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np

from engine.layout.model import Direction, Floats, Ghost, Ints, Layout, LayoutError, default_size

NO_MARGIN = (0.0, 0.0)
PORTS = {None: 0, "first": -1, "last": 1}
Edges = tuple[tuple[Hashable, Hashable, Hashable], ...]


@dataclass(frozen=True, eq=False)
class Net:
    """Nodes and edges by number. `tail` and `head` (int64) are the node numbers of each edge's source and target.

    `wide` and `deep` are sizes across and along the ranks: width and height, but for drawings from left to right.
    `port` is -1 for nodes that stand in the first rank, 1 for those in the last, 0 for all that may stand anywhere.
    `margin` (n, 2) is the room that nodes take up beyond their size, before and after them across the ranks.
    `node_place` and `edge_place` are the graph's own order: where in it each node and each edge stands.
    """

    nodes: tuple[Hashable, ...]
    edges: Edges
    kinds: tuple[str, ...]
    types: tuple[str, ...]
    width: Floats
    height: Floats
    tail: Ints
    head: Ints
    port: Ints
    margin: Floats
    node_place: Ints
    edge_place: Ints
    direction: Direction = "down"

    @property
    def wide(self) -> Floats:
        return self.height if self.direction == "right" else self.width

    @property
    def deep(self) -> Floats:
        return self.width if self.direction == "right" else self.height

    def __len__(self) -> int:
        return len(self.nodes)

    def layout(
        self,
        x: Floats,
        y: Floats,
        routes: Iterable[Floats],
        *,
        algorithm: str,
        ghosts: Iterable[Ghost] = (),
        loose: Iterable[int] = (),
        passes: tuple[tuple[str, float], ...] = (),
    ) -> Layout:
        """What was found for the nodes and edges in this order, in the graph's own."""
        nodes, edges = np.argsort(self.node_place).tolist(), np.argsort(self.edge_place).tolist()
        routes, place = list(routes), self.edge_place.tolist()
        return Layout(
            nodes=tuple([self.nodes[node] for node in nodes]),
            x=x[nodes],
            y=y[nodes],
            width=self.width[nodes],
            height=self.height[nodes],
            edges=tuple([self.edges[edge] for edge in edges]),
            routes=tuple([routes[edge] for edge in edges]),
            ghosts=tuple(Ghost(g.node, g.x, g.y, g.width, g.height, place[g.edge_index]) for g in ghosts),
            loose=frozenset([place[edge] for edge in loose]),
            passes=passes,
            algorithm=algorithm,
            direction=self.direction,
        )


def read(graph: nx.MultiDiGraph, direction: Direction = "down") -> Net:
    """Sizes are the attributes `width` and `height`, in scene px; LayoutError where one is not a positive number.

    `margin`, a pair, is room that a node takes up beyond that, before and after it across the ranks.
    A node whose attribute `port` is "first" or "last" is where edges enter or leave the drawing; it may be of size 0.
    """
    nodes, by_node = _in_order(list(graph))
    number = {node: position for position, node in enumerate(nodes)}
    edges, tail, head, by_edge = _edges_in_order(_edges(graph), number)
    attributes = list(map(dict(graph.nodes(data=True)).__getitem__, nodes))  # `graph.nodes[node]` checks each
    sizes = np.stack(_sizes(attributes), axis=1)
    port = np.array([PORTS.get(data.get("port"), 0) for data in attributes], dtype=np.int64)
    wrong = ~(np.isfinite(sizes) & ((sizes > 0) | ((port[:, None] != 0) & (sizes == 0)))).all(axis=1)
    if wrong.any():
        raise LayoutError(f"Node {nodes[int(wrong.argmax())]!r} has no usable size: width and height must be positive.")
    return Net(
        nodes=tuple(nodes),
        edges=tuple(edges),
        kinds=tuple([str(data.get("kind", "")) for data in attributes]),
        types=tuple([str(data.get("type", "")) for data in attributes]),
        width=sizes[:, 0].copy(),
        height=sizes[:, 1].copy(),
        tail=tail,
        head=head,
        port=port,
        margin=_margins(attributes),
        node_place=by_node,
        edge_place=by_edge,
        direction=direction,
    )


def _edges(graph: nx.MultiDiGraph) -> list[tuple[Hashable, Hashable, Hashable]]:
    """`graph.edges(keys=True)`, three times as fast."""
    if not graph.is_multigraph():
        return [(u, v, 0) for u, near in graph.adjacency() for v in near]
    return [(u, v, key) for u, near in graph.adjacency() for v, keys in near.items() for key in keys]


def _in_order(nodes: list[Hashable]) -> tuple[list[Hashable], Ints]:
    """By number where they are numbers, else by name; and the place that each had."""
    if set(map(type, nodes)) <= {int}:
        order = np.argsort(np.array(nodes, dtype=np.int64), kind="stable")
    else:
        order = np.array(sorted(range(len(nodes)), key=lambda at: _name(nodes[at])), dtype=np.int64)
    return [nodes[at] for at in order.tolist()], order


def _edges_in_order(
    edges: list[tuple[Hashable, Hashable, Hashable]], number: Mapping[Hashable, int]
) -> tuple[list[tuple[Hashable, Hashable, Hashable]], Ints, Ints, Ints]:
    """By source, then by key (the slot), then by target: the edges, the numbers of their sources and targets, and the
    place that each had."""
    keys = [key for _, _, key in edges]
    tails, heads = [number[u] for u, _, _ in edges], [number[v] for _, v, _ in edges]
    tail, head = np.array(tails, dtype=np.int64), np.array(heads, dtype=np.int64)
    if set(map(type, keys)) <= {int}:
        order = np.lexsort((head, np.array(keys, dtype=np.int64), tail))
    else:
        names = list(zip(tails, map(_name, keys), heads, strict=True))
        order = np.array(sorted(range(len(edges)), key=names.__getitem__), dtype=np.int64)
    return [edges[at] for at in order.tolist()], tail[order], head[order], order


def _name(label: Hashable) -> tuple[str, float, str]:
    """Numbers by their size, among equals of type; anything else by what it prints as."""
    size = float(label) if isinstance(label, (int, float)) else 0.0
    return type(label).__name__, size, repr(label)


def _sizes(attributes: list[Mapping[str, Any]]) -> tuple[Floats, Floats]:
    """Widths and heights."""
    found = [data.get("width") for data in attributes], [data.get("height") for data in attributes]
    if None in found[0] or None in found[1]:
        sizes = np.array([_size(data) for data in attributes], dtype=np.float64)
        return sizes[:, 0], sizes[:, 1]
    return np.array(found[0], dtype=np.float64), np.array(found[1], dtype=np.float64)


def _margins(attributes: list[Mapping[str, Any]]) -> Floats:
    """(n, 2)"""
    margins = np.tile(np.array(NO_MARGIN, dtype=np.float64), (len(attributes), 1))
    for place, data in enumerate(attributes):
        if "margin" in data:
            margins[place] = data["margin"]
    return margins


def _size(data: Mapping[str, Any]) -> tuple[float, float]:
    width, height = data.get("width"), data.get("height")
    if width is not None and height is not None:
        return width, height
    default_width, default_height = default_size(data)
    return default_width if width is None else width, default_height if height is None else height


def check(net: Net) -> list[str]:
    problems = []
    if len(set(net.nodes)) != len(net.nodes):
        problems.append("a node appears twice")
    if len(net.edges) and (min(net.tail.min(), net.head.min()) < 0 or max(net.tail.max(), net.head.max()) >= len(net)):
        problems.append("an edge ends at a node that does not exist")
    for name, place, count in (("node", net.node_place, len(net)), ("edge", net.edge_place, len(net.edges))):
        if sorted(place.tolist()) != list(range(count)):
            problems.append(f"a {name} has lost its place in the graph")
    return problems
