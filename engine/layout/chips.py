"""Draw what was folded: chips and ghosts beside their consumer, the short edges to them, and loops."""

from __future__ import annotations

import numpy as np

from engine.layout.core import Core
from engine.layout.fold import Chip, Folding, row_height, stack_height
from engine.layout.model import Ghost
from engine.layout.net import Net
from engine.layout.routes import Drawing
from engine.layout.spacing import CHIP_GAP, CHIP_INSET, CHIP_ROW_GAP, PORT_GAP
from engine.layout.straight import loop


def place_chips(net: Net, folding: Folding, drawing: Drawing) -> list[Ghost]:
    """Complete `drawing` with everything that was folded; returns the ghosts."""
    placer = _Placer(net, drawing)
    for consumer, rows in folding.stacks.items():
        y = placer.y[consumer] - stack_height(placer.height, rows) / 2
        for row in rows:
            height = row_height(placer.height, row)
            placer.place(consumer, row, y + height / 2)
            y += height + CHIP_ROW_GAP
    placer.finish(drawing)
    return placer.ghosts


class _Placer:
    """Places chips one by one, on plain lists: NumPy is slow at that."""

    def __init__(self, net: Net, drawing: Drawing) -> None:
        self.nodes = net.nodes
        self.width, self.height = net.width.tolist(), net.height.tolist()
        self.x, self.y = drawing.x.tolist(), drawing.y.tolist()
        self.ghosts: list[Ghost] = []
        self.edges: list[int] = []
        self.routes: list[tuple[float, float, float, float]] = []

    def place(self, consumer: int, row: tuple[Chip, ...], y: float) -> None:
        """From the consumer outwards; `from_y` and `room` are the centre and the height of what an edge comes from."""
        border, room, from_y = self.x[consumer] + self.width[consumer] / 2, self.height[consumer], self.y[consumer]
        for chip in row:
            width, height = self.width[chip.node], self.height[chip.node]
            left = border + CHIP_GAP
            if chip.ghost:
                self.ghosts.append(Ghost(self.nodes[chip.node], left + width / 2, y, width, height, chip.edges[0]))
            else:
                self.x[chip.node], self.y[chip.node] = left + width / 2, y
            gap = min(PORT_GAP, min(room, height) / len(chip.edges))
            spread = gap * (len(chip.edges) - 1) / 2
            reach = max(room / 2 - max(CHIP_INSET, spread), 0.0)
            leave = min(max(y, from_y - reach), from_y + reach)
            for position, edge in enumerate(chip.edges):
                port = gap * position - spread
                self.edges.append(edge)
                self.routes.append((border, leave + port, left, y + port))
            border, room, from_y = left + width, height, y

    def finish(self, drawing: Drawing) -> None:
        """Hand over what was placed."""
        drawing.x[:], drawing.y[:] = self.x, self.y
        routes = np.array(self.routes, dtype=np.float64).reshape(-1, 2, 2)
        for edge, points in zip(self.edges, routes, strict=True):
            drawing.routes[edge] = points


def draw_loops(net: Net, core: Core, drawing: Drawing) -> None:
    """Edges from a node to itself."""
    for edge in core.loops.tolist():
        node = net.tail[edge]
        centre = np.array([drawing.x[node], drawing.y[node]])
        drawing.routes[edge] = loop(centre, np.array([net.width[node], net.height[node]]) / 2)


def check(net: Net, drawing: Drawing) -> list[str]:
    missing = [edge for edge, route in enumerate(drawing.routes) if len(route) < 2]
    return [f"edge {edge} of {len(net.edges)} has no route" for edge in missing]
