"""What lies upstream and downstream of a node: whose gradients reach it, and which gradients it reaches."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable

import networkx as nx


def ancestors(graph: nx.MultiDiGraph, node: Hashable) -> frozenset[Hashable]:
    """Nodes between the loss and `node`: their gradients flow into it. Without `node`; empty if it is unknown."""
    return _reached(graph.predecessors, node) if node in graph else frozenset()


def descendants(graph: nx.MultiDiGraph, node: Hashable) -> frozenset[Hashable]:
    """Nodes that the gradient of `node` flows on to, down to the leaves. Without `node`; empty if it is unknown."""
    return _reached(graph.successors, node) if node in graph else frozenset()


def _reached(neighbours: Callable[[Hashable], Iterable[Hashable]], start: Hashable) -> frozenset[Hashable]:
    seen = {start}
    waiting = [start]
    while waiting:
        for other in neighbours(waiting.pop()):
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    return frozenset(seen - {start})
