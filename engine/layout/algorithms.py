"""The layouts that can be chosen, by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import networkx as nx

from engine.layout import graphviz, networkx_layouts
from engine.layout.model import Layout, LayoutError
from engine.layout.pipeline import layered

Algorithm = Callable[[nx.MultiDiGraph, float], Layout]

ALGORITHMS: Mapping[str, Algorithm] = {
    "layered": layered,
    **{name: networkx_layouts.algorithm(name) for name in networkx_layouts.METHODS},
    **({"dot": graphviz.dot} if graphviz.installed() else {}),
}


def layout(graph: nx.MultiDiGraph, *, algorithm: str = "layered", aspect: float = 1.6) -> Layout:
    """Positions and routes in scene px, the loss at the top; node sizes are the attributes `width` and `height`.

    `aspect` is the wished-for width : height. Raises LayoutError for an unknown algorithm, for one that cannot do this
    graph, and for an aspect that is not a positive number.
    """
    if algorithm not in ALGORITHMS:
        raise LayoutError(f"There is no layout '{algorithm}'. Choose one of: {', '.join(ALGORITHMS)}.")
    if not (math.isfinite(aspect) and aspect > 0):
        raise LayoutError(f"The aspect of a layout must be a positive number, not {aspect}.")
    return ALGORITHMS[algorithm](graph, aspect)
