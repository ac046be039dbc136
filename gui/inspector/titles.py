"""What nodes are called: the same titles as on the canvas, made once for each graph."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from engine.graph.labels import Labels
from engine.recording.model import Node
from engine.recording.reader import Recording

_KEPT = 8  # graphs

Titles = tuple[tuple[Node, ...], Labels]
_known: WeakKeyDictionary[Recording, dict[int, Titles]] = WeakKeyDictionary()


def title(recording: Recording, node: Node) -> str:
    """The node in the user's words."""
    graphs = _known.setdefault(recording, {})
    nodes = recording.nodes(node.graph)
    if node.graph not in graphs or graphs[node.graph][0] is not nodes:  # a live graph may still grow
        if len(graphs) >= _KEPT:
            graphs.clear()
        graphs[node.graph] = (nodes, Labels(nodes))
    return graphs[node.graph][1].title(node)
