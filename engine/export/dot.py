"""Graphviz's dot language. `neato -n2` draws it with our positions, `dot` with its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TextIO

import networkx as nx

from engine.export import attributes
from engine.export.files import save
from engine.layout import Layout

INCH = 72.0  # Graphviz measures boxes in inches, of 72 px here
WRITTEN = ("kind", "category", "module", "source", "dtype", "grad_norm")


def write(graph: nx.MultiDiGraph, layout: Layout, target: Path | TextIO) -> None:
    """Labels are the title and the type; y grows upward, as Graphviz has it."""
    lines = [
        "digraph chainrule {",
        "  node [shape=box, style=rounded, margin=0.05, fontsize=8];",
        "  edge [arrowsize=0.5];",
    ]
    lines += [f"  {_quoted(node)} [{_node(data)}];" for node, data in attributes.nodes(graph, layout)]
    lines += [
        f"  {_quoted(source)} -> {_quoted(end)} [input_number={data['input_number']}, slot={_quoted(key)}];"
        for source, end, key, data in attributes.edges(graph, layout)
    ]
    save("\n".join([*lines, "}", ""]), target)


def _node(data: dict[str, Any]) -> str:
    written = {
        "label": "\n".join(text for text in (data["title"], data["type"]) if text),
        "pos": f"{data['x']},{-data['y']}!",
        "width": f"{data['width'] / INCH:.4f}",
        "height": f"{data['height'] / INCH:.4f}",
        **{name: data[name] for name in WRITTEN if data[name] not in (None, "")},
    }
    if data["shape"] is not None:
        written["tensor_shape"] = data["shape"]  # `shape` is the form of the box
    return ", ".join(f"{name}={_quoted(value)}" for name, value in written.items())


def _quoted(value: Any) -> str:
    """A quoted string, in which nothing has a meaning of its own but a line break."""
    text = str(value).replace("\0", "").replace("\\", "\\\\").replace('"', '\\"')
    return '"' + text.replace("\r", "").replace("\n", "\\n") + '"'
