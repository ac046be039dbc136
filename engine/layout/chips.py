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
    """From the consumer outwards; `from_y` and `room` are the centre and the height of what an edge comes from."""
    border, room = float(drawing.x[consumer] + net.width[consumer] / 2), float(net.height[consumer])
    from_y = float(drawing.y[consumer])
    for chip in row:
        width, height = float(net.width[chip.node]), float(net.height[chip.node])
        left = border + CHIP_GAP
        if chip.ghost:
            ghosts.append(Ghost(net.nodes[chip.node], left + width / 2, y, width, height, chip.edges[0]))
        else:
            drawing.x[chip.node], drawing.y[chip.node] = left + width / 2, y
        gap = min(PORT_GAP, min(room, height) / len(chip.edges))
        spread = gap * (len(chip.edges) - 1) / 2
        reach = max(room / 2 - max(CHIP_INSET, spread), 0.0)
        leave = min(max(y, from_y - reach), from_y + reach)
        for position, edge in enumerate(chip.edges):
            port = gap * position - spread
            drawing.routes[edge] = np.array([(border, leave + port), (left, y + port)])
        border, room, from_y = left + width, height, y


def draw_loops(net: Net, core: Core, drawing: Drawing) -> None:
    """Edges from a node to itself."""
    for edge in core.loops.tolist():
        node = net.tail[edge]
        centre = np.array([drawing.x[node], drawing.y[node]])
        drawing.routes[edge] = loop(centre, np.array([net.width[node], net.height[node]]) / 2)


def check(net: Net, drawing: Drawing) -> list[str]:
    missing = [edge for edge, route in enumerate(drawing.routes) if len(route) < 2]
    return [f"edge {edge} of {len(net.edges)} has no route" for edge in missing]
