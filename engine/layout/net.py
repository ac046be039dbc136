"""First pass: a networkx graph as flat arrays, in the graph's own order."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np

from engine.layout.model import Direction, Floats, Ints, LayoutError, default_size

PORTS = {None: 0, "first": -1, "last": 1}


@dataclass(frozen=True, eq=False)
class Net:
    """Nodes and edges by number. `tail` and `head` (int64) are the node numbers of each edge's source and target.

    `wide` and `deep` are sizes across and along the ranks: width and height, but for drawings from left to right.
    `port` is -1 for nodes that stand in the first rank, 1 for those in the last, 0 for all that may stand anywhere.
    """

    nodes: tuple[Hashable, ...]
    edges: tuple[tuple[Hashable, Hashable, Hashable], ...]
    kinds: tuple[str, ...]
    types: tuple[str, ...]
    width: Floats
    height: Floats
    tail: Ints
    head: Ints
    port: Ints
    direction: Direction = "down"

    @property
    def wide(self) -> Floats:
        return self.height if self.direction == "right" else self.width

    @property
    def deep(self) -> Floats:
        return self.width if self.direction == "right" else self.height

    def __len__(self) -> int:
        return len(self.nodes)


def read(graph: nx.MultiDiGraph, direction: Direction = "down") -> Net:
    """Sizes are the attributes `width` and `height`, in scene px; LayoutError where one is not a positive number.

    A node whose attribute `port` is "first" or "last" is where edges enter or leave the drawing; it may be of size 0.
    """
    nodes = tuple(graph.nodes)
    number = {node: position for position, node in enumerate(nodes)}
    attributes = [data for _, data in graph.nodes(data=True)]
    sizes = np.array([_size(data) for data in attributes], dtype=np.float64).reshape(-1, 2)
    port = np.array([PORTS.get(data.get("port"), 0) for data in attributes], dtype=np.int64)
    wrong = ~(np.isfinite(sizes) & ((sizes > 0) | ((port[:, None] != 0) & (sizes == 0)))).all(axis=1)
    if wrong.any():
        raise LayoutError(f"Node {nodes[int(wrong.argmax())]!r} has no usable size: width and height must be positive.")
    edges = tuple(graph.edges(keys=True)) if graph.is_multigraph() else tuple((u, v, 0) for u, v in graph.edges)
    return Net(
        nodes=nodes,
        edges=edges,
        kinds=tuple(str(data.get("kind", "")) for data in attributes),
        types=tuple(str(data.get("type", "")) for data in attributes),
        width=sizes[:, 0].copy(),
        height=sizes[:, 1].copy(),
        tail=np.fromiter((number[u] for u, _, _ in edges), np.int64, len(edges)),
        head=np.fromiter((number[v] for _, v, _ in edges), np.int64, len(edges)),
        port=port,
        direction=direction,
    )


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
    return problems
