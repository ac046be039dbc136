"""GraphML, for yEd, Gephi, Cytoscape and others: only flat strings and numbers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, TextIO

import networkx as nx

from engine.export import attributes
from engine.export.files import save
from engine.layout import Layout

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(graph: nx.MultiDiGraph, layout: Layout, target: Path | TextIO) -> None:
    """Shapes are written as "[64, 3, 7, 7]", routes as "x,y x,y …"; what is not known is left out."""
    flat = nx.MultiDiGraph()
    for name, value in graph.graph.items():
        if value is not None:  # "id" is what the XML element itself is called
            flat.graph["number" if name == "id" else name] = _flat(value)
    for node, data in attributes.nodes(graph, layout):
        flat.add_node(_flat(node), **{name: _flat(value) for name, value in data.items() if value is not None})
    for number, (source, end, key, data) in enumerate(attributes.edges(graph, layout)):
        route = " ".join(f"{x},{y}" for x, y in data.pop("route"))
        flat.add_edge(_flat(source), _flat(end), id=f"e{number}", slot=_flat(key), route=route, **data)
    lines = nx.generate_graphml(flat, encoding="utf-8", edge_id_from_attribute="id")
    save('<?xml version="1.0" encoding="utf-8"?>\n' + "\n".join(lines) + "\n", target)


def _flat(value: Any) -> str | int | float:
    """Numbers as they are, all else as text of characters that XML allows."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", str(value))
