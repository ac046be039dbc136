"""Where the nodes of a graph go, and how its edges run."""

from __future__ import annotations

from engine.layout.algorithms import ALGORITHMS, layout
from engine.layout.model import DIRECTIONS, Box, Direction, Ghost, Layout, LayoutCancelled, LayoutError
from engine.layout.room import Room

__all__ = [
    "ALGORITHMS",
    "DIRECTIONS",
    "Box",
    "Direction",
    "Ghost",
    "Layout",
    "LayoutCancelled",
    "LayoutError",
    "Room",
    "layout",
]
