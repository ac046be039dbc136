"""Where the nodes of a graph go, and how its edges run.

What is asked for here is imported when it is asked for first. A package that imports its own modules holds its lock
while it waits for theirs, and a thread that imports one of those holds that one's and waits for the package's: Python
then gives one of the two a module that is not finished.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
_ELSEWHERE = {"ALGORITHMS": "algorithms", "layout": "algorithms", "Room": "room"}  # the rest is in `model`


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ELSEWHERE.get(name, 'model')}"), name)
