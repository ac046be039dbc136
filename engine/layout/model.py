"""What a layout is: positions of nodes and routes of edges, in scene pixels, y growing downward."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.errors import ChainruleError
from engine.pace import give_way

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

DEFAULT_HEIGHT = 26.0
DEFAULT_PADDING = 18.0
DEFAULT_CHARACTER = 6.8


Direction = Literal["down", "up", "right"]
DIRECTIONS: tuple[Direction, ...] = ("down", "up", "right")
Cancel = Callable[[], bool]


class LayoutError(ChainruleError):
    """A layout that cannot be made: an unknown algorithm, a missing program, a graph that it does not suit."""


class LayoutCancelled(LayoutError):
    """A layout that nobody wants any more was given up."""


def go_on() -> None:
    """For work that nobody will want to stop."""


def stopper(cancel: Cancel | None) -> Callable[[], None]:
    """What long work calls now and then: it raises LayoutCancelled once `cancel` answers True."""

    def stop() -> None:
        give_way()
        if cancel is not None and cancel():
            raise LayoutCancelled("The layout was cancelled.")

    return stop


class Ghost(NamedTuple):
    """A second picture of a shared leaf, beside another consumer; `edge_index` is the edge that leads to it."""

    node: Hashable
    x: float
    y: float
    width: float
    height: float
    edge_index: int


class Box(NamedTuple):
    """A frame round some nodes and boxes: its upper left corner and size, and how many it is in, itself included."""

    key: str
    title: str
    x: float
    y: float
    width: float
    height: float
    depth: int


@dataclass(frozen=True, eq=False)
class Layout:
    """Centres `x`, `y` and sizes of `nodes` (float64 arrays in their order), and a route for each of `edges`.

    A route is an array of shape (k, 2), k >= 2, from the border of the edge's source to the border of its target.
    Edges whose index is in `loose` are many and long, share one line beside the graph, and are best drawn faintly.
    `passes` says how long each pass took, in milliseconds. `direction` is where the graph leads from the loss.
    """

    nodes: tuple[Hashable, ...]
    x: Floats
    y: Floats
    width: Floats
    height: Floats
    edges: tuple[tuple[Hashable, Hashable, Hashable], ...]
    routes: tuple[Floats, ...]
    ghosts: tuple[Ghost, ...] = ()
    loose: frozenset[int] = frozenset()
    passes: tuple[tuple[str, float], ...] = ()
    algorithm: str = ""
    direction: Direction = "down"
    boxes: tuple[Box, ...] = ()

    @cached_property
    def index(self) -> Mapping[Hashable, int]:
        """Position of each node in the arrays."""
        return {node: position for position, node in enumerate(self.nodes)}

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of everything drawn; four zeros if there is nothing."""
        if not self.nodes:
            return (0.0, 0.0, 0.0, 0.0)
        ghosts = np.array([(g.x, g.y, g.width, g.height) for g in self.ghosts]).reshape(-1, 4)
        frames = np.array([(b.x + b.width / 2, b.y + b.height / 2, b.width, b.height) for b in self.boxes])
        nodes = np.stack([self.x, self.y, self.width, self.height], axis=1)
        boxes = np.concatenate([nodes, ghosts, frames.reshape(-1, 4)])
        corners = [boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2]
        points = np.concatenate([*corners, *self.routes])
        left, top = points.min(axis=0).tolist()
        right, bottom = points.max(axis=0).tolist()
        return (left, top, right, bottom)


def default_size(attributes: Mapping[str, Any]) -> tuple[float, float]:
    """Width and height of a node that brings none: a line of text and its padding."""
    text = str(attributes.get("title") or attributes.get("type") or "")
    return DEFAULT_PADDING + DEFAULT_CHARACTER * max(len(text), 4), DEFAULT_HEIGHT
