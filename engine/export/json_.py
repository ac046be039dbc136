"""JSON in networkx's node-link form: `networkx.node_link_graph(json.load(file))` gives the graph back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TextIO

import networkx as nx

from engine.export import attributes
from engine.export.files import save
from engine.layout import Layout


def write(graph: nx.MultiDiGraph, layout: Layout, target: Path | TextIO) -> None:
    """Nodes with name, kind, module, source, shape, gradient norm and place; edges with input number and route."""
    content = {
        "directed": True,
        "multigraph": True,
        "graph": {**graph.graph, "layout": layout.algorithm},
        "nodes": [{"id": node, **data} for node, data in attributes.nodes(graph, layout)],
        "edges": [
            {"source": source, "target": end, "key": key, **data}
            for source, end, key, data in attributes.edges(graph, layout)
        ],
    }
    save(json.dumps(content, allow_nan=False, separators=(",", ":")) + "\n", target)
