"""Graphs with their module trees, kept as long as they may be collapsed in another way, and what a scene of one graph
needs to become that of another with the same structure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import networkx as nx

    from engine.graph.modules import ModuleTree
    from engine.layout.nested import Templates
    from engine.recording.reader import Recording
    from gui.canvas.loader import Wish
    from gui.canvas.modules.inner import Plain
    from gui.canvas.modules.stock import Stock
    from gui.canvas.scene import Scene

Ints = npt.NDArray[np.int64]

KEPT = 4


@dataclass
class Closing:
    """How many times what fits a screen was reduced for a smaller one; None as long as nothing was shown."""

    degree: int | None = None


@dataclass(frozen=True, eq=False)
class Source:
    """A built graph; `ids` are the recording's nodes in order, data leaves included."""

    graph: nx.MultiDiGraph
    tree: ModuleTree
    plain: Plain
    ids: Ints
    templates: Templates
    stock: Stock
    closing: Closing = field(default_factory=Closing)


class Sources:
    """The graphs that were laid out last, by structure. Used by one thread at a time."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, bool], Source] = {}

    def of(self, recording: Recording, wish: Wish) -> Source:
        """The graph of a wish, or one of the same structure: its ids may be others'. Raises RecordingError."""
        key = (wish.structure, wish.data_leaves)
        found = self._kept.pop(key, None) or _build(recording, wish)
        self._kept[key] = found
        while len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]
        return found


def _build(recording: Recording, wish: Wish) -> Source:
    from engine.graph.build import build_graph

    graph = build_graph(recording, wish.graph_id, data_leaves=wish.data_leaves)
    return source_of(graph, node_ids_of(recording, wish.graph_id))


def source_of(graph: nx.MultiDiGraph, ids: Ints) -> Source:
    """That of a graph of `engine.graph.build`."""
    from engine.graph.modules import module_tree
    from engine.layout.nested import Templates
    from gui.canvas.modules.inner import plain_of
    from gui.canvas.modules.stock import stock_of

    tree = module_tree(graph)
    templates = Templates()
    return Source(graph, tree, plain_of(graph, tree), ids, templates, stock_of(graph, tree, templates))


def node_ids_of(recording: Recording, graph_id: int) -> Ints:
    return np.array([node.id for node in recording.nodes(graph_id)], dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Places:
    """Where the nodes of a scene stand among the recording's: -1 for groups, whose ids are the same in all graphs."""

    drawn: Ints
    inner: Ints | None

    @staticmethod
    def of(scene: Scene, ids: Ints) -> Places:
        order = np.argsort(ids)

        def found(nodes: Ints) -> Ints:
            place = order[np.minimum(np.searchsorted(ids[order], nodes), max(len(ids) - 1, 0))]
            return np.where(nodes < 0, -1, place)

        return Places(found(scene.node_ids), None if scene.inner is None else found(scene.inner.plain.node_ids))

    def filled(self, scene: Scene, ids: Ints) -> Scene:
        """The scene for the graph with these nodes."""
        node_ids = np.where(self.drawn < 0, scene.node_ids, ids[self.drawn])
        inner = scene.inner
        if inner is not None and self.inner is not None:
            inner = inner.with_nodes(ids[self.inner])
        return scene.with_nodes(node_ids, inner)
