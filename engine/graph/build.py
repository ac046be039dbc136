"""From a recording to a networkx graph."""

from __future__ import annotations

from typing import Any

import networkx as nx

from engine.graph import known
from engine.graph.category import category
from engine.graph.labels import Labels, subtitle
from engine.graph.leaves import leaf_roles
from engine.pace import gently
from engine.recording.model import Node
from engine.recording.reader import Recording


def build_graph(recording: Recording, graph_id: int, *, data_leaves: bool = False) -> nx.MultiDiGraph:
    """One backward pass: nodes by their id, edges from the loss to the leaves, keyed by slot.

    Node attributes: kind, type, operation, name, title, subtitle, category, module, module_type, source (path or None),
    line, shape, dtype, parameter, sequence_nr, saved_bytes (None: unknown). Edge attribute: input_number. Graph
    attributes: id, step, kind, root. `data_leaves` adds what needs no gradient, with a `role` of `engine.graph.leaves`.
    Raises RecordingError if there is no such graph, or it cannot be read.
    """
    row = recording.graph(graph_id)
    graph = nx.MultiDiGraph(id=row.id, step=row.step, kind=row.kind, root=row.root)
    nodes = recording.nodes(graph_id)
    labels = known.labels(recording, graph_id)
    roles = leaf_roles(nodes, recording.edges(graph_id)) if data_leaves else {}
    shown = {node.id: node for node in nodes if data_leaves or node.kind != "data"}
    paths: dict[int | None, str | None] = {None: None}
    for source in {node.source for node in shown.values() if node.source is not None}:
        paths[source] = recording.source(source).path
    graph.add_nodes_from(shown)
    for node, (_, told) in gently(zip(shown.values(), graph.nodes(data=True), strict=True)):
        told.update(_attributes(node, labels, paths[node.source]))
        if node.kind == "data":
            told["role"] = roles[node.id]
    for edge in gently(recording.edges(graph_id)):
        if edge.source in shown and edge.target in shown:
            graph.add_edge(edge.source, edge.target, key=edge.slot, input_number=edge.input_number)
    return graph


def _attributes(node: Node, labels: Labels, source: str | None) -> dict[str, Any]:
    return {
        "kind": node.kind,
        "type": node.type,
        "operation": node.operation,
        "name": node.name,
        "title": labels.title(node),
        "subtitle": subtitle(node),
        "category": category(node.type, node.kind),
        "module": node.module,
        "module_type": node.module_type,
        "source": source,
        "line": node.line,
        "shape": node.shape,
        "dtype": node.dtype,
        "parameter": node.parameter,
        "sequence_nr": node.sequence_nr,
        "saved_bytes": node.info.get("saved_bytes"),
    }
