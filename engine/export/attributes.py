"""What is written of each node and edge, whatever the format."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import networkx as nx

from engine.layout import Layout

DIGITS = 2  # of coordinates in scene px
COPIED = ("name", "kind", "title", "type", "operation", "category", "module", "module_type", "dtype")


def nodes(graph: nx.MultiDiGraph, layout: Layout) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Each node with its attributes: strings, numbers, `shape` a list of int or None, `source` as "file:line" or None.

    `x`, `y` are the centre, `width`, `height` the size of its box. `grad_norm` is None where it is not known.
    """
    for node, data in graph.nodes(data=True):
        position = layout.index[node]
        shape = data.get("shape")
        yield (
            node,
            {
                **{name: data.get(name) or "" for name in COPIED},
                "source": _source(data),
                "shape": None if shape is None else [int(length) for length in shape],
                "grad_norm": finite(data.get("grad_norm")),
                "x": round(float(layout.x[position]), DIGITS),
                "y": round(float(layout.y[position]), DIGITS),
                "width": round(float(layout.width[position]), DIGITS),
                "height": round(float(layout.height[position]), DIGITS),
            },
        )


def edges(graph: nx.MultiDiGraph, layout: Layout) -> Iterator[tuple[Any, Any, Any, dict[str, Any]]]:
    """Each edge (source, target, key) with `input_number` and `route`, a list of points [x, y]."""
    routes = dict(zip(layout.edges, layout.routes, strict=True))
    for source, target, key, data in graph.edges(keys=True, data=True):
        route = [[round(x, DIGITS), round(y, DIGITS)] for x, y in routes[source, target, key].tolist()]
        yield source, target, key, {"input_number": int(data.get("input_number") or 0), "route": route}


def finite(value: float | None) -> float | None:
    """None for what no format can write as a number."""
    return None if value is None or not math.isfinite(value) else float(value)


def _source(data: Mapping[str, Any]) -> str | None:
    source, line = data.get("source"), data.get("line")
    if not source:
        return None
    return f"{source}:{line}" if line is not None else str(source)
