"""Draw what was folded: chips and ghosts beside their consumer, the short edges to them, and loops."""

from __future__ import annotations

import numpy as np

from engine.layout.core import Core
from engine.layout.fold import Chip, Folding, row_height, stack_height
from engine.layout.model import Floats, Ghost
from engine.layout.net import Net
from engine.layout.routes import Drawing
from engine.layout.spacing import CHIP_GAP, CHIP_INDENT, CHIP_INSET, CHIP_ROW_GAP, PORT_GAP
from engine.layout.straight import loop

SLACK = 0.5  # px by which a chip may be off


def place_chips(net: Net, folding: Folding, drawing: Drawing) -> list[Ghost]:
    """Complete `drawing` with everything that was folded; returns the ghosts."""
    placer = _Placer(net, drawing)
    below = net.direction == "right"
    for consumer, rows in folding.stacks.items():
        if below:
            y = placer.y[consumer] + placer.height[consumer] / 2 + CHIP_ROW_GAP
        else:
            y = placer.y[consumer] - stack_height(placer.height, rows) / 2
        for row in rows:
            height = row_height(placer.height, row)
            (placer.place_below if below else placer.place_beside)(consumer, row, y + height / 2)
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
        self.bent: dict[int, Floats] = {}

    def place_beside(self, consumer: int, row: tuple[Chip, ...], y: float) -> None:
        """A row at the right of its consumer."""
        border = self.x[consumer] + self.width[consumer] / 2
        self._row(row, y, border, self.y[consumer], self.height[consumer])

    def place_below(self, consumer: int, row: tuple[Chip, ...], y: float) -> None:
        """A row below its consumer, indented: like folders in a tree."""
        first, rest = row[0], row[1:]
        left = self.x[consumer] - self.width[consumer] / 2
        trunk, border = left + min(CHIP_INDENT, self.width[consumer]) / 2, left + CHIP_INDENT
        bottom = self.y[consumer] + self.height[consumer] / 2
        width, height = self.width[first.node], self.height[first.node]
        gap = min(PORT_GAP, min(height, CHIP_INDENT / 2) / len(first.edges))
        for position, edge in enumerate(first.edges):
            port = gap * (position - (len(first.edges) - 1) / 2)
            self.bent[edge] = np.array([(trunk - port, bottom), (trunk - port, y + port), (border, y + port)])
        self._put(first, border + width / 2, y)
        self._row(rest, y, border + width, y, height)

    def _row(self, row: tuple[Chip, ...], y: float, border: float, from_y: float, room: float) -> None:
        """From `border` outwards; `from_y` and `room` are the centre and the height of what an edge comes from."""
        for chip in row:
            width, height = self.width[chip.node], self.height[chip.node]
            left = border + CHIP_GAP
            self._put(chip, left + width / 2, y)
            gap = min(PORT_GAP, min(room, height) / len(chip.edges))
            spread = gap * (len(chip.edges) - 1) / 2
            reach = max(room / 2 - max(CHIP_INSET, spread), 0.0)
            leave = min(max(y, from_y - reach), from_y + reach)
            for position, edge in enumerate(chip.edges):
                port = gap * position - spread
                self.edges.append(edge)
                self.routes.append((border, leave + port, left, y + port))
            border, room, from_y = left + width, height, y

    def _put(self, chip: Chip, x: float, y: float) -> None:
        if chip.ghost:
            width, height = self.width[chip.node], self.height[chip.node]
            self.ghosts.append(Ghost(self.nodes[chip.node], x, y, width, height, chip.edges[0]))
        else:
            self.x[chip.node], self.y[chip.node] = x, y

    def finish(self, drawing: Drawing) -> None:
        """Hand over what was placed."""
        drawing.x[:], drawing.y[:] = self.x, self.y
        routes = np.array(self.routes, dtype=np.float64).reshape(-1, 2, 2)
        for edge, points in zip(self.edges, routes, strict=True):
            drawing.routes[edge] = points
        for edge, points in self.bent.items():
            drawing.routes[edge] = points


def draw_loops(net: Net, core: Core, drawing: Drawing) -> None:
    """Edges from a node to itself: at its left, above it where the drawing runs from left to right."""
    across = net.direction == "right"
    for edge in core.loops.tolist():
        node = net.tail[edge]
        centre, half = np.array([drawing.x[node], drawing.y[node]]), np.array([net.width[node], net.height[node]]) / 2
        drawing.routes[edge] = loop(centre[::-1], half[::-1])[:, ::-1] if across else loop(centre, half)


def check(net: Net, folding: Folding, drawing: Drawing, ghosts: list[Ghost]) -> list[str]:
    problems = []
    missing = [edge for edge, route in enumerate(drawing.routes) if len(route) < 2]
    problems += [f"edge {edge} of {len(net.edges)} has no route" for edge in missing]
    if len(ghosts) != sum(chip.ghost for rows in folding.stacks.values() for row in rows for chip in row):
        problems.append("a ghost is missing")
    for consumer, rows in folding.stacks.items():
        chips = [chip.node for row in rows for chip in row if not chip.ghost]
        apart_x = np.abs(drawing.x[chips] - drawing.x[consumer]) - (net.width[chips] + net.width[consumer]) / 2
        apart_y = np.abs(drawing.y[chips] - drawing.y[consumer]) - (net.height[chips] + net.height[consumer]) / 2
        if (np.maximum(apart_x, apart_y) < -SLACK).any():
            problems.append(f"a chip lies on node {net.nodes[consumer]!r}, beside which it belongs")
    return problems
