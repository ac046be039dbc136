"""Where a node of one backward pass stands in another: nodes have new ids in every pass, and mostly the same places."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from engine.errors import RecordingError

if TYPE_CHECKING:
    from engine.recording.model import Node
    from engine.recording.reader import Recording

KEPT = 4  # graphs

Place = tuple[str, str, str, str, int | None, int]


@dataclass(frozen=True, eq=False)
class Places:
    """The places of one graph's nodes, worked out when they are first asked for."""

    nodes: tuple[Node, ...]

    @cached_property
    def of(self) -> dict[int, Place]:
        """What each node is, and the how manieth of its kind: independent of the pass."""
        seen: dict[tuple[str, str, str, str, int | None], int] = {}
        places: dict[int, Place] = {}
        for node in self.nodes:
            key = (node.kind, node.type, node.name, node.module, node.parameter)
            count = seen.get(key, 0)
            seen[key] = count + 1
            places[node.id] = (*key, count)
        return places

    @cached_property
    def at(self) -> dict[Place, int]:
        return {place: node for node, place in self.of.items()}

    @cached_property
    def ids(self) -> frozenset[int]:
        return frozenset(node.id for node in self.nodes)


class Counterparts:
    """Answers for one recording; the places of the graphs asked for last are kept."""

    def __init__(self) -> None:
        self._places: dict[int, Places] = {}

    def of(self, recording: Recording, nodes: Iterable[int], graph: int | None) -> frozenset[int]:
        """These nodes, each as the one at its place in `graph`, or itself where that has none.

        Ids that the recording does not have are left out. Raises RecordingError.
        """
        here = None if graph is None else self._of_graph(recording, graph)
        found: set[int] = set()
        for node in nodes:
            if here is not None and node in here.ids:
                found.add(node)
                continue
            home = self._home(recording, node)
            if home is None:
                continue
            place = home.of.get(node)
            found.add(node if here is None or place is None else here.at.get(place, node))
        return frozenset(found)

    def _home(self, recording: Recording, node: int) -> Places | None:
        """The places of the graph that a node belongs to; None if there is no such node."""
        for places in self._places.values():
            if node in places.ids:
                return places
        try:
            return self._of_graph(recording, recording.node(node).graph)
        except (KeyError, RecordingError):
            return None

    def _of_graph(self, recording: Recording, graph: int) -> Places:
        nodes = recording.nodes(graph)
        known = self._places.get(graph)
        if known is None or known.nodes is not nodes:  # not seen yet, or more of it was written
            while len(self._places) >= KEPT:
                del self._places[next(iter(self._places))]
            known = self._places[graph] = Places(nodes)
        return known
