"""Up- and downstream, and paths, among all nodes of a backward pass

What is collapsed in the picture counts as well.
."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.graph.labels import Labels
from engine.graph.reach import Links

if TYPE_CHECKING:
    from engine.recording.reader import Recording


class Ways:
    """Made once for a graph. Everything is by node id."""

    def __init__(self, recording: Recording, graph_id: int) -> None:
        self._nodes, edges = recording.nodes(graph_id), recording.edges(graph_id)
        self._edges = edges
        self._ids = [node.id for node in self._nodes]
        self._place = {node: place for place, node in enumerate(self._ids)}
        source = np.array([self._place[edge.source] for edge in edges], dtype=np.int64)
        target = np.array([self._place[edge.target] for edge in edges], dtype=np.int64)
        self._links = Links(source, target, len(self._ids))
        self._labels: Labels | None = None

    def prepared(self) -> Ways:
        """With all that is worked out when it is first asked for: to be made in a thread."""
        if self._ids:
            self.title(self._ids[0])
            self._links.sources(0)
            self._links.targets(0)
        return self

    def holds(self, recording: Recording, graph_id: int) -> bool:
        """Whether this is still how the graph was recorded."""
        return self._nodes is recording.nodes(graph_id) and self._edges is recording.edges(graph_id)

    def title(self, node: int) -> str:
        """What a node is called on its card."""
        if self._labels is None:
            self._labels = Labels(self._nodes)
        place = self._place.get(node)
        return "" if place is None else self._labels.title(self._nodes[place])

    def connected(self, node: int, *, upstream: bool) -> list[int]:
        """Everything up- or downstream of a node, and itself."""
        place = self._place.get(node)
        if place is None:
            return []
        return self._of(self._links.upstream(place) if upstream else self._links.downstream(place))

    def between(self, first: int, last: int, *, shortest: bool) -> tuple[list[int], int]:
        """The nodes between two (of any way, or of one shortest), whichever is upstream, and how many links a shortest
        way has."""
        a, b = self._place.get(first), self._place.get(last)
        if a is None or b is None:
            return [], 0
        for start, end in ((a, b), (b, a)):
            way = self._links.shortest(start, end)
            if way:
                nodes = [self._ids[place] for place in way] if shortest else self._of(self._links.between(start, end))
                return nodes, len(way) - 1
        return [], 0

    def neighbours(self, node: int, *, upstream: bool) -> list[int]:
        """The nodes that a gradient comes from, or goes on to, over one link; each once."""
        place = self._place.get(node)
        if place is None:
            return []
        found = self._links.sources(place) if upstream else self._links.targets(place)
        return list(dict.fromkeys(self._ids[each] for each in found))

    def _of(self, flags: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> list[int]:
        return [self._ids[place] for place in np.flatnonzero(flags).tolist()]
