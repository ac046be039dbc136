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
    ghosts: list[Ghost] = []
    for consumer, rows in folding.stacks.items():
        y = float(drawing.y[consumer]) - stack_height(net, rows) / 2
        for row in rows:
            height = row_height(net, row)
            _place_row(net, drawing, ghosts, consumer, row, y + height / 2)
            y += height + CHIP_ROW_GAP
    return ghosts


def _place_row(net: Net, drawing: Drawing, ghosts: list[Ghost], consumer: int, row: tuple[Chip, ...], y: float) -> None:
    reach = max(float(net.height[consumer]) / 2 - CHIP_INSET, 0.0)
    edge_y = min(max(y, float(drawing.y[consumer]) - reach), float(drawing.y[consumer]) + reach)
    border = float(drawing.x[consumer] + net.width[consumer] / 2)
    for chip in row:
        width, height = float(net.width[chip.node]), float(net.height[chip.node])
        left = border + CHIP_GAP
        if chip.ghost:
            ghosts.append(Ghost(net.nodes[chip.node], left + width / 2, y, width, height, chip.edges[0]))
        else:
            drawing.x[chip.node], drawing.y[chip.node] = left + width / 2, y
        for position, edge in enumerate(chip.edges):
            port = (position - (len(chip.edges) - 1) / 2) * min(PORT_GAP, height / len(chip.edges))
            drawing.routes[edge] = np.array([(border, edge_y + port), (left, y + port)])
        border, edge_y = left + width, y


def draw_loops(net: Net, core: Core, drawing: Drawing) -> None:
    """Edges from a node to itself."""
    for edge in core.loops.tolist():
        node = net.tail[edge]
        centre = np.array([drawing.x[node], drawing.y[node]])
        drawing.routes[edge] = loop(centre, np.array([net.width[node], net.height[node]]) / 2)


def check(net: Net, drawing: Drawing) -> list[str]:
    missing = [edge for edge, route in enumerate(drawing.routes) if len(route) < 2]
    return [f"edge {edge} of {len(net.edges)} has no route" for edge in missing]
