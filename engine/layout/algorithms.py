"""The layouts that can be chosen, by name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

import networkx as nx

from engine.layout import graphviz, networkx_layouts
from engine.layout.model import DIRECTIONS, Cancel, Direction, Layout, LayoutError
from engine.layout.pipeline import layered
from engine.layout.room import Room


class Algorithm(Protocol):
    """What every layout takes, whether or not it can make use of it."""

    def __call__(
        self,
        graph: nx.MultiDiGraph,
        aspect: float,
        *,
        direction: Direction,
        wrap: bool,
        room: Room | None,
        cancel: Cancel | None,
    ) -> Layout: ...


ALGORITHMS: Mapping[str, Algorithm] = {
    "layered": layered,
    **{name: networkx_layouts.algorithm(name) for name in networkx_layouts.METHODS},
    **({"dot": graphviz.dot} if graphviz.installed() else {}),
}


def layout(
    graph: nx.MultiDiGraph,
    *,
    algorithm: str = "layered",
    aspect: float = 1.6,
    direction: Direction = "down",
    wrap: bool = True,
    room: Room | None = None,
    cancel: Cancel | None = None,
) -> Layout:
    """Positions and routes in scene px; node sizes are the attributes `width` and `height`.

    The graph leads "down" from the loss, "up" (the loss at the bottom) or to the "right". `aspect` is the wished-for
    width : height, which is met by breaking the drawing into columns; without `wrap` it is left in one. Nodes whose
    attribute `port` is "first" or "last" stand in the first or last rank, and may be of size 0. `room` is how much can
    be read at a time: where names could otherwise not be, columns are shorter.

    Raises LayoutError for an unknown algorithm or direction, for an algorithm that cannot do this graph, and for an
    aspect that is not a positive number; LayoutCancelled soon after `cancel`, called now and then, has answered True.
    """
    if algorithm not in ALGORITHMS:
        raise LayoutError(f"There is no layout '{algorithm}'. Choose one of: {', '.join(ALGORITHMS)}.")
    if direction not in DIRECTIONS:
        raise LayoutError(f"A layout cannot lead '{direction}'. Choose one of: {', '.join(DIRECTIONS)}.")
    if not (math.isfinite(aspect) and aspect > 0):
        raise LayoutError(f"The aspect of a layout must be a positive number, not {aspect}.")
    return ALGORITHMS[algorithm](graph, aspect, direction=direction, wrap=wrap, room=room, cancel=cancel)
