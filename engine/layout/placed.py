"""A layout as arrays, without an object for each node, edge or route."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from engine.layout.model import Box, Direction, Flags, Floats, Ghost, Ints, Layout


@dataclass(frozen=True, eq=False)
class Routes:
    """The routes of all edges: that of edge e is `points[first[e] : first[e + 1]]`, from its source to its target."""

    points: Floats
    first: Ints

    @staticmethod
    def of(routes: Sequence[Floats]) -> Routes:
        points = np.concatenate(routes, dtype=np.float64) if routes else np.zeros((0, 2))
        size = np.fromiter(map(len, routes), np.int64, len(routes))
        return Routes(points, np.concatenate([[0], np.cumsum(size)]).astype(np.int64))

    def __len__(self) -> int:
        return len(self.first) - 1

    def each(self) -> tuple[Floats, ...]:
        """One array for each edge."""
        return tuple(self.points[low:high] for low, high in pairwise(self.first.tolist()))


@dataclass(frozen=True, eq=False)
class Placed:
    """What `Layout` says, with nodes and edges by number: centres and sizes of the nodes, `routes` and `loose` (e) of
    the edges. Ghosts: whose they are, `ghost_edge` that leads to each, and `ghost` (g, 4): x, y, width, height."""

    x: Floats
    y: Floats
    width: Floats
    height: Floats
    routes: Routes
    loose: Flags
    ghost_node: Ints
    ghost_edge: Ints
    ghost: Floats
    boxes: tuple[Box, ...] = ()

    @staticmethod
    def of(layout: Layout) -> Placed:
        loose = np.zeros(len(layout.edges), dtype=np.bool_)
        loose[list(layout.loose)] = True
        rows = [ghost[1:5] for ghost in layout.ghosts]
        return Placed(
            layout.x, layout.y, layout.width, layout.height, Routes.of(layout.routes), loose,
            np.array([layout.index[ghost.node] for ghost in layout.ghosts], dtype=np.int64),
            np.array([ghost.edge_index for ghost in layout.ghosts], dtype=np.int64),
            np.array(rows, dtype=np.float64).reshape(-1, 4), layout.boxes,
        )  # fmt: skip

    def layout(
        self, nodes: tuple[Hashable, ...], edges: tuple[tuple[Hashable, Hashable, Hashable], ...], direction: Direction
    ) -> Layout:
        """The same with names."""
        told = zip(self.ghost_node.tolist(), *self.ghost.T.tolist(), self.ghost_edge.tolist(), strict=True)
        ghosts = tuple(Ghost(nodes[node], x, y, width, height, edge) for node, x, y, width, height, edge in told)
        return Layout(
            nodes=nodes, x=self.x, y=self.y, width=self.width, height=self.height, edges=edges,
            routes=self.routes.each(), ghosts=ghosts,
            loose=frozenset(np.flatnonzero(self.loose).tolist()), algorithm="layered", direction=direction,
            boxes=self.boxes,
        )  # fmt: skip

    @cached_property
    def rects(self) -> Floats:
        """(n + g, 4): left, top, right, bottom of every node, then of every ghost."""
        nodes = np.stack([self.x, self.y, self.width, self.height], axis=1)
        places = np.concatenate([nodes, self.ghost])
        half = places[:, 2:] / 2
        return np.concatenate([places[:, :2] - half, places[:, :2] + half], axis=1)

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of everything drawn; four zeros if there is nothing."""
        if not len(self.x):
            return (0.0, 0.0, 0.0, 0.0)
        frames = np.array([(b.x + b.width / 2, b.y + b.height / 2, b.width, b.height) for b in self.boxes])
        frames = frames.reshape(-1, 4)
        half = frames[:, 2:] / 2
        low = [self.rects[:, :2], frames[:, :2] - half, self.routes.points]
        high = [self.rects[:, 2:], frames[:, :2] + half, self.routes.points]
        left, top = (min(float(each[:, axis].min(initial=np.inf)) for each in low) for axis in (0, 1))
        right, bottom = (max(float(each[:, axis].max(initial=-np.inf)) for each in high) for axis in (0, 1))
        return (left, top, right, bottom)
