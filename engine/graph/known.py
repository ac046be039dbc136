"""What is asked of a recorded graph again and again, worked out once: what its nodes are called, which edges they have.

May be asked in several threads at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast
from weakref import WeakKeyDictionary

import numpy as np

from engine.graph.labels import Labels
from engine.recording.model import Edge
from engine.recording.reader import Recording

KEPT = 8  # graphs of a recording

Made = TypeVar("Made")
Key = tuple[type, int]
_known: WeakKeyDictionary[Recording, dict[Key, tuple[object, object]]] = WeakKeyDictionary()


class Ends:
    """Edges by the nodes at their ends."""

    def __init__(self, edges: tuple[Edge, ...]) -> None:
        self._edges = edges
        self._sources = np.fromiter((edge.source for edge in edges), np.int64, len(edges))
        self._targets = np.fromiter((edge.target for edge in edges), np.int64, len(edges))

    def leaving(self, node: int) -> list[Edge]:
        """Along these a node's gradients leave it, in the order of the recording's edges."""
        return [self._edges[place] for place in np.flatnonzero(self._sources == node).tolist()]

    def entering(self, node: int) -> list[Edge]:
        """Along these a node's gradients come to it, likewise."""
        return [self._edges[place] for place in np.flatnonzero(self._targets == node).tolist()]


def labels(recording: Recording, graph_id: int) -> Labels:
    """What the nodes of a graph are called. Raises RecordingError if it cannot be read."""
    nodes = recording.nodes(graph_id)
    return _once(recording, (Labels, graph_id), nodes, lambda: Labels(nodes))


def ends(recording: Recording, graph_id: int) -> Ends:
    """The edges of a graph by their ends, those to data leaves included. Raises RecordingError likewise."""
    edges = recording.edges(graph_id)
    return _once(recording, (Ends, graph_id), edges, lambda: Ends(edges))


def _once(recording: Recording, key: Key, of: object, make: Callable[[], Made]) -> Made:
    """What was made of the same rows before: a graph that is still written has others after it has grown."""
    kept = _known.setdefault(recording, {})
    found = kept.get(key)
    if found is None or found[0] is not of:
        for old in list(kept)[: -2 * KEPT]:
            kept.pop(old, None)
        found = kept[key] = (of, make())
    return cast("Made", found[1])
